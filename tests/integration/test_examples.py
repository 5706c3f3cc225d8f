"""The examples that people copy: what they publish is in the stream, whole, and what they ask is answered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import jsonschema
import pytest

import producers.examples
from consumer.chaos.deployment import Deployment, a_deployment
from consumer.chaos.gateway import GatewayProcess, a_gateway
from consumer.chaos.waiting import wait_until
from infra.local.aws.faults import Fault
from infra.local.environment import LocalEnvironment
from schemas.decode import Unknown, decode
from schemas.export import json_schemas
from schemas.transaction import Transaction

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

pytestmark = pytest.mark.real

FOLDER = Path(producers.examples.__file__).parent
PROGRAMS = {".py": sys.executable, ".sh": "/bin/sh"}
PATIENCE_S = 120


def command(script: str) -> list[str]:
    """How a person runs it: with the `python`, `aws` and `curl` on PATH."""
    return [PROGRAMS[Path(script).suffix], str(FOLDER / script)]


def shell(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """A person's shell: nothing of this project on any path but the programs."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "TMPDIR": str(folder), **variables}


def run(script: str, variables: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(script),
        env=shell(variables, folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Stream:
    """A stream of its own, and what stands in it."""

    def __init__(self, environment: LocalEnvironment) -> None:
        self.name, self._kinesis = f"examples-{uuid4().hex[:8]}", environment.client("kinesis")
        self._kinesis.create_stream(StreamName=self.name, ShardCount=1)
        self._kinesis.get_waiter("stream_exists").wait(StreamName=self.name, WaiterConfig={"Delay": 1})
        self.variables = {**environment.environment(), "FRAUDSTREAM_STREAM_NAME": self.name}

    def records(self) -> list[RecordTypeDef]:
        shard_id = self._kinesis.list_shards(StreamName=self.name)["Shards"][0]["ShardId"]
        start = self._kinesis.get_shard_iterator(
            StreamName=self.name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )
        return self._kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]

    def events(self) -> list[Transaction]:
        """What a consumer would read of it; raises InvalidRecord where it would refuse."""
        return [decode(record["Data"], Unknown()) for record in self.records()]


@pytest.fixture
def stream(local_environment: LocalEnvironment) -> Stream:
    return Stream(local_environment)


def published(output: str) -> list[str]:
    return re.findall(r"^published (\S+)$", output, re.MULTILINE)


@pytest.mark.parametrize("script", ["publish_boto3.py", "publish_aws_cli.sh"])
def test_what_an_example_publishes_is_in_the_stream_under_its_user_and_valid(
    script: str, stream: Stream, tmp_path: Path
) -> None:
    done = run(script, stream.variables, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [event.transaction_id for event in stream.events()] == published(done.stdout) != []
    assert [record["PartitionKey"] for record in stream.records()] == [event.user_id for event in stream.events()]
    for record in stream.records():
        jsonschema.validate(json.loads(record["Data"]), json_schemas()["transaction-event"])


def test_the_boto3_example_sends_again_what_the_stream_refused_and_nothing_else(
    local_environment: LocalEnvironment, stream: Stream, tmp_path: Path
) -> None:
    partial = Fault(
        name=f"partial-{stream.name}",
        service="kinesis",
        operation="PutRecords",
        effect="partial",
        resource=stream.name,
        code="ProvisionedThroughputExceededException",
        share=0.5,
        seed=3,
        times=2,
    )
    with local_environment.faults.injected(partial) as injection:
        done = run("publish_boto3.py", stream.variables, tmp_path)
        assert injection.fired() > 0
    assert done.returncode == 0, done.stderr
    assert sorted(event.transaction_id for event in stream.events()) == sorted(published(done.stdout))


@pytest.mark.parametrize("script", ["publish_boto3.py", "publish_aws_cli.sh"])
def test_an_example_that_cannot_publish_says_so(script: str, stream: Stream, tmp_path: Path) -> None:
    done = run(script, {**stream.variables, "FRAUDSTREAM_STREAM_NAME": "nowhere"}, tmp_path)
    assert done.returncode != 0
    assert "ResourceNotFound" in done.stderr
    assert published(done.stdout) == []


def test_the_examples_name_no_endpoint_and_no_credentials_so_that_they_work_against_aws_too() -> None:
    scripts = [path for path in FOLDER.iterdir() if path.suffix in PROGRAMS and path.name != "__init__.py"]
    assert len(scripts) == 3
    for path in scripts:
        assert not re.search(r"endpoint.url=|--endpoint|4566|access_key|secret", path.read_text()), path
        assert "fraudstream." not in path.read_text().replace("fraudstream.amazonaws", "")


@pytest.fixture(scope="module")
def deployment(local_environment: LocalEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with a_deployment(local_environment, tmp_path_factory.mktemp("examples"), shards=2) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def gateway(deployment: Deployment) -> Iterator[GatewayProcess]:
    with a_gateway(deployment.folder, deployment.variables, deployment.database_url) as gateway:
        yield gateway


def variables_of(gateway: GatewayProcess, key: str | None = None) -> dict[str, str]:
    return {"FRAUDSTREAM_GATEWAY_URL": gateway.url, "FRAUDSTREAM_API_KEY": key or gateway.key}


def test_curl_with_a_key_that_nobody_made_is_told_so_and_shows_the_key_to_nobody(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    key = gateway.key[:-4] + "AAAA"
    done = run("classify_curl.sh", variables_of(gateway, key), tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert '"UNAUTHORIZED"' in done.stderr
    assert key not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp.")] == []


def test_curl_without_a_key_says_where_keys_are_made(tmp_path: Path) -> None:
    done = run("classify_curl.sh", {}, tmp_path)
    assert done.returncode != 0
    assert "fraudstream keys create" in done.stderr


@pytest.mark.daemon
def test_what_every_example_sends_is_decided_once_and_curl_waits_for_it(
    deployment: Deployment, gateway: GatewayProcess, tmp_path: Path
) -> None:
    environment = shell(variables_of(gateway), tmp_path)
    with subprocess.Popen(command("classify_curl.sh"), env=environment, stdout=subprocess.PIPE, text=True) as asking:
        wait_until(lambda: re.search(r'"status": ?202', gateway.log()) is not None, "an answer that is no decision yet")
        deployment.consumer.start()
        first, _ = asking.communicate(timeout=PATIENCE_S)
    assert asking.returncode == 0
    second = run("classify_curl.sh", variables_of(gateway), tmp_path)
    answers = [json.loads(answer) for answer in (first, second.stdout)]
    assert all(answer["classification"] == (answer["fraud_score"] > 0.5) for answer in answers)
    sent = [
        *(answer["transaction_id"] for answer in answers),
        *published(run("publish_boto3.py", deployment.variables, tmp_path).stdout),
        *published(run("publish_aws_cli.sh", deployment.variables, tmp_path).stdout),
    ]
    assert len(set(sent)) == 5
    deployment.wait_decided(5)
    assert [len(deployment.reader.find(name)) for name in sent] == [1] * 5
    deployment.wait_told()
    assert deployment.consumer.stop() == 0
    report = deployment.audit()
    assert report.is_clean, report.findings
