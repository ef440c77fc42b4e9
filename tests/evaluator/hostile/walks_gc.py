# Finds the store among all objects.
# Reason: imports gc
import gc


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
