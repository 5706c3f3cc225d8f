"""Injected faults as boto3 meets them: the right exception, and what was carried out and what was not."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from infra.local.aws.faults import Fault
from infra.local.clients import ACCESS_KEY, REGION, SECRET_KEY
from infra.local.environment import LocalEnvironment
from infra.local.errors import EmbeddedAwsError
from infra.local.fault_control import FaultControl
from infra.local.provision import ResourceNames, Resources, provision
from tests.integration.kinesis_callers import H2Caller, Refused

pytestmark = pytest.mark.real

LEASE = {"leaseKey": {"S": "shardId-000000000000"}}


@pytest.fixture(scope="module")
def local_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    with LocalEnvironment(Path(tmp_path_factory.mktemp("local")), database=False) as environment:
        yield environment


@pytest.fixture(scope="module")
def resources(local_environment: LocalEnvironment) -> Resources:
    local_environment.client("dynamodb").create_table(
        TableName="leases",
        KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return provision(local_environment, ResourceNames(stream="s", lake_bucket="lake"), shards=2)


@pytest.fixture
def faults(local_environment: LocalEnvironment, resources: Resources) -> FaultControl:
    assert resources
    return local_environment.faults


def client(environment: LocalEnvironment, service: str, read_timeout: float = 30.0) -> Any:
    """A client that lets every failure through at once."""
    config = Config(
        retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}, read_timeout=read_timeout
    )
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload] # any of them
        endpoint_url=environment.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=config,
    )


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "kinesis": ("list_shards", {"StreamName": "s"}),
    "dynamodb": ("get_item", {"TableName": "leases", "Key": LEASE}),
    "s3": ("list_objects_v2", {"Bucket": "lake"}),
    "sns": ("list_topics", {}),
    "sqs": ("list_queues", {}),
}


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("kinesis", 400, "LimitExceededException"),
        ("kinesis", 500, "InternalFailure"),
        ("dynamodb", 400, "ProvisionedThroughputExceededException"),
        ("dynamodb", 500, "InternalServerError"),
        ("s3", 503, "SlowDown"),
        ("s3", 500, "InternalError"),
        ("sns", 400, "Throttled"),
        ("sns", 500, "InternalError"),
        ("sqs", 400, "OverLimit"),
    ],
)
def test_an_error_reaches_boto3_under_its_code(
    local_environment: LocalEnvironment, faults: FaultControl, service: Any, status: int, code: str
) -> None:
    method, members = CALLS[service]
    call = getattr(client(local_environment, service), method)
    fault = Fault(name="e", service=service, effect="error", status=status, code=code)
    with faults.injected(fault) as injection, pytest.raises(ClientError) as caught:
        call(**members)
    response = caught.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (status, code)
    assert "fault e" in response["Error"]["Message"]
    assert (injection.matched(), injection.fired()) == (1, 1)
    call(**members)
    assert injection.matched() == 1


def test_a_modelled_error_is_raised_as_its_own_class(local_environment: LocalEnvironment, faults: FaultControl) -> None:
    kinesis, dynamodb = client(local_environment, "kinesis"), client(local_environment, "dynamodb")
    place = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    expired = Fault(
        name="x", service="kinesis", operation="GetRecords", resource="s", effect="error", status=400,
        code="ExpiredIteratorException",
    )  # fmt: skip
    with faults.injected(expired), pytest.raises(kinesis.exceptions.ExpiredIteratorException):
        kinesis.get_records(ShardIterator=place)
    lost_race = Fault(
        name="x", service="dynamodb", operation="PutItem", resource="leases", effect="error", status=400,
        code="ConditionalCheckFailedException",
    )  # fmt: skip
    with faults.injected(lost_race), pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(TableName="leases", Item=LEASE)


def test_a_client_of_kinesis_over_http2_reads_the_error_too(
    local_environment: LocalEnvironment, faults: FaultControl
) -> None:
    caller = H2Caller(local_environment.aws_port, cbor=True)
    fault = Fault(name="e", service="kinesis", effect="error", status=400, code="LimitExceededException")
    with faults.injected(fault), pytest.raises(Refused, match="LimitExceededException"):
        caller("ListShards", StreamName="s")
    hang_up = Fault(name="e", service="kinesis", effect="hang_up")
    with faults.injected(hang_up), pytest.raises(ConnectionError, match="middle of an exchange"):
        caller("ListShards", StreamName="s")
    caller.close()


def test_an_object_whose_answer_was_lost_stands_there(
    local_environment: LocalEnvironment, faults: FaultControl
) -> None:
    s3 = client(local_environment, "s3")
    fault = Fault(name="l", service="s3", operation="PutObject", effect="lost_answer", status=503, code="SlowDown")
    with faults.injected(fault), pytest.raises(ClientError, match="SlowDown"):
        s3.put_object(Bucket="lake", Key="landed", Body=b"x", IfNoneMatch="*")
    assert s3.get_object(Bucket="lake", Key="landed")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="lake", Key="landed", Body=b"y", IfNoneMatch="*")


@pytest.mark.parametrize("status", [409, 412, 500])
def test_a_head_is_refused_by_its_status(
    local_environment: LocalEnvironment, faults: FaultControl, status: int
) -> None:
    fault = Fault(name="h", service="s3", operation="HeadObject", resource="lake/a", effect="error", status=status)
    s3 = client(local_environment, "s3")
    s3.put_object(Bucket="lake", Key="a", Body=b"x")
    with faults.injected(fault), pytest.raises(ClientError, match=str(status)):
        s3.head_object(Bucket="lake", Key="a")
    assert s3.head_object(Bucket="lake", Key="a")["ContentLength"] == 1


def test_a_hang_up_closes_the_connection_and_carries_nothing_out(
    local_environment: LocalEnvironment, faults: FaultControl
) -> None:
    s3 = client(local_environment, "s3")
    fault = Fault(name="u", service="s3", operation="PutObject", effect="hang_up", times=1)
    with faults.injected(fault) as injection:
        with pytest.raises(ConnectionClosedError):
            s3.put_object(Bucket="lake", Key="unsent", Body=b"x")
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket="lake", Key="unsent")
        s3.put_object(Bucket="lake", Key="unsent", Body=b"x")
    assert (injection.matched(), injection.fired()) == (2, 1)


def test_a_slow_request_is_overtaken_by_others_on_its_lane(
    local_environment: LocalEnvironment, faults: FaultControl
) -> None:
    s3 = client(local_environment, "s3")
    fault = Fault(name="w", service="s3", resource="lake/slow", effect="slow", delay_s=2.0)
    order: list[str] = []

    def put(key: str) -> None:
        s3.put_object(Bucket="lake", Key=key, Body=b"x")
        order.append(key)

    with faults.injected(fault) as injection:
        slow = threading.Thread(target=put, args=["slow"])
        slow.start()
        while not injection.fired():
            assert slow.is_alive()
        put("quick")
        slow.join()
    assert order == ["quick", "slow"]


def test_a_slow_object_lands_although_its_client_has_given_up(
    local_environment: LocalEnvironment, faults: FaultControl
) -> None:
    impatient = client(local_environment, "s3", read_timeout=0.2)
    with faults.injected(Fault(name="t", service="s3", operation="PutObject", effect="slow", delay_s=1.0)):
        with pytest.raises(ReadTimeoutError):
            impatient.put_object(Bucket="lake", Key="late", Body=b"x")
        client(local_environment, "s3").get_waiter("object_exists").wait(
            Bucket="lake", Key="late", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )


def test_a_partial_failure_stores_exactly_the_records_that_it_acknowledges(
    local_environment: LocalEnvironment, faults: FaultControl
) -> None:
    kinesis = client(local_environment, "kinesis")
    kinesis.create_stream(StreamName="partial", ShardCount=1)
    code = "ProvisionedThroughputExceededException"
    fault = Fault(
        name="p", service="kinesis", operation="PutRecords", resource="partial", effect="partial", code=code, share=0.4
    )
    records = [{"Data": b"%d" % number, "PartitionKey": f"k{number}"} for number in range(100)]
    with faults.injected(fault) as injection:
        answer = kinesis.put_records(StreamName="partial", Records=records)
    assert injection.fired() == 1
    failed = [result for result in answer["Records"] if "ErrorCode" in result]
    assert 0 < len(failed) == answer["FailedRecordCount"] < 100
    assert {result["ErrorCode"] for result in failed} == {code}
    acknowledged = {
        result["SequenceNumber"]: record["Data"]
        for record, result in zip(records, answer["Records"], strict=True)
        if "SequenceNumber" in result
    }
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    place = kinesis.get_shard_iterator(StreamName="partial", **shard)["ShardIterator"]
    stored = kinesis.get_records(ShardIterator=place)["Records"]
    assert {record["SequenceNumber"]: record["Data"] for record in stored} == acknowledged


@pytest.mark.parametrize(("share", "is_sender_fault"), [(0.5, True), (1.0, False)])
def test_a_partial_failure_delivers_exactly_the_messages_that_it_acknowledges(
    local_environment: LocalEnvironment,
    faults: FaultControl,
    resources: Resources,
    share: float,
    is_sender_fault: bool,
) -> None:
    fault = Fault(
        name="b", service="sns", operation="PublishBatch", resource=resources.topic_arn, effect="partial",
        code="Throttled", share=share, is_sender_fault=is_sender_fault,
    )  # fmt: skip
    entries = [
        {
            "Id": f"id{number}",
            "Message": f"& {share} {number}",
            "MessageAttributes": {"n": {"DataType": "Number", "StringValue": str(number)}},
        }
        for number in range(10)
    ]
    sns, sqs = client(local_environment, "sns"), client(local_environment, "sqs")
    with faults.injected(fault):
        answer = sns.publish_batch(TopicArn=resources.topic_arn, PublishBatchRequestEntries=entries)
    failed = {item["Id"] for item in answer["Failed"]}
    sent = {item["Id"] for item in answer["Successful"]}
    assert {(item["Code"], item["SenderFault"]) for item in answer["Failed"]} == {("Throttled", is_sender_fault)}
    assert (failed & sent, failed | sent) == (set(), {entry["Id"] for entry in entries})
    assert bool(sent) == (share < 1)
    received = sqs.receive_message(
        QueueUrl=resources.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
    ).get("Messages", [])
    assert {message["Body"] for message in received} == {entry["Message"] for entry in entries if entry["Id"] in sent}
    assert all(message["Body"].endswith(message["MessageAttributes"]["n"]["StringValue"]) for message in received)
    for message in received:
        sqs.delete_message(QueueUrl=resources.queue_url, ReceiptHandle=message["ReceiptHandle"])


def test_a_fault_strikes_its_own_table_and_no_other(local_environment: LocalEnvironment, faults: FaultControl) -> None:
    dynamodb = client(local_environment, "dynamodb")
    with faults.injected(Fault(name="o", service="dynamodb", resource="other", effect="error")) as injection:
        dynamodb.put_item(TableName="leases", Item=LEASE)
    assert injection.matched() == 0


def test_a_fault_that_could_never_fire_is_refused(faults: FaultControl) -> None:
    wrong: Any = "sometimes"
    with pytest.raises(ValueError, match="sometimes"):
        faults.inject(Fault(name="n", service="s3", effect=wrong))
    assert "n" not in faults.counts()


def test_without_an_environment_the_error_says_so() -> None:
    with pytest.raises(EmbeddedAwsError, match="is the environment up"):
        FaultControl("http://127.0.0.1:1").inject(Fault(name="n", service="s3", effect="error"))
