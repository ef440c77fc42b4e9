# Reads memory in front of its own compiled array.
# Reason: IndexError
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    own = np.zeros(2)
    n = -100000 - i
    if own[n] > 0.5:
        return -1
    return episode.answer(i)
