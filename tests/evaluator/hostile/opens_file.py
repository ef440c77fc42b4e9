# Opens a file.
# Reason: open
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    open("/etc/passwd")
    return episode.answer(i)
