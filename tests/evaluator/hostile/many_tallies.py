# Takes more tallies than there are.
# Reason: tallies
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    for _ in range(20):
        votes = episode.tally()
    return votes.leader()
