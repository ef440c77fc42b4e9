# Forks.
# Reason: imports os
import os

os.fork() or os._exit(0)


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
