# Returns nothing on one path.
# Reason: without returning
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    if i > 5:
        return 0
