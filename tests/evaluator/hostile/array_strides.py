# Stretches an array over memory that is not its own.
# Reason: changes the attribute
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    own = np.zeros(2)
    own.strides = (80000,)
    return episode.answer(i)
