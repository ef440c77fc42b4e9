# Smuggles in what only interpreted episodes have, as parameters' names.
# Reason: attribute (question|steps|order)
def schedule(beta):
    return {"width": 2, "question": 1, "order": 2, "steps": 3}


def policy(episode, p):
    i = episode.branch()
    ahead = episode.question.steps[episode.order[i]][-1]
    return 0 if ahead >= 0 else -1
