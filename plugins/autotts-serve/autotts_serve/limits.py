"""How much a server takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one server, and of each request to it; a request may ask for less."""

    running: int = 64
    """Requests answered at a time."""
    waiting: int = 256
    """Requests that wait for their turn; what comes beyond is sent away."""
    slots: int = 256
    """Requests at the engine at a time."""
    branches: int = 128
    """That a controller may open."""
    budget: int | None = None
    """Tokens of all branches of a request, without probes."""
    seconds: float = 600.0
    """From a request's arrival to its answer."""
    body_bytes: int = 4 * 2**20
