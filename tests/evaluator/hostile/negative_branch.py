# Asks for branch -1.
# Reason: never opened
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(-1)
