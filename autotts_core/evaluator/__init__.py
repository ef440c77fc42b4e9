"""Evaluates untrusted controller source in a child process that never holds a gold answer."""

from autotts_core.evaluator.parent import Evaluator
from autotts_core.evaluator.workers import ConfinementError, MachineryError

__all__ = ["ConfinementError", "Evaluator", "MachineryError"]
