# Asks for answers' texts by the record's own method.
# Reason: attribute
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    episode.text(0)
    return episode.answer(i)
