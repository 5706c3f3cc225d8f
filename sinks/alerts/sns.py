"""Alerts leave through an SNS standard topic: FIFO topics cannot page anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sinks.alerts.batches import Outcome, attribute_of
from sinks.errors import PermanentSinkError, SinkError, TransientSinkError
from sinks.port import OutboxAlert, PublishResult

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef, PublishBatchResponseTypeDef

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


class _MessageRefused(SinkError):
    """SNS refuses the request because of a message in it."""


class SnsTopic:
    """A `sinks.port.AlertTopic` on SNS. `client` is a boto3 client with time-outs; its own retries may send a message twice."""

    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """See `sinks.port.AlertTopic.publish`."""
        outcome = Outcome()
        for batch in outcome.take_in(alerts):
            self._publish_batch(batch, outcome)
        return outcome.result()

    def _publish_batch(self, batch: Sequence[OutboxAlert], outcome: Outcome) -> None:
        try:
            with _translated():
                response = self._client.publish_batch(
                    TopicArn=self._topic_arn, PublishBatchRequestEntries=[_entry_of(alert) for alert in batch]
                )
        except _MessageRefused as error:
            self._publish_apart(batch, outcome, str(error))
        except (TransientSinkError, PermanentSinkError) as error:
            outcome.fail(batch, error)
        else:
            _sort_out(batch, response, outcome)

    def _publish_apart(self, batch: Sequence[OutboxAlert], outcome: Outcome, error: str) -> None:
        """Bisect: one message that SNS cannot read must not hold back the others."""
        if len(batch) == 1:
            outcome.refused[batch[0].alert_id] = error
            return
        middle = len(batch) // 2
        self._publish_batch(batch[:middle], outcome)
        self._publish_batch(batch[middle:], outcome)


def _sort_out(batch: Sequence[OutboxAlert], response: PublishBatchResponseTypeDef, outcome: Outcome) -> None:
    """Enter every alert of the batch in one part of the result; HTTP 200 says nothing about the single message."""
    sent = {entry["Id"]: entry["MessageId"] for entry in response.get("Successful", ())}
    failed = {entry["Id"]: entry for entry in response.get("Failed", ())}
    for alert_id in (alert.alert_id for alert in batch):
        if (message_id := sent.get(str(alert_id))) is not None:
            outcome.sent[alert_id] = message_id
        elif (failure := failed.get(str(alert_id))) is not None:
            part = outcome.refused if failure["SenderFault"] else outcome.failed
            part[alert_id] = f"{failure['Code']}: {failure.get('Message', 'no message')}"
        else:
            outcome.failed[alert_id] = "the answer does not mention it"


def _entry_of(alert: OutboxAlert) -> PublishBatchRequestEntryTypeDef:
    attributes = {name: attribute_of(value) for name, value in alert.attributes.items()}
    return {
        "Id": str(alert.alert_id),
        "Message": alert.payload,
        "MessageAttributes": {n: {"DataType": kind, "StringValue": text} for n, (kind, text) in attributes.items()},
    }


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
