"""A controller that does almost anything: its actions are drawn from a number."""

from autotts_core.voting import beta_confidence, deepest_first, majority

INCREASING = ()


def schedule(beta):
    return {"number": int(beta * 1_000_000), "actions": 60}


def policy(episode, p):
    number = p.number + 1
    tally = episode.tally()
    seen = 0
    weight = 0.0
    for _ in range(p.actions):
        number = (number * 1103515245 + 12345) % 2147483648
        choice = (number >> 8) % 9
        last = episode.branches - 1
        i = (number >> 16) % (last + 1) if last >= 0 else -1
        if choice <= 1:
            episode.branch()
        elif choice == 2 and (number >> 20) % 3 == 0:
            episode.read()
        elif i < 0:
            continue
        elif choice <= 5:
            if not episode.pruned(i):
                episode.advance(i, 1 + (number >> 24) % 3)
        elif choice == 6:
            tally.add(episode.answer(i))
            weight += tally.confidence() + beta_confidence(i, last)
        elif choice == 7:
            if (number >> 22) % 4 == 0:
                episode.prune(i)
            seen += episode.depth(i) + episode.tokens(i) + (1 if episode.finished(i) else 0)
        else:
            seen += episode.spent
            if episode.signal(i) < -0.5:
                seen += 1
            if episode.confidence(i) < 4.5:
                seen += 1
    everyone = list(range(episode.branches))
    deepest_first(episode, everyone)
    answers = [episode.answer(i) for i in everyone]
    if (seen + int(weight * 1000)) % 3 == 0:
        return majority(answers)  # the majority
    if tally.votes() > 0 and seen % 2 == 0:
        return tally.runner_up()  # the runner-up
    return tally.leader()  # the leader
