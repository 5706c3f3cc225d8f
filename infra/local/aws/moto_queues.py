"""moto's queues, made to read the clock once a look instead of twice a message: it counts all messages whenever one more is sent."""

from __future__ import annotations

from typing import Any

_LOOKS = ("messages", "approximate_number_of_messages_delayed", "approximate_number_of_messages_not_visible")


def look_once() -> None:
    """Replace the properties of moto's queue that look at every message by quick ones that answer the same."""
    from moto.core.utils import unix_time_millis
    from moto.sqs.models import Queue

    def messages(queue: Any) -> list[Any]:
        now_ms = unix_time_millis()
        return [one for one in queue._messages if one.visible_at < now_ms and one.delayed_until <= now_ms]  # noqa: SLF001 - moto has no other way

    def delayed(queue: Any) -> int:
        now_ms = unix_time_millis()
        return sum([one.delayed_until > now_ms for one in queue._messages])  # noqa: SLF001 - moto has no other way

    def not_visible(queue: Any) -> int:
        now_ms = unix_time_millis()
        return sum([one.visible_at >= now_ms for one in queue._messages])  # noqa: SLF001 - moto has no other way

    for name, look in zip(_LOOKS, (messages, delayed, not_visible), strict=True):
        setattr(Queue, name, property(look))
