"""Rounds of proposals, scored on the search set, until one controller is selected.

Runs as a process of its own, `python -m autotts_core.discovery.search`, from whose view the
held-out stores are hidden. It reads the recipe and writes everything it finds into the run's
directory, where it goes on after an interruption.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autotts_core.discovery import selection
from autotts_core.discovery.baselines import baseline_frontier
from autotts_core.discovery.digest import digest, sampled_episodes
from autotts_core.discovery.guard import hide
from autotts_core.discovery.history import Entry, History
from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.discovery.workbench import CONTROLLER, Clock, Report, Session, Workbench
from autotts_core.errors import AutoTTSError, ControllerError
from autotts_core.evaluation import self_consistency
from autotts_core.evaluator.audit import audit
from autotts_core.evaluator.parent import ControllerSource
from autotts_core.evaluator.workers import confinement
from autotts_core.explorer import Explorer, Proposal
from autotts_core.files import write_atomically
from autotts_core.frontier import SCORES, Frontier
from autotts_core.plugins import registry
from autotts_core.processes import connect
from autotts_core.recipe.reading import read_recipe
from autotts_core.recipe.schema import Recipe
from autotts_core.secrets import redacted
from autotts_core.store import ReplayStore
from autotts_core.tuner import Tuner
from autotts_core.wire import WireError, receive, send


def search(
    run: RunDirectory,
    recipe: Recipe,
    stores: Sequence[ReplayStore],
    workers: int,
    report: Report,
    layers: tuple[str, ...],
) -> None:
    """Explore for the recipe's rounds or until its budget is spent, and select.

    Raises `AutoTTSError` where the explorer cannot work. What is on disk already is not done
    again.
    """
    explorer = registry().get("explorer", recipe.explorer.name).configure(recipe.explorer.options)
    tuner = None
    if recipe.tune is not None:
        tuner = registry().get("tuner", recipe.tune.name).configure(recipe.tune.options)
    session = Session(recipe, run, workers, Clock(run), report, layers)
    baselines = [
        _baseline(session, number, spec, stores) for number, spec in enumerate(recipe.baselines)
    ]
    finished = run.finished_rounds()
    history = History([entry for number in finished for entry in run.kept(number)])
    ended = "all rounds"
    for number in range(1, recipe.rounds + 1):
        if number in finished:
            continue
        bench = Workbench(stores, history, baselines, number, session)
        if bench.dollars_left <= 0 or bench.seconds_left <= 0:
            spent = "dollars" if bench.dollars_left <= 0 else "seconds"
            ended = f"the budget of {spent} was spent before round {number}"
            break
        report({"kind": "round", "round": number, "rounds": recipe.rounds})
        _explore(explorer, tuner, bench, session)
        run.finish_round(number, {"proposals": len(run.kept(number))})
        run.note("round finished", round=number, explored=session.clock.seconds())
        report({"kind": "round finished", "round": number})
    _select(session, stores, history, ended)


def _baseline(session: Session, number: int, spec: str, stores: Sequence[ReplayStore]) -> Frontier:
    folder = session.run.baseline(number)
    if not (folder / SCORES).exists():
        session.report({"kind": "baseline", "spec": spec})
        betas, seeds = session.recipe.betas, range(session.recipe.seeds)
        frontier = baseline_frontier(spec, stores, betas, seeds, session.workers)
        with session.run.new_folder(folder) as draft:
            frontier.write(draft)
    return Frontier.read(folder)


def _proposed(explorer: Explorer, tuner: Tuner | None, bench: Workbench) -> Iterator[Proposal]:
    """The explorer's proposals, each followed by itself with its constants tuned."""
    for number, proposal in enumerate(explorer.propose(bench), start=1):
        yield proposal
        if tuner is not None and bench.seconds_left > 0:
            kept = bench.once(f"tuned-{number}", partial(_tuned, tuner, proposal, bench))
            if kept is not None:
                yield Proposal(kept["source"], kept["rationale"])


def _tuned(tuner: Tuner, proposal: Proposal, bench: Workbench) -> dict[str, str] | None:
    try:
        bench.evaluate(proposal.source)
        found = tuner.tune(proposal, bench)
    except ControllerError as error:
        bench.say(f"not tuned: {error}")
        return None
    if found is None:
        return None
    return {"source": found.source, "rationale": found.rationale}


def _explore(explorer: Explorer, tuner: Tuner | None, bench: Workbench, session: Session) -> None:
    """One round: every proposal is checked, scored and kept before the next is asked for."""
    run = session.run
    kept = run.kept(bench.round)
    bench.history.entries += kept
    for proposal in _proposed(explorer, tuner, bench):
        if any(entry.proposal.source == proposal.source for entry in kept):
            continue
        entry = _judged(proposal, len(kept) + 1, bench)
        run.keep(entry)
        # As it is read back, so that an interruption changes nothing.
        kept = run.kept(bench.round)
        bench.history.entries.append(kept[-1])
        run.note("proposal kept", entry=entry.name, explored=session.clock.seconds())
        best = entry.frontier.best if entry.frontier else None
        session.report(
            {
                "kind": "proposal",
                "entry": entry.name,
                "fault": entry.fault,
                "accuracy": best and best.accuracy,
                "tokens": best and best.tokens,
                "value": entry.frontier and bench.value(entry.frontier),
            }
        )


def _judged(proposal: Proposal, number: int, bench: Workbench) -> Entry:
    try:
        frontier = bench.evaluate(proposal.source)
        keys = sampled_episodes(frontier)
        episodes = bench.episodes(proposal.source, keys)
    except ControllerError as error:
        return Entry(bench.round, number, proposal, None, None, str(error))
    before = [entry.frontier for entry in bench.history.scored if entry.frontier]
    best = max(before, key=bench.value, default=None)
    found = digest(frontier, bench.stores, bench.seeds, best, keys, episodes)
    return Entry(bench.round, number, proposal, frontier, found, None)


def _select(
    session: Session,
    stores: Sequence[ReplayStore],
    history: History,
    ended: str,
) -> None:
    run, recipe = session.run, session.recipe
    seeds = range(recipe.seeds)
    candidates = [(entry, entry.frontier) for entry in history if entry.frontier is not None]
    values = [
        selection.value(selection.Means.of(frontier), recipe.selection, stores, seeds)
        for _, frontier in candidates
    ]
    told = dict(zip((entry.name for entry, _ in candidates), values, strict=True))
    disqualified: dict[str, str] = {}
    chosen: Entry | None = None
    while candidates:
        chosen = selection.select(candidates, values)
        difference = _audited(session, stores, chosen)
        if difference is None:
            break
        disqualified[chosen.name] = difference
        left = [k for k, (entry, _) in enumerate(candidates) if entry.name != chosen.name]
        candidates, values = [candidates[k] for k in left], [values[k] for k in left]
        chosen = None
    found: dict[str, Any] = {
        "selected": None,
        "rule": recipe.selection.rule,
        "values": told,
        "disqualified": disqualified,
        "matching_beta": None,
        "best_beta": None,
        "ended": ended,
    }
    if chosen is not None:
        assert chosen.frontier is not None
        sc64 = [100 * self_consistency(store, seeds).correct.mean() for store in stores]
        matching = selection.cheapest_matching(chosen.frontier, sum(sc64) / len(sc64))
        write_atomically(run.selected, chosen.proposal.source.encode())
        found |= {
            "selected": chosen.name,
            "matching_beta": matching.beta,
            "best_beta": chosen.frontier.best.beta,
        }
    run.write_json(run.selection, found)


def _audited(session: Session, stores: Sequence[ReplayStore], entry: Entry) -> str | None:
    """Why a finalist may not win: what it does otherwise where it has to ask for each probe."""
    session.report({"kind": "audit", "entry": entry.name})
    source = ControllerSource(CONTROLLER, entry.proposal.source)
    try:
        found = audit(
            session.evaluator(stores), source, session.recipe.betas, seed=session.recipe.seed
        )
    except ControllerError as error:
        difference: str | None = str(error)
    else:
        difference = found.difference
    session.run.note("audited", entry=entry.name, difference=difference)
    session.report({"kind": "audited", "entry": entry.name, "difference": difference})
    return difference


def main() -> None:
    """Search as the parent asks, and tell it what happens."""
    requests, replies = connect()

    def report(event: Any) -> None:
        send(replies, dict(event))

    try:
        message, _ = receive(requests, 0)
        guard = hide([Path(path) for path in message["hidden"]])
        run = RunDirectory(Path(message["run"]))
        run.note("search started", guard=guard)
        report({"kind": "guard", "text": guard})
        stores = [ReplayStore.open(Path(path)) for path in message["stores"]]
        with warnings.catch_warnings():
            warnings.showwarning = lambda text, *_, **__: report(
                {"kind": "warning", "text": str(text)}
            )
            recipe = read_recipe(run.recipe).recipe
            layers = tuple(message["layers"])
            confined = confinement(layers)
            run.note("confinement", holds=confined)
            report({"kind": "guard", "text": f"proposals confined by: {confined}"})
            search(run, recipe, stores, message["workers"], report, layers)
        report({"kind": "finished"})
    except WireError:
        return
    except AutoTTSError as error:
        report({"kind": "error", "text": redacted(str(error))})
    except Exception as error:
        reason = redacted(f"{type(error).__name__}: {error}")
        trace = redacted(traceback.format_exc())
        report({"kind": "error", "text": reason, "traceback": trace})


if __name__ == "__main__":
    main()
