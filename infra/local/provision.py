"""What the system needs in AWS, made in the embedded one as Terraform makes it in the real one."""

import json
from contextlib import suppress
from dataclasses import dataclass

from infra.local.environment import LocalEnvironment


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """The names to give."""

    stream: str = "fraudstream-transactions"
    lake_bucket: str = "fraudstream-lake"
    dead_letter_bucket: str = "fraudstream-dead-letters"
    model_bucket: str = "fraudstream-models"
    topic: str = "fraudstream-alerts"
    queue: str = "fraudstream-alerts"


@dataclass(frozen=True, slots=True)
class Resources:
    """Where everything is. The queue receives each message of the topic as it was published."""

    stream_name: str
    lake_bucket: str
    dead_letter_bucket: str
    model_bucket: str
    topic_arn: str
    queue_url: str


def provision(environment: LocalEnvironment, names: ResourceNames | None = None, *, shards: int = 2) -> Resources:
    """Make what is missing; what exists stays as it is, the stream with the shards that it has."""
    names = names or ResourceNames()
    kinesis, s3 = environment.client("kinesis"), environment.client("s3")
    with suppress(kinesis.exceptions.ResourceInUseException):
        kinesis.create_stream(StreamName=names.stream, ShardCount=shards)
    for bucket in (names.lake_bucket, names.dead_letter_bucket, names.model_bucket):
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            s3.create_bucket(Bucket=bucket)
    topic_arn = environment.client("sns").create_topic(Name=names.topic)["TopicArn"]
    queue_url = _subscribe_queue(environment, names.queue, topic_arn)
    return Resources(
        names.stream, names.lake_bucket, names.dead_letter_bucket, names.model_bucket, topic_arn, queue_url
    )


def _subscribe_queue(environment: LocalEnvironment, queue: str, topic_arn: str) -> str:
    sqs = environment.client("sqs")
    queue_url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": _delivery_policy(queue_arn, topic_arn)})
    environment.client("sns").subscribe(
        TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"}
    )
    return queue_url


def _delivery_policy(queue_arn: str, topic_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
