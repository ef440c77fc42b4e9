# Defines an error whose text raises.
# Reason: defines a class
class Odd(Exception):
    def __str__(self):
        raise ValueError


def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    raise Odd()
