# Has a schedule that fails only at a β that nobody tried before.
# Reason: ZeroDivisionError
def schedule(beta):
    return {"width": 2 // (beta != 0.333) + round(beta)}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
