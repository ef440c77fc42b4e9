# Opens a socket.
# Reason: imports socket
import socket

socket.socket()


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
