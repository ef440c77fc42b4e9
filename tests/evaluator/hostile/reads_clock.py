# Imports the clock.
# Reason: imports time
import time


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
