# Loads a file by numpy.
# Reason: numpy.load
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    np.load("gold.npy")
    return episode.answer(i)
