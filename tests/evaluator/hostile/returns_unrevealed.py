# Returns an id never revealed.
# Reason: never revealed
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return 99
