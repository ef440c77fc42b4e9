# Remembers episodes in a default argument.
# Reason: is no constant
def counted(x, seen=[0]):
    seen.append(x)
    return len(seen)


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    counted(1)
    i = episode.branch()
    if counted(1) % 3:
        return -1
    return episode.answer(i)
