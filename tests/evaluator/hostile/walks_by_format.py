# Walks attributes inside a format string.
# Reason: attribute
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    text = "{0.__class__}".format(episode)
    return episode.answer(i)
