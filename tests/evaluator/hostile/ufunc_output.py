# Lets compiled code read beyond a small array, into a large one.
# Reason: gives numpy.maximum an array to write to
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    small, large = np.zeros(2), np.zeros(100000)
    np.maximum(small, small, large)
    return 0 if large[99999] > 0 else -1
