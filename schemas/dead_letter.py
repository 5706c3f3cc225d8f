"""A dead letter: an event that was refused, complete enough to be understood, mended and replayed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from schemas.position import ShardId, StreamEpoch, StreamPosition

DEAD_LETTER_SCHEMA = "dead-letter/1"

Stage = Literal["decode", "look_up", "score", "commit"]
RefusalReason = Literal[
    "empty_record",
    "event_too_large",
    "invalid_utf8",
    "invalid_json",
    "nesting_too_deep",
    "invalid_event",
    "looks_like_card_number",
    "event_time_out_of_bounds",
    "conflicting_resend",
    "processing_failed",
    "refused_by_ledger",
]
"""Why a record was refused. `invalid_event` comes with every field error; the others say all in their name."""


class FieldError(BaseModel):
    """One thing wrong with one field; `field` is the path, such as location.latitude, and empty for the event as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    field: str
    message: str


class DeadLetter(BaseModel):
    """One refused record. Written once, before the checkpoint passes it; the ledger's `refused` row is the verdict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: str = Field(default=DEAD_LETTER_SCHEMA, alias="schema")
    stream_epoch: str
    shard_id: str
    sequence_number: str
    sub_sequence: int
    partition_key: str
    arrival_time: datetime
    stage: Stage
    reason: RefusalReason
    errors: tuple[FieldError, ...]
    raw: Base64Bytes = Field(description="the record's bytes, base64; a card number inside is masked")
    is_masked: bool = Field(
        default=False, description="true if a card number in `raw` was masked, so that it cannot be replayed as it is"
    )
    versions: dict[str, str] = Field(description="consumer, model, policy and feature set that refused it")

    @property
    def position(self) -> StreamPosition:
        """Where the refused record stands in its stream."""
        epoch, shard_id = StreamEpoch(self.stream_epoch), ShardId(self.shard_id)
        return StreamPosition(epoch, shard_id, int(self.sequence_number), self.sub_sequence)
