# Smuggles a forbidden attribute in as a parameter's name.
# Reason: attribute
def schedule(beta):
    return {"standing_majority": 1}


def policy(episode, p):
    i = episode.branch()
    episode.standing_majority()
    return episode.answer(i)
