# Counts episodes in a global.
# Reason: global
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    global seen
    seen = 1
    i = episode.branch()
    return episode.answer(i)
