# Never returns.
# Reason: did not finish|CPU time
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    n = 1
    while n > 0:
        n = 1 + episode.branches
    return -1
