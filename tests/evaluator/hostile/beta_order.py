# Gives other types at another β.
# Reason: type
def schedule(beta):
    return {"width": 1 if beta < 0.5 else 2.0}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
