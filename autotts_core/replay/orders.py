"""The one random thing in a replay: the order in which a seed opens a question's branches."""

import random
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from autotts_core.store.arrays import TraceArrays

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int32]]


@lru_cache(maxsize=64)
def branch_orders(branches: int, seeds: range) -> IntArray:
    """Orders for a question with `branches` branches: shape (seeds, branches), int32.

    Seed s shuffles as Python's `random.Random(s).shuffle` does, which is what the evaluation
    released with arXiv 2605.08083 uses, so a seed means the same order there and here.
    """
    orders = np.empty((len(seeds), branches), np.int32)
    for row, seed in zip(orders, seeds, strict=True):
        order = list(range(branches))
        random.Random(seed).shuffle(order)
        row[:] = order
    orders.flags.writeable = False
    return orders


@lru_cache(maxsize=64)
def branch_orders_of(
    arrays: TraceArrays, seeds: range
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Branch orders (sizes, seeds, most branches), and which size each question has."""
    sizes, size_of = np.unique(np.diff(arrays.branch_start), return_inverse=True)
    orders = np.zeros((len(sizes), len(seeds), int(sizes.max(initial=0))), np.int32)
    for row, size in zip(orders, sizes.tolist(), strict=True):
        row[:, :size] = branch_orders(size, seeds)
    return orders, size_of.astype(np.int64)
