"""From a ledger transaction in PostgreSQL through SNS to the queue of somebody on call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from schemas.alert import Alert
from sinks.alerts.relay import AlertRelay, RelayReport
from sinks.alerts.sns import SnsTopic
from sinks.errors import PermanentSinkError
from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from tests.contract.ledger_builders import a_risky_decision, an_alert

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

pytestmark = pytest.mark.real

TERMS = OutboxTerms(first_wait=timedelta(), longest_wait=timedelta())


class OnCall(NamedTuple):
    """A topic and a queue that is subscribed to it."""

    sns: SNSClient
    sqs: SQSClient
    topic_arn: str
    queue_url: str

    def receive(self) -> list[dict[str, Any]]:
        """Take every message out of the queue."""
        bodies: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return bodies


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def on_call(endpoint_url: str, request: pytest.FixtureRequest) -> OnCall:
    session = boto3.Session("test", "test", region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    sns = session.client("sns", endpoint_url=endpoint_url, config=config)
    sqs = session.client("sqs", endpoint_url=endpoint_url, config=config)
    name = f"alerts-{abs(hash(request.node.nodeid))}"
    topic_arn = sns.create_topic(Name=name)["TopicArn"]
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
    return OnCall(sns, sqs, topic_arn, queue_url)


@pytest.fixture
def outbox(database_url: str) -> Iterator[PostgresOutbox]:
    with closing(PostgresOutbox(database_url, TERMS)) as opened:
        yield opened


def alerts_in(database_url: str, count: int, **changes: Any) -> list[Alert]:
    now = datetime.now(UTC).replace(microsecond=0)
    decisions = [a_risky_decision(f"t-{i:03}", **{"arrival_time": now, **changes}) for i in range(count)]
    alerts = [an_alert(decision) for decision in decisions]
    with closing(PostgresLedger(database_url)) as ledger:
        ledger.commit(decisions, alerts, [])
    return alerts


def alerts_of(messages: list[dict[str, Any]]) -> list[Alert]:
    """Return the alerts in these messages, by transaction."""
    alerts = [Alert.model_validate(json.loads(message["Message"])) for message in messages]
    return sorted(alerts, key=lambda alert: alert.transaction_id)


def test_every_alert_reaches_those_on_call_once(database_url: str, outbox: PostgresOutbox, on_call: OnCall) -> None:
    alerts = alerts_in(database_url, 23)
    relay = AlertRelay(outbox, SnsTopic(on_call.sns, on_call.topic_arn))

    assert relay.relay_once() == RelayReport(sent=23, failed=0, parked=0)
    assert relay.relay_once() == RelayReport(sent=0, failed=0, parked=0)

    assert alerts_of(on_call.receive()) == alerts


def test_subscriptions_can_filter_on_the_attributes(database_url: str, outbox: PostgresOutbox, on_call: OnCall) -> None:
    alerts_in(database_url, 1, location_country=None, merchant_category="")
    AlertRelay(outbox, SnsTopic(on_call.sns, on_call.topic_arn)).relay_once()

    (message,) = on_call.receive()

    assert message["MessageAttributes"] == {
        "schema": {"Type": "String", "Value": "fraud-alert/1"},
        "severity": {"Type": "String", "Value": "critical"},
        "rule": {"Type": "String", "Value": "score"},
        "model_version": {"Type": "String", "Value": "model-1"},
        "amount": {"Type": "Number", "Value": "980.0"},
        "score": {"Type": "Number", "Value": "0.93"},
    }


def test_a_hostile_event_can_be_told(database_url: str, outbox: PostgresOutbox, on_call: OnCall) -> None:
    hostile = "\x01\x1f\u2028\ufffe\U0001f4a3<&>\"'"
    alerts = alerts_in(database_url, 1, merchant_id=hostile, merchant_category=hostile, location_country=hostile)

    report = AlertRelay(outbox, SnsTopic(on_call.sns, on_call.topic_arn)).relay_once()

    assert report.sent == 1
    assert alerts_of(on_call.receive()) == alerts


def test_what_failed_inside_a_good_answer_is_sent_again_alone(
    database_url: str, outbox: PostgresOutbox, on_call: OnCall
) -> None:
    first, second = sorted(alerts_in(database_url, 2), key=lambda alert: alert.alert_id)
    failure = {"Id": str(second.alert_id), "Code": "InternalError", "SenderFault": False}
    answer = {"Successful": [{"Id": str(first.alert_id), "MessageId": "message-1"}], "Failed": [failure]}
    relay = AlertRelay(outbox, SnsTopic(on_call.sns, on_call.topic_arn))
    with Stubber(on_call.sns) as stub:
        stub.add_response("publish_batch", answer)
        assert relay.relay_once() == RelayReport(sent=1, failed=1, parked=0)

    assert relay.relay_once() == RelayReport(sent=1, failed=0, parked=0)

    assert alerts_of(on_call.receive()) == [second]


def test_a_topic_that_is_gone_keeps_the_alerts(database_url: str, outbox: PostgresOutbox, on_call: OnCall) -> None:
    alerts_in(database_url, 3)

    with pytest.raises(PermanentSinkError, match="NotFound"):
        AlertRelay(outbox, SnsTopic(on_call.sns, f"{on_call.topic_arn}-gone")).relay_once()

    assert outbox.pending() == 3


def test_a_relay_that_died_after_publishing_sends_the_same_alert_id_again(
    database_url: str, outbox: PostgresOutbox, on_call: OnCall
) -> None:
    (alert,) = alerts_in(database_url, 1)
    topic = SnsTopic(on_call.sns, on_call.topic_arn)
    with closing(PostgresOutbox(database_url, OutboxTerms(claim_for=timedelta()))) as dying:
        topic.publish(dying.claim(10))

    AlertRelay(outbox, topic).relay_once()

    assert [told.alert_id for told in alerts_of(on_call.receive())] == [alert.alert_id] * 2
