"""The simulated engine, as far as no collection shows it."""

from __future__ import annotations

import asyncio

from autotts_sim.engine import SimulatedEngine

from autotts_core.trace_backend import Sampling

SAMPLING = Sampling(0.7, 1.0, -1, 0, ())


def cached(engine: SimulatedEngine, *prefixes: bytes) -> list[int | None]:
    async def asked() -> list[int | None]:
        await engine.start("toy")
        found = [await engine.generate(list(each), 1, SAMPLING) for each in prefixes]
        return [each.cached_tokens for each in found]

    return asyncio.run(asked())


def test_its_cache_holds_what_it_met_in_whole_blocks() -> None:
    one, other = b"a" * 40, b"b" * 40
    assert cached(SimulatedEngine(), one, one, one[:20], other, one) == [0, 32, 16, 0, 32]


def test_the_oldest_blocks_leave_a_full_cache() -> None:
    one, other = b"a" * 32, b"b" * 16
    small = SimulatedEngine.configure({"cache_blocks": 2})
    assert cached(small, one, one, other, one) == [0, 32, 0, 0]
    assert cached(SimulatedEngine.configure({"cache_blocks": 0}), one, one) == [0, 0]
