# Recurses without an end.
# Reason: calls itself
def deeper(x):
    return deeper(x + 1)


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    return deeper(1)
