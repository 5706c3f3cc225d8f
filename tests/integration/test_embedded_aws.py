"""The services beside Kinesis: what moto alone would get wrong, and what the system needs of them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.local.environment import LocalEnvironment
from infra.local.errors import LocalEnvironmentError, PortBusyError
from infra.local.ports import bind_port
from infra.local.provision import ResourceNames, Resources, provision

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def local_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    with LocalEnvironment(Path(tmp_path_factory.mktemp("local")), database=False) as environment:
        yield environment


@pytest.fixture(scope="module")
def resources(local_environment: LocalEnvironment) -> Resources:
    return provision(local_environment, ResourceNames(stream="s", queue="q", topic="t"), shards=3)


def test_provisioning_twice_changes_nothing(local_environment: LocalEnvironment, resources: Resources) -> None:
    again = provision(local_environment, ResourceNames(stream="s", queue="q", topic="t"), shards=7)
    assert again == resources
    assert len(local_environment.client("kinesis").list_shards(StreamName="s")["Shards"]) == 3
    subscriptions = local_environment.client("sns").list_subscriptions_by_topic(TopicArn=resources.topic_arn)
    assert len(subscriptions["Subscriptions"]) == 1


def test_an_alert_reaches_the_queue_as_it_was_published(
    local_environment: LocalEnvironment, resources: Resources
) -> None:
    attribute: dict[str, MessageAttributeValueTypeDef] = {"risk": {"DataType": "String", "StringValue": "high"}}
    local_environment.client("sns").publish_batch(
        TopicArn=resources.topic_arn,
        PublishBatchRequestEntries=[{"Id": "1", "Message": '{"ü": 1}', "MessageAttributes": attribute}],
    )
    sqs = local_environment.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=resources.queue_url, WaitTimeSeconds=10, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert message["Body"] == '{"ü": 1}'
    assert message["MessageAttributes"]["risk"]["StringValue"] == "high"


def test_object_keys_and_metadata_names_are_kept_to_the_letter(
    local_environment: LocalEnvironment, resources: Resources
) -> None:
    s3, key = local_environment.client("s3"), "dt=2026-01-01/a b+c/ü.parquet"
    s3.put_object(Bucket=resources.lake_bucket, Key=key, Body=b"abc", Metadata={"covers_to": "a", "chunk-id": "b"})
    head = s3.head_object(Bucket=resources.lake_bucket, Key=key)
    assert (head["ContentLength"], head["Metadata"]) == (3, {"covers_to": "a", "chunk-id": "b"})
    listed = s3.list_objects_v2(Bucket=resources.lake_bucket, Prefix="dt=2026-01-01/")["Contents"]
    assert [item["Key"] for item in listed] == [key]


def test_all_services_name_the_same_account(local_environment: LocalEnvironment, resources: Resources) -> None:
    secret = local_environment.client("secretsmanager").create_secret(Name="database", SecretString="x")
    stream = local_environment.client("kinesis").describe_stream_summary(StreamName="s")
    account = local_environment.client("sts").get_caller_identity()["Account"]
    arns = [resources.topic_arn, secret["ARN"], stream["StreamDescriptionSummary"]["StreamARN"]]
    assert {arn.split(":")[4] for arn in arns} == {account}


def test_metrics_are_taken(local_environment: LocalEnvironment) -> None:
    cloudwatch = local_environment.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="fraudstream", MetricData=[{"MetricName": "lag", "Value": 1.0}])
    assert cloudwatch.list_metrics(Namespace="fraudstream")["Metrics"][0]["MetricName"] == "lag"


def test_clients_ignore_an_endpoint_that_the_shell_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with LocalEnvironment(tmp_path, database=False) as environment:
        assert environment.client("kinesis").list_streams()["StreamNames"] == []
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_a_busy_port_is_reported_with_its_holder(tmp_path: Path) -> None:
    with bind_port(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=rf"Port {port} .* in use by process {os.getpid()} ") as caught:
            LocalEnvironment(tmp_path, aws_port=port, database=False).__enter__()
    assert "choose another port" in str(caught.value)


def test_an_environment_without_database_says_so(tmp_path: Path) -> None:
    environment = LocalEnvironment(tmp_path, database=False)
    with pytest.raises(LocalEnvironmentError, match="without a database"):
        _ = environment.database_url
    with pytest.raises(LocalEnvironmentError, match="Enter the environment"):
        environment.client("s3")
    assert "DATABASE_URL" not in environment.environment()


def test_a_server_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    with LocalEnvironment(tmp_path, database=False) as environment:
        environment.check()
        os.kill(environment.aws.pid or 0, 9)
        deadline = time.monotonic() + 30
        while environment.aws.is_running:
            assert time.monotonic() < deadline
        with pytest.raises(LocalEnvironmentError, match="embedded AWS has ended"):
            environment.check()


def test_both_servers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom infra.local.environment import LocalEnvironment\n"
        "with LocalEnvironment(Path(sys.argv[1])) as environment:\n"
        "    print(environment.aws_port, environment.postgres.port, flush=True)\n    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    ports = [int(port) for port in re.findall(r"\d+", parent.stdout.readline())]
    assert len(ports) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while not all(is_free(port) for port in ports):
        assert time.monotonic() < deadline, "a server outlives its parent"
        time.sleep(0.05)


def is_free(port: int) -> bool:
    try:
        bind_port(port).close()
    except PortBusyError:
        return False
    return True
