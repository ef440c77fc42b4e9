# Takes more memory than there is, in one piece, and uses none of it.
# Reason: memory|MemoryError
import numpy as np


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    held = np.zeros(2**30)
    i = episode.branch()
    return episode.answer(i) if len(held) > p.width else -1
