# Builds an attribute's name at run time.
# Reason: getattr
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    getattr(episode, "_" + "ids")
    return episode.answer(i)
