# Reads the grades from the recorded question.
# Reason: attribute
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    gold = episode.question.correct
    return episode.answer(i)
