"""Alerts leave through an SNS standard topic: FIFO topics cannot page anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sinks.errors import PermanentSinkError, SinkError, TransientSinkError
from sinks.port import OutboxAlert, PublishResult

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef, PublishBatchResponseTypeDef

MAX_ENTRIES = 10
MAX_BYTES = 262_144
"""Of all messages of one PublishBatch together, attributes included (API reference of PublishBatch)."""
_TOO_LARGE = f"larger than {MAX_BYTES} bytes"
_HTTP_SERVER_ERROR = 500
_TRANSIENT = frozenset({
    "ExpiredToken", "ExpiredTokenException", "InternalError", "InternalErrorException", "InternalFailure",
    "KMSThrottling", "KMSThrottlingException", "RequestExpired", "RequestTimeout", "ServiceUnavailable", "Throttled",
    "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
})  # fmt: skip
_ABOUT_ONE_MESSAGE = frozenset({
    "BatchRequestTooLong", "BatchRequestTooLongException", "InvalidParameter", "InvalidParameterException",
    "InvalidParameterValue", "ParameterValueInvalid", "ValidationError", "ValidationException",
})  # fmt: skip


class _Entry(NamedTuple):
    alert_id: UUID
    request: PublishBatchRequestEntryTypeDef
    size_bytes: int


class _Outcome(NamedTuple):
    """A result in the making, and what went wrong with whole batches."""

    sent: dict[UUID, str]
    failed: dict[UUID, str]
    refused: dict[UUID, str]
    errors: list[SinkError]


class _MessageRefused(SinkError):
    """SNS refuses the request because of a message in it."""


class SnsTopic:
    """A `sinks.port.AlertTopic` on SNS. `client` is a boto3 client with time-outs; its own retries may send a message twice."""

    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """See `sinks.port.AlertTopic.publish`. PermanentSinkError too (no such topic, access denied) is raised only if none left."""
        entries = [_entry_of(alert) for alert in alerts]
        too_large = {entry.alert_id: _TOO_LARGE for entry in entries if entry.size_bytes > MAX_BYTES}
        outcome = _Outcome({}, {}, too_large, [])
        for batch in _batches([entry for entry in entries if entry.size_bytes <= MAX_BYTES]):
            self._publish_batch(batch, outcome)
        if outcome.errors and not outcome.sent and not outcome.refused:
            raise outcome.errors[-1]
        return PublishResult(outcome.sent, outcome.failed, outcome.refused)

    def _publish_batch(self, batch: Sequence[_Entry], outcome: _Outcome) -> None:
        try:
            with _translated():
                response = self._client.publish_batch(
                    TopicArn=self._topic_arn, PublishBatchRequestEntries=[entry.request for entry in batch]
                )
        except _MessageRefused as error:
            self._publish_apart(batch, outcome, str(error))
        except (TransientSinkError, PermanentSinkError) as error:
            outcome.errors.append(error)
            _add(outcome.failed, batch, str(error))
        else:
            _sort_out(batch, response, outcome)

    def _publish_apart(self, batch: Sequence[_Entry], outcome: _Outcome, error: str) -> None:
        """Bisect: one message that SNS cannot read must not hold back the others."""
        if len(batch) == 1:
            _add(outcome.refused, batch, error)
            return
        middle = len(batch) // 2
        self._publish_batch(batch[:middle], outcome)
        self._publish_batch(batch[middle:], outcome)


def _sort_out(batch: Sequence[_Entry], response: PublishBatchResponseTypeDef, outcome: _Outcome) -> None:
    """Enter every alert of the batch in one part of the result; HTTP 200 says nothing about the single message."""
    sent = {entry["Id"]: entry["MessageId"] for entry in response.get("Successful", ())}
    failed = {entry["Id"]: entry for entry in response.get("Failed", ())}
    for entry in batch:
        if (message_id := sent.get(str(entry.alert_id))) is not None:
            outcome.sent[entry.alert_id] = message_id
        elif (failure := failed.get(str(entry.alert_id))) is not None:
            part = outcome.refused if failure["SenderFault"] else outcome.failed
            part[entry.alert_id] = f"{failure['Code']}: {failure.get('Message', 'no message')}"
        else:
            outcome.failed[entry.alert_id] = "the answer does not mention it"


def _add(part: dict[UUID, str], batch: Sequence[_Entry], error: str) -> None:
    part.update((entry.alert_id, error) for entry in batch)


def _batches(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    """Cut into batches that SNS takes, in order."""
    batch: list[_Entry] = []
    for entry in entries:
        if len(batch) == MAX_ENTRIES or sum(e.size_bytes for e in (*batch, entry)) > MAX_BYTES:
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def _entry_of(alert: OutboxAlert) -> _Entry:
    attributes = {name: _attribute_of(value) for name, value in alert.attributes.items()}
    sizes = [sum(len(part.encode()) for part in (name, *attribute)) for name, attribute in attributes.items()]
    request: PublishBatchRequestEntryTypeDef = {
        "Id": str(alert.alert_id),
        "Message": alert.payload,
        "MessageAttributes": {n: {"DataType": kind, "StringValue": text} for n, (kind, text) in attributes.items()},
    }
    return _Entry(alert.alert_id, request, len(alert.payload.encode()) + sum(sizes))


def _attribute_of(value: str | float) -> tuple[str, str]:
    """Return data type and text."""
    if isinstance(value, str):
        return "String", value
    return "Number", format(Decimal(repr(value)), "f")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _sink_error_of(error) from error
    except ParamValidationError as error:
        raise PermanentSinkError("SNS client: the request does not fit the service's model") from error
    except BotoCoreError as error:
        raise TransientSinkError(f"SNS cannot be reached: {type(error).__name__}") from error


def _sink_error_of(error: ClientError) -> SinkError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _TRANSIENT or status >= _HTTP_SERVER_ERROR:
        return TransientSinkError(f"SNS: {code}: {message}")
    if code in _ABOUT_ONE_MESSAGE and "TopicArn" not in message:
        return _MessageRefused(f"{code}: {message}")
    return PermanentSinkError(f"SNS: {code}: {message}; does the topic exist and may this role publish to it?")
