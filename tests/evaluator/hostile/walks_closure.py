# Reaches through a method's closure.
# Reason: private
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    cells = episode.branch.__closure__
    return episode.answer(i)
