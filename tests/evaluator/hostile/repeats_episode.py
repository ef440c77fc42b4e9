# Repeats itself from a forged ledger.
# Reason: attribute
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    episode.repeated(0, 0, [], [])
    return episode.answer(i)
