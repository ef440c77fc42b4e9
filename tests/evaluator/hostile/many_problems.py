# Is wrong in more ways than there is time to find words for.
# Reason: uses the attribute wrong
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    episode.wrong0, episode.wrong1, episode.wrong2, episode.wrong3, episode.wrong4
    episode.wrong5, episode.wrong6, episode.wrong7, episode.wrong8, episode.wrong9
    episode.wrong10, episode.wrong11, episode.wrong12, episode.wrong13, episode.wrong14
    episode.wrong15, episode.wrong16, episode.wrong17, episode.wrong18, episode.wrong19
    episode.wrong20, episode.wrong21, episode.wrong22, episode.wrong23, episode.wrong24
    episode.wrong25, episode.wrong26, episode.wrong27, episode.wrong28, episode.wrong29
    episode.wrong30, episode.wrong31, episode.wrong32, episode.wrong33, episode.wrong34
    episode.wrong35, episode.wrong36, episode.wrong37, episode.wrong38, episode.wrong39
    episode.wrong40, episode.wrong41, episode.wrong42, episode.wrong43, episode.wrong44
    episode.wrong45, episode.wrong46, episode.wrong47, episode.wrong48, episode.wrong49
    episode.wrong50, episode.wrong51, episode.wrong52, episode.wrong53, episode.wrong54
    episode.wrong55, episode.wrong56, episode.wrong57, episode.wrong58, episode.wrong59
    episode.wrong60, episode.wrong61, episode.wrong62, episode.wrong63, episode.wrong64
    episode.wrong65, episode.wrong66, episode.wrong67, episode.wrong68, episode.wrong69
    episode.wrong70, episode.wrong71, episode.wrong72, episode.wrong73, episode.wrong74
    episode.wrong75, episode.wrong76, episode.wrong77, episode.wrong78, episode.wrong79
    episode.wrong80, episode.wrong81, episode.wrong82, episode.wrong83, episode.wrong84
    episode.wrong85, episode.wrong86, episode.wrong87, episode.wrong88, episode.wrong89
    episode.wrong90, episode.wrong91, episode.wrong92, episode.wrong93, episode.wrong94
    episode.wrong95, episode.wrong96, episode.wrong97, episode.wrong98, episode.wrong99
    episode.wrong100, episode.wrong101, episode.wrong102, episode.wrong103, episode.wrong104
    episode.wrong105, episode.wrong106, episode.wrong107, episode.wrong108, episode.wrong109
    episode.wrong110, episode.wrong111, episode.wrong112, episode.wrong113, episode.wrong114
    episode.wrong115, episode.wrong116, episode.wrong117, episode.wrong118, episode.wrong119
    episode.wrong120, episode.wrong121, episode.wrong122, episode.wrong123, episode.wrong124
    episode.wrong125, episode.wrong126, episode.wrong127, episode.wrong128, episode.wrong129
    episode.wrong130, episode.wrong131, episode.wrong132, episode.wrong133, episode.wrong134
    episode.wrong135, episode.wrong136, episode.wrong137, episode.wrong138, episode.wrong139
    episode.wrong140, episode.wrong141, episode.wrong142, episode.wrong143, episode.wrong144
    episode.wrong145, episode.wrong146, episode.wrong147, episode.wrong148, episode.wrong149
    episode.wrong150, episode.wrong151, episode.wrong152, episode.wrong153, episode.wrong154
    episode.wrong155, episode.wrong156, episode.wrong157, episode.wrong158, episode.wrong159
    episode.wrong160, episode.wrong161, episode.wrong162, episode.wrong163, episode.wrong164
    episode.wrong165, episode.wrong166, episode.wrong167, episode.wrong168, episode.wrong169
    episode.wrong170, episode.wrong171, episode.wrong172, episode.wrong173, episode.wrong174
    episode.wrong175, episode.wrong176, episode.wrong177, episode.wrong178, episode.wrong179
    episode.wrong180, episode.wrong181, episode.wrong182, episode.wrong183, episode.wrong184
    episode.wrong185, episode.wrong186, episode.wrong187, episode.wrong188, episode.wrong189
    episode.wrong190, episode.wrong191, episode.wrong192, episode.wrong193, episode.wrong194
    episode.wrong195, episode.wrong196, episode.wrong197, episode.wrong198, episode.wrong199
    episode.wrong200, episode.wrong201, episode.wrong202, episode.wrong203, episode.wrong204
    episode.wrong205, episode.wrong206, episode.wrong207, episode.wrong208, episode.wrong209
    episode.wrong210, episode.wrong211, episode.wrong212, episode.wrong213, episode.wrong214
    episode.wrong215, episode.wrong216, episode.wrong217, episode.wrong218, episode.wrong219
    episode.wrong220, episode.wrong221, episode.wrong222, episode.wrong223, episode.wrong224
    episode.wrong225, episode.wrong226, episode.wrong227, episode.wrong228, episode.wrong229
    episode.wrong230, episode.wrong231, episode.wrong232, episode.wrong233, episode.wrong234
    episode.wrong235, episode.wrong236, episode.wrong237, episode.wrong238, episode.wrong239
    episode.wrong240, episode.wrong241, episode.wrong242, episode.wrong243, episode.wrong244
    episode.wrong245, episode.wrong246, episode.wrong247, episode.wrong248, episode.wrong249
    episode.wrong250, episode.wrong251, episode.wrong252, episode.wrong253, episode.wrong254
    episode.wrong255, episode.wrong256, episode.wrong257, episode.wrong258, episode.wrong259
    episode.wrong260, episode.wrong261, episode.wrong262, episode.wrong263, episode.wrong264
    episode.wrong265, episode.wrong266, episode.wrong267, episode.wrong268, episode.wrong269
    episode.wrong270, episode.wrong271, episode.wrong272, episode.wrong273, episode.wrong274
    episode.wrong275, episode.wrong276, episode.wrong277, episode.wrong278, episode.wrong279
    episode.wrong280, episode.wrong281, episode.wrong282, episode.wrong283, episode.wrong284
    episode.wrong285, episode.wrong286, episode.wrong287, episode.wrong288, episode.wrong289
    episode.wrong290, episode.wrong291, episode.wrong292, episode.wrong293, episode.wrong294
    episode.wrong295, episode.wrong296, episode.wrong297, episode.wrong298, episode.wrong299
    episode.wrong300, episode.wrong301, episode.wrong302, episode.wrong303, episode.wrong304
    episode.wrong305, episode.wrong306, episode.wrong307, episode.wrong308, episode.wrong309
    episode.wrong310, episode.wrong311, episode.wrong312, episode.wrong313, episode.wrong314
    episode.wrong315, episode.wrong316, episode.wrong317, episode.wrong318, episode.wrong319
    episode.wrong320, episode.wrong321, episode.wrong322, episode.wrong323, episode.wrong324
    episode.wrong325, episode.wrong326, episode.wrong327, episode.wrong328, episode.wrong329
    episode.wrong330, episode.wrong331, episode.wrong332, episode.wrong333, episode.wrong334
    episode.wrong335, episode.wrong336, episode.wrong337, episode.wrong338, episode.wrong339
    episode.wrong340, episode.wrong341, episode.wrong342, episode.wrong343, episode.wrong344
    episode.wrong345, episode.wrong346, episode.wrong347, episode.wrong348, episode.wrong349
    episode.wrong350, episode.wrong351, episode.wrong352, episode.wrong353, episode.wrong354
    episode.wrong355, episode.wrong356, episode.wrong357, episode.wrong358, episode.wrong359
    episode.wrong360, episode.wrong361, episode.wrong362, episode.wrong363, episode.wrong364
    episode.wrong365, episode.wrong366, episode.wrong367, episode.wrong368, episode.wrong369
    episode.wrong370, episode.wrong371, episode.wrong372, episode.wrong373, episode.wrong374
    episode.wrong375, episode.wrong376, episode.wrong377, episode.wrong378, episode.wrong379
    episode.wrong380, episode.wrong381, episode.wrong382, episode.wrong383, episode.wrong384
    episode.wrong385, episode.wrong386, episode.wrong387, episode.wrong388, episode.wrong389
    episode.wrong390, episode.wrong391, episode.wrong392, episode.wrong393, episode.wrong394
    episode.wrong395, episode.wrong396, episode.wrong397, episode.wrong398, episode.wrong399
    episode.wrong400, episode.wrong401, episode.wrong402, episode.wrong403, episode.wrong404
    episode.wrong405, episode.wrong406, episode.wrong407, episode.wrong408, episode.wrong409
    episode.wrong410, episode.wrong411, episode.wrong412, episode.wrong413, episode.wrong414
    episode.wrong415, episode.wrong416, episode.wrong417, episode.wrong418, episode.wrong419
    episode.wrong420, episode.wrong421, episode.wrong422, episode.wrong423, episode.wrong424
    episode.wrong425, episode.wrong426, episode.wrong427, episode.wrong428, episode.wrong429
    episode.wrong430, episode.wrong431, episode.wrong432, episode.wrong433, episode.wrong434
    episode.wrong435, episode.wrong436, episode.wrong437, episode.wrong438, episode.wrong439
    episode.wrong440, episode.wrong441, episode.wrong442, episode.wrong443, episode.wrong444
    episode.wrong445, episode.wrong446, episode.wrong447, episode.wrong448, episode.wrong449
    episode.wrong450, episode.wrong451, episode.wrong452, episode.wrong453, episode.wrong454
    episode.wrong455, episode.wrong456, episode.wrong457, episode.wrong458, episode.wrong459
    episode.wrong460, episode.wrong461, episode.wrong462, episode.wrong463, episode.wrong464
    episode.wrong465, episode.wrong466, episode.wrong467, episode.wrong468, episode.wrong469
    episode.wrong470, episode.wrong471, episode.wrong472, episode.wrong473, episode.wrong474
    episode.wrong475, episode.wrong476, episode.wrong477, episode.wrong478, episode.wrong479
    episode.wrong480, episode.wrong481, episode.wrong482, episode.wrong483, episode.wrong484
    episode.wrong485, episode.wrong486, episode.wrong487, episode.wrong488, episode.wrong489
    episode.wrong490, episode.wrong491, episode.wrong492, episode.wrong493, episode.wrong494
    episode.wrong495, episode.wrong496, episode.wrong497, episode.wrong498, episode.wrong499
    episode.wrong500, episode.wrong501, episode.wrong502, episode.wrong503, episode.wrong504
    episode.wrong505, episode.wrong506, episode.wrong507, episode.wrong508, episode.wrong509
    episode.wrong510, episode.wrong511, episode.wrong512, episode.wrong513, episode.wrong514
    episode.wrong515, episode.wrong516, episode.wrong517, episode.wrong518, episode.wrong519
    episode.wrong520, episode.wrong521, episode.wrong522, episode.wrong523, episode.wrong524
    episode.wrong525, episode.wrong526, episode.wrong527, episode.wrong528, episode.wrong529
    episode.wrong530, episode.wrong531, episode.wrong532, episode.wrong533, episode.wrong534
    episode.wrong535, episode.wrong536, episode.wrong537, episode.wrong538, episode.wrong539
    episode.wrong540, episode.wrong541, episode.wrong542, episode.wrong543, episode.wrong544
    episode.wrong545, episode.wrong546, episode.wrong547, episode.wrong548, episode.wrong549
    episode.wrong550, episode.wrong551, episode.wrong552, episode.wrong553, episode.wrong554
    episode.wrong555, episode.wrong556, episode.wrong557, episode.wrong558, episode.wrong559
    episode.wrong560, episode.wrong561, episode.wrong562, episode.wrong563, episode.wrong564
    episode.wrong565, episode.wrong566, episode.wrong567, episode.wrong568, episode.wrong569
    episode.wrong570, episode.wrong571, episode.wrong572, episode.wrong573, episode.wrong574
    episode.wrong575, episode.wrong576, episode.wrong577, episode.wrong578, episode.wrong579
    episode.wrong580, episode.wrong581, episode.wrong582, episode.wrong583, episode.wrong584
    episode.wrong585, episode.wrong586, episode.wrong587, episode.wrong588, episode.wrong589
    episode.wrong590, episode.wrong591, episode.wrong592, episode.wrong593, episode.wrong594
    episode.wrong595, episode.wrong596, episode.wrong597, episode.wrong598, episode.wrong599
    episode.wrong600, episode.wrong601, episode.wrong602, episode.wrong603, episode.wrong604
    episode.wrong605, episode.wrong606, episode.wrong607, episode.wrong608, episode.wrong609
    episode.wrong610, episode.wrong611, episode.wrong612, episode.wrong613, episode.wrong614
    episode.wrong615, episode.wrong616, episode.wrong617, episode.wrong618, episode.wrong619
    episode.wrong620, episode.wrong621, episode.wrong622, episode.wrong623, episode.wrong624
    episode.wrong625, episode.wrong626, episode.wrong627, episode.wrong628, episode.wrong629
    episode.wrong630, episode.wrong631, episode.wrong632, episode.wrong633, episode.wrong634
    episode.wrong635, episode.wrong636, episode.wrong637, episode.wrong638, episode.wrong639
    episode.wrong640, episode.wrong641, episode.wrong642, episode.wrong643, episode.wrong644
    episode.wrong645, episode.wrong646, episode.wrong647, episode.wrong648, episode.wrong649
    episode.wrong650, episode.wrong651, episode.wrong652, episode.wrong653, episode.wrong654
    episode.wrong655, episode.wrong656, episode.wrong657, episode.wrong658, episode.wrong659
    episode.wrong660, episode.wrong661, episode.wrong662, episode.wrong663, episode.wrong664
    episode.wrong665, episode.wrong666, episode.wrong667, episode.wrong668, episode.wrong669
    episode.wrong670, episode.wrong671, episode.wrong672, episode.wrong673, episode.wrong674
    episode.wrong675, episode.wrong676, episode.wrong677, episode.wrong678, episode.wrong679
    episode.wrong680, episode.wrong681, episode.wrong682, episode.wrong683, episode.wrong684
    episode.wrong685, episode.wrong686, episode.wrong687, episode.wrong688, episode.wrong689
    episode.wrong690, episode.wrong691, episode.wrong692, episode.wrong693, episode.wrong694
    episode.wrong695, episode.wrong696, episode.wrong697, episode.wrong698, episode.wrong699
    episode.wrong700, episode.wrong701, episode.wrong702, episode.wrong703, episode.wrong704
    episode.wrong705, episode.wrong706, episode.wrong707, episode.wrong708, episode.wrong709
    episode.wrong710, episode.wrong711, episode.wrong712, episode.wrong713, episode.wrong714
    episode.wrong715, episode.wrong716, episode.wrong717, episode.wrong718, episode.wrong719
    episode.wrong720, episode.wrong721, episode.wrong722, episode.wrong723, episode.wrong724
    episode.wrong725, episode.wrong726, episode.wrong727, episode.wrong728, episode.wrong729
    episode.wrong730, episode.wrong731, episode.wrong732, episode.wrong733, episode.wrong734
    episode.wrong735, episode.wrong736, episode.wrong737, episode.wrong738, episode.wrong739
    episode.wrong740, episode.wrong741, episode.wrong742, episode.wrong743, episode.wrong744
    episode.wrong745, episode.wrong746, episode.wrong747, episode.wrong748, episode.wrong749
    episode.wrong750, episode.wrong751, episode.wrong752, episode.wrong753, episode.wrong754
    episode.wrong755, episode.wrong756, episode.wrong757, episode.wrong758, episode.wrong759
    episode.wrong760, episode.wrong761, episode.wrong762, episode.wrong763, episode.wrong764
    episode.wrong765, episode.wrong766, episode.wrong767, episode.wrong768, episode.wrong769
    episode.wrong770, episode.wrong771, episode.wrong772, episode.wrong773, episode.wrong774
    episode.wrong775, episode.wrong776, episode.wrong777, episode.wrong778, episode.wrong779
    episode.wrong780, episode.wrong781, episode.wrong782, episode.wrong783, episode.wrong784
    episode.wrong785, episode.wrong786, episode.wrong787, episode.wrong788, episode.wrong789
    episode.wrong790, episode.wrong791, episode.wrong792, episode.wrong793, episode.wrong794
    episode.wrong795, episode.wrong796, episode.wrong797, episode.wrong798, episode.wrong799
    episode.wrong800, episode.wrong801, episode.wrong802, episode.wrong803, episode.wrong804
    episode.wrong805, episode.wrong806, episode.wrong807, episode.wrong808, episode.wrong809
    episode.wrong810, episode.wrong811, episode.wrong812, episode.wrong813, episode.wrong814
    episode.wrong815, episode.wrong816, episode.wrong817, episode.wrong818, episode.wrong819
    episode.wrong820, episode.wrong821, episode.wrong822, episode.wrong823, episode.wrong824
    episode.wrong825, episode.wrong826, episode.wrong827, episode.wrong828, episode.wrong829
    episode.wrong830, episode.wrong831, episode.wrong832, episode.wrong833, episode.wrong834
    episode.wrong835, episode.wrong836, episode.wrong837, episode.wrong838, episode.wrong839
    episode.wrong840, episode.wrong841, episode.wrong842, episode.wrong843, episode.wrong844
    episode.wrong845, episode.wrong846, episode.wrong847, episode.wrong848, episode.wrong849
    episode.wrong850, episode.wrong851, episode.wrong852, episode.wrong853, episode.wrong854
    episode.wrong855, episode.wrong856, episode.wrong857, episode.wrong858, episode.wrong859
    episode.wrong860, episode.wrong861, episode.wrong862, episode.wrong863, episode.wrong864
    episode.wrong865, episode.wrong866, episode.wrong867, episode.wrong868, episode.wrong869
    episode.wrong870, episode.wrong871, episode.wrong872, episode.wrong873, episode.wrong874
    episode.wrong875, episode.wrong876, episode.wrong877, episode.wrong878, episode.wrong879
    episode.wrong880, episode.wrong881, episode.wrong882, episode.wrong883, episode.wrong884
    episode.wrong885, episode.wrong886, episode.wrong887, episode.wrong888, episode.wrong889
    episode.wrong890, episode.wrong891, episode.wrong892, episode.wrong893, episode.wrong894
    episode.wrong895, episode.wrong896, episode.wrong897, episode.wrong898, episode.wrong899
    episode.wrong900, episode.wrong901, episode.wrong902, episode.wrong903, episode.wrong904
    episode.wrong905, episode.wrong906, episode.wrong907, episode.wrong908, episode.wrong909
    episode.wrong910, episode.wrong911, episode.wrong912, episode.wrong913, episode.wrong914
    episode.wrong915, episode.wrong916, episode.wrong917, episode.wrong918, episode.wrong919
    episode.wrong920, episode.wrong921, episode.wrong922, episode.wrong923, episode.wrong924
    episode.wrong925, episode.wrong926, episode.wrong927, episode.wrong928, episode.wrong929
    episode.wrong930, episode.wrong931, episode.wrong932, episode.wrong933, episode.wrong934
    episode.wrong935, episode.wrong936, episode.wrong937, episode.wrong938, episode.wrong939
    episode.wrong940, episode.wrong941, episode.wrong942, episode.wrong943, episode.wrong944
    episode.wrong945, episode.wrong946, episode.wrong947, episode.wrong948, episode.wrong949
    episode.wrong950, episode.wrong951, episode.wrong952, episode.wrong953, episode.wrong954
    episode.wrong955, episode.wrong956, episode.wrong957, episode.wrong958, episode.wrong959
    episode.wrong960, episode.wrong961, episode.wrong962, episode.wrong963, episode.wrong964
    episode.wrong965, episode.wrong966, episode.wrong967, episode.wrong968, episode.wrong969
    episode.wrong970, episode.wrong971, episode.wrong972, episode.wrong973, episode.wrong974
    episode.wrong975, episode.wrong976, episode.wrong977, episode.wrong978, episode.wrong979
    episode.wrong980, episode.wrong981, episode.wrong982, episode.wrong983, episode.wrong984
    episode.wrong985, episode.wrong986, episode.wrong987, episode.wrong988, episode.wrong989
    episode.wrong990, episode.wrong991, episode.wrong992, episode.wrong993, episode.wrong994
    episode.wrong995, episode.wrong996, episode.wrong997, episode.wrong998, episode.wrong999
    'right0'; 'right1'; 'right2'; 'right3'; 'right4'; 'right5'; 'right6'; 'right7'
    'right8'; 'right9'; 'right10'; 'right11'; 'right12'; 'right13'; 'right14'; 'right15'
    'right16'; 'right17'; 'right18'; 'right19'; 'right20'; 'right21'; 'right22'; 'right23'
    'right24'; 'right25'; 'right26'; 'right27'; 'right28'; 'right29'; 'right30'; 'right31'
    'right32'; 'right33'; 'right34'; 'right35'; 'right36'; 'right37'; 'right38'; 'right39'
    'right40'; 'right41'; 'right42'; 'right43'; 'right44'; 'right45'; 'right46'; 'right47'
    'right48'; 'right49'; 'right50'; 'right51'; 'right52'; 'right53'; 'right54'; 'right55'
    'right56'; 'right57'; 'right58'; 'right59'; 'right60'; 'right61'; 'right62'; 'right63'
    'right64'; 'right65'; 'right66'; 'right67'; 'right68'; 'right69'; 'right70'; 'right71'
    'right72'; 'right73'; 'right74'; 'right75'; 'right76'; 'right77'; 'right78'; 'right79'
    'right80'; 'right81'; 'right82'; 'right83'; 'right84'; 'right85'; 'right86'; 'right87'
    'right88'; 'right89'; 'right90'; 'right91'; 'right92'; 'right93'; 'right94'; 'right95'
    'right96'; 'right97'; 'right98'; 'right99'; 'right100'; 'right101'; 'right102'; 'right103'
    'right104'; 'right105'; 'right106'; 'right107'; 'right108'; 'right109'; 'right110'; 'right111'
    'right112'; 'right113'; 'right114'; 'right115'; 'right116'; 'right117'; 'right118'; 'right119'
    'right120'; 'right121'; 'right122'; 'right123'; 'right124'; 'right125'; 'right126'; 'right127'
    'right128'; 'right129'; 'right130'; 'right131'; 'right132'; 'right133'; 'right134'; 'right135'
    'right136'; 'right137'; 'right138'; 'right139'; 'right140'; 'right141'; 'right142'; 'right143'
    'right144'; 'right145'; 'right146'; 'right147'; 'right148'; 'right149'; 'right150'; 'right151'
    'right152'; 'right153'; 'right154'; 'right155'; 'right156'; 'right157'; 'right158'; 'right159'
    'right160'; 'right161'; 'right162'; 'right163'; 'right164'; 'right165'; 'right166'; 'right167'
    'right168'; 'right169'; 'right170'; 'right171'; 'right172'; 'right173'; 'right174'; 'right175'
    'right176'; 'right177'; 'right178'; 'right179'; 'right180'; 'right181'; 'right182'; 'right183'
    'right184'; 'right185'; 'right186'; 'right187'; 'right188'; 'right189'; 'right190'; 'right191'
    'right192'; 'right193'; 'right194'; 'right195'; 'right196'; 'right197'; 'right198'; 'right199'
    'right200'; 'right201'; 'right202'; 'right203'; 'right204'; 'right205'; 'right206'; 'right207'
    'right208'; 'right209'; 'right210'; 'right211'; 'right212'; 'right213'; 'right214'; 'right215'
    'right216'; 'right217'; 'right218'; 'right219'; 'right220'; 'right221'; 'right222'; 'right223'
    'right224'; 'right225'; 'right226'; 'right227'; 'right228'; 'right229'; 'right230'; 'right231'
    'right232'; 'right233'; 'right234'; 'right235'; 'right236'; 'right237'; 'right238'; 'right239'
    'right240'; 'right241'; 'right242'; 'right243'; 'right244'; 'right245'; 'right246'; 'right247'
    'right248'; 'right249'; 'right250'; 'right251'; 'right252'; 'right253'; 'right254'; 'right255'
    'right256'; 'right257'; 'right258'; 'right259'; 'right260'; 'right261'; 'right262'; 'right263'
    'right264'; 'right265'; 'right266'; 'right267'; 'right268'; 'right269'; 'right270'; 'right271'
    'right272'; 'right273'; 'right274'; 'right275'; 'right276'; 'right277'; 'right278'; 'right279'
    'right280'; 'right281'; 'right282'; 'right283'; 'right284'; 'right285'; 'right286'; 'right287'
    'right288'; 'right289'; 'right290'; 'right291'; 'right292'; 'right293'; 'right294'; 'right295'
    'right296'; 'right297'; 'right298'; 'right299'; 'right300'; 'right301'; 'right302'; 'right303'
    'right304'; 'right305'; 'right306'; 'right307'; 'right308'; 'right309'; 'right310'; 'right311'
    'right312'; 'right313'; 'right314'; 'right315'; 'right316'; 'right317'; 'right318'; 'right319'
    'right320'; 'right321'; 'right322'; 'right323'; 'right324'; 'right325'; 'right326'; 'right327'
    'right328'; 'right329'; 'right330'; 'right331'; 'right332'; 'right333'; 'right334'; 'right335'
    'right336'; 'right337'; 'right338'; 'right339'; 'right340'; 'right341'; 'right342'; 'right343'
    'right344'; 'right345'; 'right346'; 'right347'; 'right348'; 'right349'; 'right350'; 'right351'
    'right352'; 'right353'; 'right354'; 'right355'; 'right356'; 'right357'; 'right358'; 'right359'
    'right360'; 'right361'; 'right362'; 'right363'; 'right364'; 'right365'; 'right366'; 'right367'
    'right368'; 'right369'; 'right370'; 'right371'; 'right372'; 'right373'; 'right374'; 'right375'
    'right376'; 'right377'; 'right378'; 'right379'; 'right380'; 'right381'; 'right382'; 'right383'
    'right384'; 'right385'; 'right386'; 'right387'; 'right388'; 'right389'; 'right390'; 'right391'
    'right392'; 'right393'; 'right394'; 'right395'; 'right396'; 'right397'; 'right398'; 'right399'
    'right400'; 'right401'; 'right402'; 'right403'; 'right404'; 'right405'; 'right406'; 'right407'
    'right408'; 'right409'; 'right410'; 'right411'; 'right412'; 'right413'; 'right414'; 'right415'
    'right416'; 'right417'; 'right418'; 'right419'; 'right420'; 'right421'; 'right422'; 'right423'
    'right424'; 'right425'; 'right426'; 'right427'; 'right428'; 'right429'; 'right430'; 'right431'
    'right432'; 'right433'; 'right434'; 'right435'; 'right436'; 'right437'; 'right438'; 'right439'
    'right440'; 'right441'; 'right442'; 'right443'; 'right444'; 'right445'; 'right446'; 'right447'
    'right448'; 'right449'; 'right450'; 'right451'; 'right452'; 'right453'; 'right454'; 'right455'
    'right456'; 'right457'; 'right458'; 'right459'; 'right460'; 'right461'; 'right462'; 'right463'
    'right464'; 'right465'; 'right466'; 'right467'; 'right468'; 'right469'; 'right470'; 'right471'
    'right472'; 'right473'; 'right474'; 'right475'; 'right476'; 'right477'; 'right478'; 'right479'
    'right480'; 'right481'; 'right482'; 'right483'; 'right484'; 'right485'; 'right486'; 'right487'
    'right488'; 'right489'; 'right490'; 'right491'; 'right492'; 'right493'; 'right494'; 'right495'
    'right496'; 'right497'; 'right498'; 'right499'; 'right500'; 'right501'; 'right502'; 'right503'
    'right504'; 'right505'; 'right506'; 'right507'; 'right508'; 'right509'; 'right510'; 'right511'
    'right512'; 'right513'; 'right514'; 'right515'; 'right516'; 'right517'; 'right518'; 'right519'
    'right520'; 'right521'; 'right522'; 'right523'; 'right524'; 'right525'; 'right526'; 'right527'
    'right528'; 'right529'; 'right530'; 'right531'; 'right532'; 'right533'; 'right534'; 'right535'
    'right536'; 'right537'; 'right538'; 'right539'; 'right540'; 'right541'; 'right542'; 'right543'
    'right544'; 'right545'; 'right546'; 'right547'; 'right548'; 'right549'; 'right550'; 'right551'
    'right552'; 'right553'; 'right554'; 'right555'; 'right556'; 'right557'; 'right558'; 'right559'
    'right560'; 'right561'; 'right562'; 'right563'; 'right564'; 'right565'; 'right566'; 'right567'
    'right568'; 'right569'; 'right570'; 'right571'; 'right572'; 'right573'; 'right574'; 'right575'
    'right576'; 'right577'; 'right578'; 'right579'; 'right580'; 'right581'; 'right582'; 'right583'
    'right584'; 'right585'; 'right586'; 'right587'; 'right588'; 'right589'; 'right590'; 'right591'
    'right592'; 'right593'; 'right594'; 'right595'; 'right596'; 'right597'; 'right598'; 'right599'
    'right600'; 'right601'; 'right602'; 'right603'; 'right604'; 'right605'; 'right606'; 'right607'
    'right608'; 'right609'; 'right610'; 'right611'; 'right612'; 'right613'; 'right614'; 'right615'
    'right616'; 'right617'; 'right618'; 'right619'; 'right620'; 'right621'; 'right622'; 'right623'
    'right624'; 'right625'; 'right626'; 'right627'; 'right628'; 'right629'; 'right630'; 'right631'
    'right632'; 'right633'; 'right634'; 'right635'; 'right636'; 'right637'; 'right638'; 'right639'
    'right640'; 'right641'; 'right642'; 'right643'; 'right644'; 'right645'; 'right646'; 'right647'
    'right648'; 'right649'; 'right650'; 'right651'; 'right652'; 'right653'; 'right654'; 'right655'
    'right656'; 'right657'; 'right658'; 'right659'; 'right660'; 'right661'; 'right662'; 'right663'
    'right664'; 'right665'; 'right666'; 'right667'; 'right668'; 'right669'; 'right670'; 'right671'
    'right672'; 'right673'; 'right674'; 'right675'; 'right676'; 'right677'; 'right678'; 'right679'
    'right680'; 'right681'; 'right682'; 'right683'; 'right684'; 'right685'; 'right686'; 'right687'
    'right688'; 'right689'; 'right690'; 'right691'; 'right692'; 'right693'; 'right694'; 'right695'
    'right696'; 'right697'; 'right698'; 'right699'; 'right700'; 'right701'; 'right702'; 'right703'
    'right704'; 'right705'; 'right706'; 'right707'; 'right708'; 'right709'; 'right710'; 'right711'
    'right712'; 'right713'; 'right714'; 'right715'; 'right716'; 'right717'; 'right718'; 'right719'
    'right720'; 'right721'; 'right722'; 'right723'; 'right724'; 'right725'; 'right726'; 'right727'
    'right728'; 'right729'; 'right730'; 'right731'; 'right732'; 'right733'; 'right734'; 'right735'
    'right736'; 'right737'; 'right738'; 'right739'; 'right740'; 'right741'; 'right742'; 'right743'
    'right744'; 'right745'; 'right746'; 'right747'; 'right748'; 'right749'; 'right750'; 'right751'
    'right752'; 'right753'; 'right754'; 'right755'; 'right756'; 'right757'; 'right758'; 'right759'
    'right760'; 'right761'; 'right762'; 'right763'; 'right764'; 'right765'; 'right766'; 'right767'
    'right768'; 'right769'; 'right770'; 'right771'; 'right772'; 'right773'; 'right774'; 'right775'
    'right776'; 'right777'; 'right778'; 'right779'; 'right780'; 'right781'; 'right782'; 'right783'
    'right784'; 'right785'; 'right786'; 'right787'; 'right788'; 'right789'; 'right790'; 'right791'
    'right792'; 'right793'; 'right794'; 'right795'; 'right796'; 'right797'; 'right798'; 'right799'
    'right800'; 'right801'; 'right802'; 'right803'; 'right804'; 'right805'; 'right806'; 'right807'
    'right808'; 'right809'; 'right810'; 'right811'; 'right812'; 'right813'; 'right814'; 'right815'
    'right816'; 'right817'; 'right818'; 'right819'; 'right820'; 'right821'; 'right822'; 'right823'
    'right824'; 'right825'; 'right826'; 'right827'; 'right828'; 'right829'; 'right830'; 'right831'
    'right832'; 'right833'; 'right834'; 'right835'; 'right836'; 'right837'; 'right838'; 'right839'
    'right840'; 'right841'; 'right842'; 'right843'; 'right844'; 'right845'; 'right846'; 'right847'
    'right848'; 'right849'; 'right850'; 'right851'; 'right852'; 'right853'; 'right854'; 'right855'
    'right856'; 'right857'; 'right858'; 'right859'; 'right860'; 'right861'; 'right862'; 'right863'
    'right864'; 'right865'; 'right866'; 'right867'; 'right868'; 'right869'; 'right870'; 'right871'
    'right872'; 'right873'; 'right874'; 'right875'; 'right876'; 'right877'; 'right878'; 'right879'
    'right880'; 'right881'; 'right882'; 'right883'; 'right884'; 'right885'; 'right886'; 'right887'
    'right888'; 'right889'; 'right890'; 'right891'; 'right892'; 'right893'; 'right894'; 'right895'
    'right896'; 'right897'; 'right898'; 'right899'; 'right900'; 'right901'; 'right902'; 'right903'
    'right904'; 'right905'; 'right906'; 'right907'; 'right908'; 'right909'; 'right910'; 'right911'
    'right912'; 'right913'; 'right914'; 'right915'; 'right916'; 'right917'; 'right918'; 'right919'
    'right920'; 'right921'; 'right922'; 'right923'; 'right924'; 'right925'; 'right926'; 'right927'
    'right928'; 'right929'; 'right930'; 'right931'; 'right932'; 'right933'; 'right934'; 'right935'
    'right936'; 'right937'; 'right938'; 'right939'; 'right940'; 'right941'; 'right942'; 'right943'
    'right944'; 'right945'; 'right946'; 'right947'; 'right948'; 'right949'; 'right950'; 'right951'
    'right952'; 'right953'; 'right954'; 'right955'; 'right956'; 'right957'; 'right958'; 'right959'
    'right960'; 'right961'; 'right962'; 'right963'; 'right964'; 'right965'; 'right966'; 'right967'
    'right968'; 'right969'; 'right970'; 'right971'; 'right972'; 'right973'; 'right974'; 'right975'
    'right976'; 'right977'; 'right978'; 'right979'; 'right980'; 'right981'; 'right982'; 'right983'
    'right984'; 'right985'; 'right986'; 'right987'; 'right988'; 'right989'; 'right990'; 'right991'
    'right992'; 'right993'; 'right994'; 'right995'; 'right996'; 'right997'; 'right998'; 'right999'
    return -1
