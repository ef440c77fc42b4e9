# Takes numpy from the voting library.
# Reason: imports np from autotts_core.voting
from autotts_core.voting import np


def schedule(beta):
    return {"width": 2, "load": 1}


def policy(episode, p):
    i = episode.branch()
    np.load("/etc/passwd")
    return episode.answer(i)
