# Wraps an array's size around, so that every index is within it.
# Reason: attribute reshape
import numpy as np


def schedule(beta):
    return {"width": 2, "reshape": 1}


def policy(episode, p):
    i = episode.branch()
    own = np.zeros(0).reshape((2**32, 2**32))
    return 0 if own[5, 7] > 0 else -1
