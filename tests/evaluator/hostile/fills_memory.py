# Fills memory.
# Reason: memory|MemoryError|did not finish|CPU time
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    held = [0]
    while len(held) > 0:
        held = held + held
    return -1
