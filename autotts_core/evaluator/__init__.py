"""Evaluates untrusted controller source in a child process that never holds a gold answer."""

from autotts_core.evaluator.parent import Evaluator, MachineryError

__all__ = ["Evaluator", "MachineryError"]
