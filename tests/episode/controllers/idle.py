"""Opens nothing and answers nothing."""


def schedule(beta):
    return {}


def policy(episode, p):
    return -1  # [red]bored[/red]
