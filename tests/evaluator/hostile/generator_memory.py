# Keeps count of episodes in a generator that is half walked through.
# Reason: is no constant
letters = (letter for letter in "abab")


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    for letter in letters:
        return 0 if letter == "a" else -1
    return -1
