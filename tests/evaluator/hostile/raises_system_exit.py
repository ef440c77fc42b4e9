# Raises SystemExit.
# Reason: SystemExit
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    raise SystemExit
