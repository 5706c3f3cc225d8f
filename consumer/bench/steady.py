"""Load without an end in sight: a thread orders the next portion before the last one is sent."""

from __future__ import annotations

from consumer.bench.loader import Loader, Order
from consumer.chaos.alongside import Alongside

_PORTION_S = 5.0
_LOOK_EVERY_S = 0.5


def steady_load(loader: Loader, rate: float) -> Alongside:
    """Return the context that sends `rate` events a second while it lasts; the portions under way at its end are still sent."""
    order = Order(rate, _PORTION_S)

    def send(load: Alongside) -> None:
        while not load.is_over:
            while loader.ordered - loader.sent < order.number:
                loader.order(order)
            load.wait(_LOOK_EVERY_S)

    return Alongside(send)
