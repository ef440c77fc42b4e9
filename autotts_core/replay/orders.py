"""The one random thing in a replay: the order in which a seed opens a question's branches."""

import random
from functools import lru_cache

import numpy as np

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
