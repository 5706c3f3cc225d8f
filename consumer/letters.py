"""From a refusal to its dead letter: complete, and without a card number. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from schemas.card_numbers import mask_card_numbers, may_hide_card_number
from schemas.dead_letter import DeadLetter
from schemas.position import StreamRecord
from sinks.port import Refusal


def stored_bytes(refusal: Refusal, record: StreamRecord) -> bytes:
    """Return the record's bytes as a dead letter may hold them: as they are, but for card numbers."""
    return mask_card_numbers(record.data, is_suspect=may_hide_card_number(refusal.reason, refusal.errors))


def letter_of(refusal: Refusal, record: StreamRecord, versions: Mapping[str, str]) -> DeadLetter:
    """Return the letter of a refused record: raw bytes with card numbers masked, stage, reason, every field error, versions."""
    raw = stored_bytes(refusal, record)
    epoch, shard_id, sequence_number, sub_sequence = record.position
    return DeadLetter(
        stream_epoch=epoch,
        shard_id=shard_id,
        sequence_number=str(sequence_number),
        sub_sequence=sub_sequence,
        partition_key=record.partition_key,
        arrival_time=record.arrival_time,
        stage=refusal.stage,
        reason=refusal.reason,
        errors=refusal.errors,
        raw=b64encode(raw),
        is_masked=raw != record.data,
        versions=dict(versions),
    )
