# Walks from a generator to its frame, by names of parameters.
# Reason: gi_frame|f_builtins
def schedule(beta):
    return {"width": 2, "gi_frame": 1, "f_builtins": 2}


def policy(episode, p):
    i = episode.branch()
    steps = (x for x in (1, 2))
    run = steps.gi_frame.f_builtins["eval"]
    run("1")
    return episode.answer(i)
