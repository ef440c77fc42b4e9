"""Episodes and interval-advances per second of replay, for each controller of the literature.

    uv run python benchmarks/replay.py --traces ../shared/data/traces [--json]

`--traces` takes a tree of replay stores, or of trace files that an importer reads. All stores
are pooled. Times are the best of several runs; compile time is apart, in a fresh cache and in
a warm one, each in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from numba import njit

from autotts_core.controller_spec import load_controllers
from autotts_core.plugins import registry
from autotts_core.replay.compiled import kernel_of
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import Outcomes
from autotts_core.store import ReplayStore, find_stores, write_stores

SETTINGS = [
    ("self-consistency", 0.0),
    ("asc", 0.0),
    ("esc", 0.0),
    ("parallel-probe", 0.0),
    ("cmc", 0.5),
    ("cmc", 1.0),
]
SEEDS = range(100)

START = """
import time
started = time.perf_counter()
from autotts_core.controller_spec import load_controllers
from autotts_core.replay.engine import replay
from autotts_core.store import ReplayStore
from pathlib import Path
replay(load_controllers({spec!r})[0], ReplayStore.open(Path({store!r})), 0.5, range(100))
print(time.perf_counter() - started)
"""


@click.command()
@click.option("--traces", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--importer", default="autotts-json", show_default=True)
@click.option("--repeat", default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(traces: Path, importer: str, repeat: int, as_json: bool) -> None:
    """Measure replay on the stores in TRACES."""
    with tempfile.TemporaryDirectory() as scratch:
        if any(traces.rglob("manifest.json")):
            paths = find_stores([traces])
        else:
            reader = registry().get("trace importer", importer).configure({})
            paths = write_stores(Path(scratch) / "stores", reader.read([traces]))
        stores = [ReplayStore.open(path) for path in paths]
        rows = [measure(stores, name, beta, repeat) for name, beta in SETTINGS]
        floor = walk(stores, repeat)
        starts = {spec: start_times(spec, paths[0]) for spec in ("parallel-probe", "cmc")}
    if as_json:
        print(json.dumps({"replay": rows, "walk_ns": floor, "start_s": starts}, indent=1))
        return
    print(f"{len(stores)} stores, {len(SEEDS)} seeds, best of {repeat}; {os.cpu_count()} cores")
    print(f"{'':18}{'compiled, episodes/s':^24}{'ns per':>10}{'interpreted, episodes/s':^26}")
    print(f"{'':18}{'one thread':>12}{'all':>12}{'interval':>10}{'one process':>14}{'all':>12}")
    for row in rows:
        print(
            f"{row['controller']:18}{row['episodes_per_s']:12,.0f}{row['episodes_per_s_all']:12,.0f}"
            f"{row['ns_per_interval']:10.1f}"
            f"{row['interpreted_per_s']:14,.0f}{row['interpreted_per_s_all']:12,.0f}"
        )
    print(f"\nWalking the same probes with no controller: {floor:.2f} ns per interval")
    for spec, (cold, warm) in starts.items():
        print(f"{spec}: import, compile and 3,000 episodes {cold:.1f} s, cached {warm:.1f} s")


def measure(stores: list[ReplayStore], name: str, beta: float, repeat: int) -> dict[str, object]:
    """One controller on all stores."""
    controller = load_controllers(name)[0]
    kernel_of(controller)

    def on_all(run: Callable[[ReplayStore], Outcomes]) -> tuple[float, list[Outcomes]]:
        started = time.perf_counter()
        outcomes = [run(store) for store in stores]
        return time.perf_counter() - started, outcomes

    def best(run: Callable[[ReplayStore], Outcomes], times: int) -> tuple[float, list[Outcomes]]:
        return min((on_all(run) for _ in range(times)), key=lambda timed: timed[0])

    one, outcomes = best(lambda s: replay(controller, s, beta, SEEDS, workers=1), repeat)
    every, _ = best(lambda s: replay(controller, s, beta, SEEDS), repeat)
    plain, plain_outcomes = best(lambda s: replay_interpreted(controller, s, beta, SEEDS), 1)
    cores = os.cpu_count()
    spread, _ = best(lambda s: replay_interpreted(controller, s, beta, SEEDS, workers=cores), 2)
    episodes = sum(o.tokens.size for o in outcomes)
    intervals = sum(int(o.intervals.sum()) for o in outcomes)
    return {
        "controller": f"{name} β = {beta:g}" if name == "cmc" else name,
        "episodes_per_s": episodes / one,
        "intervals_per_s": intervals / one,
        "ns_per_interval": 1e9 * one / intervals,
        "episodes_per_s_all": episodes / every,
        "interpreted_per_s": sum(o.tokens.size for o in plain_outcomes) / plain,
        "interpreted_per_s_all": sum(o.tokens.size for o in plain_outcomes) / spread,
        "intervals_per_episode": intervals / episodes,
    }


@njit
def _walk(step_class, step_start, branch_start, orders):  # type: ignore[no-untyped-def]
    seen = 0
    for q in range(len(branch_start) - 1):
        for s in range(orders.shape[0]):
            for i in range(min(64, orders.shape[1])):
                b = branch_start[q] + orders[s, i]
                for k in range(step_start[b], step_start[b + 1]):
                    seen += step_class[k]
    return seen


def walk(stores: list[ReplayStore], repeat: int) -> float:
    """Nanoseconds for each interval of 64 branches when nothing is decided."""
    times = []
    intervals = 0
    for _ in range(repeat + 1):
        started, intervals = time.perf_counter(), 0
        for store in stores:
            a = store.load()
            orders = branch_orders(int(np.diff(a.branch_start).min()), SEEDS)
            _walk(a.step_class, a.step_start, a.branch_start, orders)
            intervals += len(a.step_class) * len(SEEDS) // 2
        times.append(time.perf_counter() - started)
    return 1e9 * min(times) / intervals


def start_times(spec: str, store: Path) -> tuple[float, float]:
    """Seconds to a controller's first 3,000 episodes: never compiled before, and cached."""
    with tempfile.TemporaryDirectory() as cache:
        code = START.format(spec=spec, store=str(store))
        environment = {**os.environ, "AUTOTTS_CACHE_DIR": cache}
        command = [sys.executable, "-c", code]
        cold, warm = (
            float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
            for _ in range(2)
        )
    return cold, warm


if __name__ == "__main__":
    main()
