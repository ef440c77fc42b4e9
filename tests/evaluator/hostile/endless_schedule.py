# Its schedule never returns.
# Reason: did not finish|CPU time
def schedule(beta):
    n = 1
    while n > 0:
        n += 1
    return {}


def policy(episode, p):
    return -1
