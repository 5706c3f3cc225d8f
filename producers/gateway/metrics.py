"""What the gateway counts. A port: where the figures go is the business of who wires it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

GatewayMetric = Literal["gateway_requests", "gateway_request_ms", "gateway_events", "gateway_waiting"]
"""Each with its labels.

gateway_requests: 1 a request; route, status. gateway_request_ms: from the request's head to the end of its answer; route.
gateway_events: 1 an event asked to be classified and readable; outcome (decided, accepted, conflicting, declined, unavailable),
duplicate (yes, no). gateway_waiting: events under way when one of them ended; none.
"""


class Measure(Protocol):
    """Takes one figure. Called on the event loop: it neither blocks nor raises."""

    def __call__(self, name: GatewayMetric, value: float, labels: Mapping[str, str], /) -> None:
        """Count or observe `value`. `labels` have few values: route templates, never paths; no keys, no ids."""
        ...


def measure_nothing(_name: GatewayMetric, _value: float, _labels: Mapping[str, str], /) -> None:
    """Stand in where nobody counts."""
