# Walks the frames to the replay loop.
# Reason: imports sys
import sys


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
