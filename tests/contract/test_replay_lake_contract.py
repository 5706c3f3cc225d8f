"""Where rows of replayed dead letters stand, memory and S3 alike; then what only S3 can get wrong."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import pyarrow.parquet as pq
import pytest

from infra.local.environment import LocalEnvironment
from schemas.decision import Decision
from schemas.position import ShardId, StreamEpoch
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.lake.keys import is_chunk_key, is_replay_key, parse_replay_key, replay_key
from sinks.lake.memory_replays import MemoryReplayLake
from sinks.lake.replays import S3ReplayLake
from sinks.lake.s3 import S3Lake
from sinks.port import ReplayLake
from tests.builders import PLAIN_DECISION
from tests.contract.s3_faults import S3Faults, client_without_retries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.real

KEY = replay_key(PLAIN_DECISION.arrival_time.date(), PLAIN_DECISION.position)


class Subject(NamedTuple):
    """A lake, how to make its next PUT fail `before` or `after` the object stands, and the transaction ids in it by key."""

    lake: ReplayLake
    fail_next: Callable[[str], None]
    contents: Callable[[], dict[str, list[str]]]


@pytest.fixture
def s3(local_environment: LocalEnvironment) -> S3Client:
    return client_without_retries(local_environment)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    name = f"lake-{uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


def _memory(_: pytest.FixtureRequest) -> Subject:
    lake = MemoryReplayLake()

    def contents() -> dict[str, list[str]]:
        return {key: [row.transaction_id] for key, row in lake.rows.items()}

    return Subject(lake, lambda when: lake.fail_next("after" if when == "after" else "before"), contents)


def _s3(request: pytest.FixtureRequest) -> Subject:
    client, name = request.getfixturevalue("s3"), request.getfixturevalue("bucket")

    def contents() -> dict[str, list[str]]:
        keys = [found["Key"] for found in client.list_objects_v2(Bucket=name).get("Contents", ())]
        bodies = {key: BytesIO(client.get_object(Bucket=name, Key=key)["Body"].read()) for key in keys}
        return {
            key: [str(i) for i in pq.read_table(body)["transaction_id"].to_pylist()] for key, body in bodies.items()
        }

    return Subject(S3ReplayLake(client, name), S3Faults(client).fail_next, contents)


@pytest.fixture(params=[_memory, _s3], ids=["memory", "s3"])
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.param(request)
    return made


def a_row(transaction_id: str = "t-1") -> Decision:
    return PLAIN_DECISION._replace(transaction_id=transaction_id)


def test_the_row_stands_alone_in_the_object_of_its_letter(subject: Subject) -> None:
    subject.lake.put(a_row())
    assert subject.contents() == {KEY: ["t-1"]}


def test_what_stands_is_never_written_again(subject: Subject) -> None:
    subject.lake.put(a_row())
    subject.lake.put(a_row("would-overwrite"))
    assert subject.contents() == {KEY: ["t-1"]}


def test_a_put_that_fails_before_it_lands_leaves_nothing(subject: Subject) -> None:
    subject.fail_next("before")
    with pytest.raises(TransientSinkError):
        subject.lake.put(a_row())
    assert subject.contents() == {}


def test_a_put_whose_answer_is_lost_may_be_made_again(subject: Subject) -> None:
    subject.fail_next("after")
    with pytest.raises(TransientSinkError):
        subject.lake.put(a_row())
    subject.lake.put(a_row())
    assert subject.contents() == {KEY: ["t-1"]}


def test_of_many_replays_at_once_one_object_stands(subject: Subject) -> None:
    rows = [a_row(f"t-{n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(subject.lake.put, rows))
    [(key, ids)] = subject.contents().items()
    assert (key, len(ids)) == (KEY, 1)


def test_a_replay_is_no_link_of_the_shards_chain(s3: S3Client, bucket: str) -> None:
    row = a_row()
    S3ReplayLake(s3, bucket).put(row)
    keys = S3Lake(s3, bucket).keys(row.arrival_time.date(), row.stream_epoch, row.shard_id)
    assert (list(keys), is_chunk_key(KEY), is_replay_key(KEY)) == ([], False, True)


def test_a_key_tells_its_position_and_no_other_key_passes_for_one() -> None:
    assert parse_replay_key(KEY) == PLAIN_DECISION.position
    for other in (KEY.replace("replay/", ""), KEY.replace("replay/", "replay/replay/"), KEY + "x", "replay/"):
        assert not is_replay_key(other)
    odd = PLAIN_DECISION.position._replace(stream_epoch=StreamEpoch("replay"), shard_id=ShardId("s"))
    assert parse_replay_key(replay_key(PLAIN_DECISION.arrival_time.date(), odd)) == odd


def test_somebody_elses_object_at_the_key_is_not_taken_for_the_row(s3: S3Client, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"")
    with pytest.raises(PermanentSinkError, match="find out who wrote it"):
        S3ReplayLake(s3, bucket).put(a_row())


def test_a_missing_bucket_is_permanent_and_says_what_to_do(s3: S3Client) -> None:
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        S3ReplayLake(s3, f"nowhere-{uuid4()}").put(a_row())
