# Its schedule differs from call to call.
# Reason: is no constant
def counted(x, seen=[0]):
    seen.append(x)
    return len(seen)


def schedule(beta):
    return {"width": counted(1)}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
