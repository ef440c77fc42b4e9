# Raises KeyboardInterrupt.
# Reason: KeyboardInterrupt
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    raise KeyboardInterrupt
