# Runs text as code.
# Reason: eval
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    eval("1")
    return episode.answer(i)
