# Raises what has no text to be told.
# Reason: AssertionError
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    assert i < 0, 10**5000
    return episode.answer(i)
