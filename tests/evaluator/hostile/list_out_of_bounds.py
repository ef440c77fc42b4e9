# Reads memory behind a compiled list.
# Reason: IndexError
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    own = [0, 1]
    return own[50000 + i]
