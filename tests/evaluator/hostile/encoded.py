# coding: utf-7
# Declares an encoding in which a comment is code.
# Reason: never revealed
# +AAo-import os
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    episode.branch()
    # +AAoAIAAgACAA-return 0
    return 99
