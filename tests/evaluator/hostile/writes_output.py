# Prints megabytes.
# Reason: print
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    print("x" * 10000000)
    return episode.answer(i)
