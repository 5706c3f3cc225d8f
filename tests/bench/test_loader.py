from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumer.bench.load import LoadFiles
from consumer.bench.loader import LoaderError, Order, a_loader
from consumer.bench.steady import steady_load
from consumer.chaos.processes import is_alive
from infra.local.environment import LocalEnvironment

pytestmark = pytest.mark.real


def a_stream(environment: LocalEnvironment) -> str:
    name = f"loaded-{uuid.uuid4().hex[:8]}"
    environment.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    return name


def bodies_in(environment: LocalEnvironment, stream: str) -> list[bytes]:
    kinesis = environment.client("kinesis")
    [shard] = kinesis.list_shards(StreamName=stream)["Shards"]
    start = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    return [record["Data"] for record in kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]]


def a_load(folder: Path) -> LoadFiles:
    return LoadFiles(folder, 1, datetime.now(UTC))


def test_every_event_is_sent_once_in_order_and_noted(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    stream = a_stream(local_environment)
    with a_loader(local_environment.aws_port, stream, a_load(tmp_path), tmp_path) as loader:
        loader.order(Order(2_000, 0.5))
        loader.order(Order(0, 0, events=700))
        loader.wait_sent()
        notes, pid = loader.notes(), loader.pid
    numbers = [int(data.split(b'"transaction_id":"bench-1-')[1][:8]) for data in bodies_in(local_environment, stream)]
    assert numbers == list(range(1_700))
    assert notes["first"].tolist() == [0, *notes["end"][:-1].tolist()]
    assert (notes["intended_s"] <= notes["sent_s"] + 0.001).all()
    assert (notes["sent_s"] <= notes["answered_s"]).all()
    assert not is_alive(pid)


def test_a_stream_that_is_missing_ends_the_generator_with_its_reason(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_loader(local_environment.aws_port, "no-such-stream", a_load(tmp_path), tmp_path) as loader:
        loader.order(Order(0, 0, events=1))
        with pytest.raises(LoaderError, match="ResourceNotFound"):
            loader.wait_sent()


def test_a_steady_load_goes_on_until_its_context_ends(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    stream = a_stream(local_environment)
    with a_loader(local_environment.aws_port, stream, a_load(tmp_path), tmp_path) as loader:
        with steady_load(loader, 1_000):
            while loader.sent < 100:
                time.sleep(0.02)
        ordered = loader.ordered
        loader.wait_sent()
        assert loader.sent == ordered


def test_a_steady_load_tells_at_its_end_why_it_stopped(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    with (
        a_loader(local_environment.aws_port, "no-such-stream", a_load(tmp_path), tmp_path) as loader,
        pytest.raises(LoaderError),
        steady_load(loader, 1_000) as steady,
    ):
        steady.wait_ended()
