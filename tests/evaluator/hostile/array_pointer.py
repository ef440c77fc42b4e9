# Takes its array's address.
# Reason: attribute
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    own = np.zeros(2)
    place = own.ctypes.data
    return episode.answer(i)
