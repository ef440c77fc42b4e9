# Returns a float.
# Reason: not an answer id
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return 0.5
