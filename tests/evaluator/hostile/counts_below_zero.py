# Writes in front of compiled code's array by counting a negative number.
# Reason: uses numpy.bincount
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    places = np.zeros(3, np.int64)
    places[0] = -100000 - i
    return 0 if np.bincount(places)[0] > 0 else -1
