# Binds a generator within an annotation.
# Reason: is no constant
def helper(x: (letters := (letter for letter in "abab"))):
    return x


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    for letter in letters:
        return 0 if letter == "a" else -1
    return -1
