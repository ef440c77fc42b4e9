# Binds eval where it is not used, to use Python's where it is not bound.
# Reason: gives a meaning to eval
def helper(eval):
    return eval


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    eval("__import__('os')")
    return episode.answer(i)
