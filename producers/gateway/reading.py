"""What a request says, as the stream's event: read strictly, completed, and decoded from the very bytes that will be published."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from producers.gateway.contract import MAX_BATCH, ClassifyRequest, LabelRequest
from producers.gateway.problems import BadRequest, Refused
from producers.gateway.texts import WHOLE, field_texts, path_of
from schemas.decode import EventTimeBounds, InvalidRecord, Unknown, decode, span_of
from schemas.documents import Doubled, doubled_path, is_deeper, parse_json_once, write_json
from schemas.label import Label
from schemas.timestamps import format_timestamp, parse_timestamp
from schemas.transaction import MAX_EVENT_BYTES, MAX_NESTING, Transaction

NewId = Callable[[], str]
_M = TypeVar("_M", bound=BaseModel)
STREAM_BOUNDS = EventTimeBounds()
_ON_THE_WAY = timedelta(minutes=5)
_CLOCKS_APART = timedelta(minutes=1)
_TOO_DEEP = f"must not nest objects or lists deeper than {MAX_NESTING} levels"
_SURROGATE = "must not contain lone surrogates"
_IGNORED = Unknown()
"""The consumer counts events with unknown fields; here nobody asks."""


class Composed(NamedTuple):
    """A request as the stream will read it: `transaction` was decoded from exactly `data`."""

    data: bytes
    transaction: Transaction
    is_time_given: bool
    is_id_given: bool


class _Batch(BaseModel):
    model_config = ConfigDict(strict=True)
    transactions: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH)]


def read_request(body: bytes, now: datetime, new_id: NewId, bounds: EventTimeBounds | None = STREAM_BOUNDS) -> Composed:
    """Return the event that `body` asks to classify, at `now` (aware) and with a new id where it names none.

    `bounds` are those that the stream holds times against (None: it does not).

    Raises BadRequest with a text for every bad field, or Refused where the event is too large for the stream.
    """
    return _compose(_parse(body), now, new_id, bounds)


def read_batch(
    body: bytes, now: datetime, new_id: NewId, bounds: EventTimeBounds | None = STREAM_BOUNDS
) -> Sequence[Composed | Refused]:
    """Return each of {"transactions": [...]} (1 to 500), or why it is none. Raises BadRequest where the body is no such list."""
    document = _parse(body)
    if isinstance(document, Doubled):
        raise _given_twice((document.name,))
    batch = _validate(_Batch, document)
    return [_compose_or_refuse(item, now, new_id, bounds) for item in batch.transactions]


def read_labels(body: bytes, now: datetime) -> Sequence[Label]:
    """Return the labels of {"labels": [...]} (1 to 500), reported at `now` unless they say when. Raises BadRequest if one is bad."""
    document = _parse(body)
    _check_shape(document)
    request, known_at = _validate(LabelRequest, document), parse_timestamp(format_timestamp(now))
    return [
        Label.model_construct(**{**dict(one), "reported_at": one.reported_at or known_at}) for one in request.labels
    ]


def with_identity(composed: Composed, event_time: datetime) -> Composed:
    """Return the same event at `event_time` (aware UTC): what a retry publishes. The content and its hash stay."""
    if event_time == composed.transaction.event_time:
        return composed
    document = parse_json_once(composed.data.decode())
    data = write_json({**document, "timestamp": format_timestamp(event_time)})
    return composed._replace(data=data, transaction=decode(data, _IGNORED))


def _compose_or_refuse(item: Any, now: datetime, new_id: NewId, bounds: EventTimeBounds | None) -> Composed | Refused:
    try:
        return _compose(item, now, new_id, bounds)
    except Refused as refusal:
        return refusal


def _compose(document: Any, now: datetime, new_id: NewId, bounds: EventTimeBounds | None) -> Composed:
    _check_shape(document)
    request = _validate(ClassifyRequest, document)
    _check_time(request.timestamp, now, bounds)
    data = _write(_event(document, request, now, new_id))
    try:
        transaction = decode(data, _IGNORED)
    except InvalidRecord as refusal:
        raise _refused_by_stream(refusal, data) from None
    return Composed(data, transaction, request.timestamp is not None, request.transaction_id is not None)


def _event(document: dict[str, Any], request: ClassifyRequest, now: datetime, new_id: NewId) -> dict[str, Any]:
    event = {
        **document,
        "transaction_id": request.transaction_id or new_id(),
        "timestamp": document.get("timestamp") or format_timestamp(now),
    }
    event.pop("type", None)
    if request.type is not None:
        event["metadata"] = {"type": request.type, **(document.get("metadata") or {})}
    return event


def _parse(body: bytes) -> Any:
    if not body.strip():
        raise BadRequest({WHOLE: "must not be empty"}, "The request has no body: send a JSON object")
    try:
        return parse_json_once(body.decode())
    except UnicodeDecodeError as error:
        raise _no_json(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _no_json(f"is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _no_json(_TOO_DEEP) from None


def _no_json(text: str) -> BadRequest:
    return BadRequest({WHOLE: text}, "The request is not JSON that can be read")


def _check_shape(document: Any) -> None:
    if not isinstance(document, dict):
        raise BadRequest({WHOLE: "must be an object"})
    if is_deeper(document, MAX_NESTING):
        raise BadRequest({WHOLE: _TOO_DEEP})
    if (path := doubled_path(document)) is not None:
        raise _given_twice(path)


def _given_twice(path: Sequence[str]) -> BadRequest:
    return BadRequest({path_of(path): "is given more than once"})


def _check_time(event_time: datetime | None, now: datetime, bounds: EventTimeBounds | None) -> None:
    """Hold a time that was given against the stream's bounds, less the way there: what passes must not become a dead letter."""
    if event_time is None or bounds is None:
        return
    before, after = max(bounds.before - _ON_THE_WAY, _CLOCKS_APART), max(bounds.after - _CLOCKS_APART, timedelta())
    lag = now - event_time
    if lag > before or -lag > after:
        allowed = f"{span_of(bounds.before)} ago and {span_of(bounds.after)} from now"
        raise BadRequest({"timestamp": f"must be between {allowed}, less some minutes for the way"})


def _validate(model: type[_M], document: Any) -> _M:
    try:
        return model.model_validate(document)
    except ValidationError as refusal:
        raise BadRequest(field_texts(refusal)) from None


def _write(event: dict[str, Any]) -> bytes:
    try:
        return write_json(event)
    except (
        UnicodeEncodeError
    ):  # in metadata or an unknown field: where the event's own fields have them, the model says so
        raise BadRequest({WHOLE: _SURROGATE}) from None


def _refused_by_stream(refusal: InvalidRecord, data: bytes) -> Refused:
    if refusal.reason == "event_too_large":
        text = f"is {len(data)} bytes long as an event; at most {MAX_EVENT_BYTES} are allowed"
        return Refused("PAYLOAD_TOO_LARGE", "The event is too large for the stream", {WHOLE: text})
    return BadRequest({error.field or WHOLE: error.message for error in refusal.errors})
