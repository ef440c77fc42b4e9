# Forks.
# Reason: imports os
import os


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
