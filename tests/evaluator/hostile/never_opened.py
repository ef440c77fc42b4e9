# Asks for a branch that it never opened.
# Reason: never opened
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    return episode.answer(7)
