# Reads its own ledger.
# Reason: attribute
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    episode.ledger()
    return episode.answer(i)
