"""The replay store: all branches, probes and token counts of one (model, benchmark) pair."""

from autotts_core.store.check import Problem, check_store
from autotts_core.store.find import find_stores
from autotts_core.store.regrade import grade_store, grade_stores
from autotts_core.store.replay_store import ReplayStore
from autotts_core.store.writer import write_store, write_stores

__all__ = [
    "Problem",
    "ReplayStore",
    "check_store",
    "find_stores",
    "grade_store",
    "grade_stores",
    "write_store",
    "write_stores",
]
