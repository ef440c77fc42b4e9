# Writes an array to a file.
# Reason: attribute
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    np.zeros(2).tofile("left-behind")
    return episode.answer(i)
