# Reads in front of the table of the voting library.
# Reason: a count of votes below 0
from autotts_core.voting import beta_confidence


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    if beta_confidence(1, -100000 - i) > 0.5:
        return -1
    return episode.answer(i)
