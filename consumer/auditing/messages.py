"""What a queue's message is: an alert, an alert in SNS's envelope, or something else. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from schemas.position import ShardId, StreamEpoch, StreamPosition


class Message(NamedTuple):
    """An alert as it was received."""

    alert_id: UUID
    position: StreamPosition
    document: Mapping[str, Any]


def parse_document(text: str) -> dict[str, Any]:
    """Return the JSON object in `text`, out of SNS's envelope if it is in one; `{"not_json": text}` for all else. Never raises."""
    try:
        document = json.loads(text)
        if isinstance(document, dict) and document.get("Type") == "Notification":
            document = json.loads(document["Message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return {"not_json": text}
    return document if isinstance(document, dict) else {"not_json": text}


def read_message(document: Mapping[str, Any]) -> Message | None:
    """Return the alert in `document`; None if it is none."""
    try:
        place = document["position"]
        epoch, shard_id = StreamEpoch(place["stream_epoch"]), ShardId(place["shard_id"])
        position = StreamPosition(epoch, shard_id, int(place["sequence_number"]), int(place["sub_sequence"]))
        return Message(UUID(document["alert_id"]), position, document)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
