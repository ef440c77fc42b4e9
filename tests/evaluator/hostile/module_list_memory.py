# Remembers episodes in a list of the module.
# Reason: is no constant
seen = [0]


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    seen.append(1)
    i = episode.branch()
    if len(seen) % 2:
        return -1
    return episode.answer(i)
