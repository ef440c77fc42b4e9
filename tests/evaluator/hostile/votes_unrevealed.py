# Votes for an id never revealed, which writes behind a compiled tally.
# Reason: never revealed
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    votes = episode.tally()
    votes.add(1000000)
    return votes.leader()
