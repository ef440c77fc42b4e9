"""What Prometheus is told of the server."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """One server's; labels have few values, and none that a client makes up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = self._counter(
            "requests", "Requests that came to an end, and how", ("endpoint", "outcome")
        )
        self.refused = self._counter("refused", "Requests refused, by status", ("status",))
        self.branches = self._counter("branches", "Branches opened")
        self.tokens = self._counter("tokens", "Tokens that the engine has generated")
        self.probe_tokens = self._counter(
            "probe_tokens", "Tokens of probes, of requests that were answered"
        )
        self.retries = self._counter("engine_retries", "Requests made again to the engine")
        self.seconds = self._histogram(
            "request_duration_seconds", "From a request's arrival to its end", ("controller",)
        )
        self.waited = self._histogram("queue_seconds", "How long requests waited to begin")

    def watch(self, name: str, told: str, value: Callable[[], float]) -> None:
        """A gauge that shows what `value` gives whenever it is read."""
        gauge = Gauge(f"autotts_{name}", told, registry=self._registry)
        gauge.set_function(value)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, told: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"autotts_{name}", told, labels, registry=self._registry)

    def _histogram(self, name: str, told: str, labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(f"autotts_{name}", told, labels, registry=self._registry, buckets=_SECONDS)
