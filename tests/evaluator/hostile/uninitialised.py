# Reads what freed memory was left with.
# Reason: numpy.empty
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    own = np.empty(4096)
    return int(own[0])
