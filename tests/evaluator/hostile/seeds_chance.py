# Changes numpy's seed.
# Reason: numpy.random
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    np.random.seed(0)
    return episode.answer(i)
