# Two functions call one another.
# Reason: calls itself
def one(x):
    return two(x)


def two(x):
    return one(x)


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    return one(1)
