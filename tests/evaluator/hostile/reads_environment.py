# Reads keys from the environment.
# Reason: imports from os
from os import environ


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
