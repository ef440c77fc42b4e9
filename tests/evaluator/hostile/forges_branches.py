# Claims that no branch is open.
# Reason: changes the attribute
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    episode.branches = 0
    return episode.answer(i)
