"""Does a little of everything: opens, bursts, prunes, reads, and stops while a branch runs."""


def schedule(beta):
    return {"burst": 1 + round(2 * beta)}


def policy(episode, p):
    for _ in range(4):
        episode.branch()
    episode.advance(0)
    episode.advance(1, p.burst)
    if episode.answer(2) != episode.answer(0):
        episode.prune(2)
    whole = episode.read()
    while not episode.finished(0):
        episode.advance(0)
    if episode.answer(0) == episode.answer(whole):
        return episode.answer(0)  # two finished branches agree
    return episode.answer(1)  # no agreement
