# Hands numpy on, under whose new name a parameter's name is let through.
# Reason: module np by itself
import numpy as np


def schedule(beta):
    return {"width": 2, "load": 1}


def policy(episode, p):
    i = episode.branch()
    every = np
    every.load("/etc/passwd")
    return episode.answer(i)
