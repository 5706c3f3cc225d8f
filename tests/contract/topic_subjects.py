"""What the suite for topics tries: the topic in memory and SNS of the embedded AWS with injected faults, and what receivers get of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

import boto3
from botocore.config import Config

from infra.local.aws.faults import Fault
from infra.local.clients import ACCESS_KEY, REGION, SECRET_KEY
from infra.local.environment import LocalEnvironment
from sinks.alerts.batches import attribute_of
from sinks.alerts.memory import Failure, MemoryTopic
from sinks.alerts.sns import SnsTopic
from sinks.port import AlertTopic, OutboxAlert

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_FAULTS: dict[Failure, dict[str, Any]] = {
    "unreachable": {"effect": "hang_up"},
    "throttled": {"effect": "error", "status": 400, "code": "Throttled"},
    "answer_lost": {"effect": "lost_answer", "status": 500, "code": "InternalError"},
    "denied": {"effect": "error", "status": 403, "code": "AuthorizationError"},
}


class Told(NamedTuple):
    """An alert as a receiver gets it; numbers among the attributes are text there."""

    alert_id: UUID
    payload: str
    attributes: dict[str, tuple[str, str]]


@dataclass
class TopicSubject:
    """A topic, what goes wrong there, and what came out of it.

    `fail_next` lets the next requests fail, one each. `fail_some` lets those of the next request's alerts fail whose place (from 0) is
    given, for good if the sender is at fault. `told` returns what receivers got since the last call, in no order.
    """

    topic: AlertTopic
    fail_next: Callable[[Failure], None]
    fail_some: Callable[[Sequence[OutboxAlert], frozenset[int], bool], None]
    told: Callable[[], list[Told]]


def memory_subject() -> TopicSubject:
    topic = MemoryTopic()

    def fail_some(alerts: Sequence[OutboxAlert], places: frozenset[int], is_sender_fault: bool) -> None:
        for place in places:
            (topic.refuse if is_sender_fault else topic.fail_once)(alerts[place].alert_id)

    def told() -> list[Told]:
        published, topic.published = topic.published, []
        return [Told(alert.alert_id, alert.payload, _attributes(alert)) for alert in published]

    return TopicSubject(topic, topic.fail_next, fail_some, told)


def sns_subject(environment: LocalEnvironment) -> TopicSubject:
    name, numbers = f"alerts-{uuid4()}", count()
    sns, sqs = _client_without_retries(environment), environment.client("sqs")
    topic_arn = sns.create_topic(Name=name)["TopicArn"]
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue)

    def inject(**facts: Any) -> None:
        fault = Fault(
            name=f"{name}-{next(numbers)}",
            service="sns",
            operation="PublishBatch",
            resource=topic_arn,
            times=1,
            **facts,
        )
        environment.faults.inject(fault)

    def fail_some(alerts: Sequence[OutboxAlert], places: frozenset[int], is_sender_fault: bool) -> None:
        seed = _seed_that_strikes(places, len(alerts))
        inject(effect="partial", code="InternalError", share=0.5, seed=seed, is_sender_fault=is_sender_fault)

    return TopicSubject(
        SnsTopic(sns, topic_arn),
        lambda failure: inject(**_FAULTS[failure]),
        fail_some,
        lambda: _receive(sqs, queue_url),
    )


def _seed_that_strikes(places: frozenset[int], of: int) -> int:
    """Return a seed with which a fault of share one half strikes just these entries of a request."""
    for seed in count():
        random = Random(seed)
        if frozenset(place for place in range(of) if random.random() < 0.5) == places:
            return seed
    raise AssertionError


def _client_without_retries(environment: LocalEnvironment) -> SNSClient:
    return boto3.client(
        "sns",
        endpoint_url=environment.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20, proxies={}),
    )


def _receive(sqs: SQSClient, queue_url: str) -> list[Told]:
    told: list[Told] = []
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            told.append(_told(json.loads(message["Body"])))
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return told


def _told(notification: dict[str, Any]) -> Told:
    payload = notification["Message"]
    attributes = notification.get("MessageAttributes", {})
    return Told(
        UUID(json.loads(payload)["alert_id"]),
        payload,
        {name: (a["Type"], a["Value"]) for name, a in attributes.items()},
    )


def _attributes(alert: OutboxAlert) -> dict[str, tuple[str, str]]:
    made = {name: attribute_of(value) for name, value in alert.attributes.items()}
    return {name: (attribute.data_type, attribute.text) for name, attribute in made.items()}
