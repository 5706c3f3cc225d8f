"""moto's queues answer the same as before, only sooner."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.aws.moto_queues import look_once

moto_models = pytest.importorskip("moto.sqs.models")
LOOKS = (
    "approximate_number_of_messages",
    "approximate_number_of_messages_delayed",
    "approximate_number_of_messages_not_visible",
)


def a_queue() -> Any:
    queue = moto_models.Queue("q", "us-east-1", "123456789012")
    for number, (delay_s, hidden_s) in enumerate([(0, 0), (0, 0), (900, 0), (0, 900), (900, 900)]):
        message = moto_models.Message(str(number), "body", {})
        message.sent_timestamp = 1
        message.delay(delay_s)
        message.visible_at = 0
        if hidden_s:
            message.change_visibility(hidden_s)
        queue._messages.append(message)
    return queue


def test_what_is_delayed_or_hidden_is_neither_given_nor_counted_as_there() -> None:
    queue = a_queue()
    before = [getattr(queue, look) for look in LOOKS], [message.id for message in queue.messages]
    look_once()
    assert ([getattr(queue, look) for look in LOOKS], [message.id for message in queue.messages]) == before
    assert before == ([2, 2, 2], ["0", "1"])
