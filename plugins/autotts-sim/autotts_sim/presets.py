"""Simulated models to choose from by name."""

from __future__ import annotations

from autotts_sim.models import SimulatedModel

PRESETS: dict[str, SimulatedModel] = {}
