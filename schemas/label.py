"""A label: what somebody found out of a transaction afterwards. What features know of it is the ledger's business."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.transaction import Id, Moment, Text32

LABEL_SCHEMA = "label/1"


class Label(BaseModel):
    """One report on one transaction. The first report of each source wins. Unknown fields are accepted and ignored.

    What JSON Schema cannot say and is required too: texts hold neither U+0000 nor lone surrogates.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    transaction_id: Id = Field(description="the sender's id of the transaction")
    timestamp: Moment | None = Field(
        default=None,
        description="the event's time, truncated to milliseconds; needed only where several events have this id",
    )
    is_fraud: bool = Field(description="whether the transaction was fraud")
    source: Annotated[Text32, Field(min_length=1)] = Field(
        description="who says so, such as chargeback, analyst or customer"
    )
    reported_at: Moment = Field(
        description="when the source said so; features go by the time at which the ledger learns it"
    )
