# A huge power at import.
# Reason: did not finish|CPU time|memory
HUGE = 9 ** 9 ** 9


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    return -1
