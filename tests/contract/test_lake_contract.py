"""What every lake must do, memory and S3 alike; then what only S3 can get wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from structlog.testing import capture_logs

from infra.local.environment import LocalEnvironment
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.lake.keys import shard_prefix
from sinks.lake.s3 import S3Lake
from sinks.port import Lake
from tests.contract.lake_builders import DAY, a_chunk, at
from tests.contract.lake_subjects import LakeSubject, memory_subject, s3_subject
from tests.contract.s3_faults import S3Faults, client_without_retries
from tests.property.chain_stream import EPOCH, OTHER_SHARD, SHARD, a_decision

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.real


@pytest.fixture
def s3(local_environment: LocalEnvironment) -> S3Client:
    return client_without_retries(local_environment)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    name = f"lake-{uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_lake(s3: S3Client, bucket: str) -> S3Lake:
    return S3Lake(s3, bucket)


@pytest.fixture(params=["memory", "s3"])
def subject(request: pytest.FixtureRequest) -> LakeSubject:
    if request.param == "memory":
        return memory_subject()
    return s3_subject(request.getfixturevalue("s3"), request.getfixturevalue("bucket"))


@pytest.fixture
def lake(subject: LakeSubject) -> Lake:
    return subject.lake


def test_a_stored_chunk_answers_with_its_own_footer(lake: Lake) -> None:
    chunk = a_chunk()
    assert lake.put(chunk) == chunk.footer
    assert lake.footer(chunk.key) == chunk.footer


def test_a_chunk_without_rows_is_an_object_like_any_other(lake: Lake) -> None:
    chunk = a_chunk(rows=())
    assert lake.put(chunk) == chunk.footer
    assert lake.footer(chunk.key) == chunk.footer


def test_a_taken_key_answers_with_the_footer_that_stands_there_and_keeps_it(lake: Lake) -> None:
    first, second = a_chunk(end=5, chunk_id="theirs"), a_chunk(end=9, chunk_id="ours")
    lake.put(first)
    assert lake.put(second) == first.footer
    assert lake.footer(first.key) == first.footer


def test_putting_the_same_chunk_again_answers_with_its_own_footer(lake: Lake) -> None:
    chunk = a_chunk()
    lake.put(chunk)
    assert lake.put(chunk) == chunk.footer


def test_where_nothing_stands_there_is_no_footer(lake: Lake) -> None:
    assert lake.footer(a_chunk().key) is None


def test_a_put_that_fails_before_it_lands_leaves_nothing(subject: LakeSubject) -> None:
    chunk = a_chunk()
    subject.fail_next("before")
    with pytest.raises(TransientSinkError):
        subject.lake.put(chunk)
    assert subject.lake.footer(chunk.key) is None
    assert subject.lake.put(chunk) == chunk.footer


def test_a_put_whose_answer_is_lost_is_found_again_as_ones_own(subject: LakeSubject) -> None:
    chunk = a_chunk()
    subject.fail_next("after")
    with pytest.raises(TransientSinkError):
        subject.lake.put(chunk)
    assert subject.lake.put(chunk) == chunk.footer


def test_keys_are_those_of_one_day_one_epoch_and_one_shard_in_order(lake: Lake) -> None:
    chunks = [a_chunk(first=number, end=number) for number in (10, 9, 100)]
    stranger = a_decision(at(1)._replace(shard_id=OTHER_SHARD))
    next_day = a_chunk(first=200, end=200, day=DAY + timedelta(days=1))
    for chunk in [
        *chunks,
        next_day,
        a_chunk()._replace(key=a_chunk().key.replace(SHARD, OTHER_SHARD), rows=(stranger,)),
    ]:
        lake.put(chunk)
    assert list(lake.keys(DAY, EPOCH, SHARD)) == [chunks[1].key, chunks[0].key, chunks[2].key]
    assert list(lake.keys(next_day_of := DAY + timedelta(days=1), EPOCH, SHARD)) == [next_day.key]
    assert list(lake.keys(next_day_of + timedelta(days=1), EPOCH, SHARD)) == []


def test_objects_of_others_under_the_shards_prefix_are_no_chunks(subject: LakeSubject) -> None:
    chunk, prefix = a_chunk(), shard_prefix(DAY, EPOCH, SHARD)
    subject.lake.put(chunk)
    for name in ("", "_SUCCESS", "copy.parquet", f"backup/{chunk.key.removeprefix(prefix)}", "0-0.parquet"):
        subject.put_foreign(prefix + name)
    assert list(subject.lake.keys(DAY, EPOCH, SHARD)) == [chunk.key]


def test_a_listing_warns_once_of_objects_of_others(s3_lake: S3Lake, s3: S3Client, bucket: str) -> None:
    prefix = shard_prefix(DAY, EPOCH, SHARD)
    for name in ("", "notes.txt"):
        s3.put_object(Bucket=bucket, Key=prefix + name, Body=b"")
    with capture_logs() as logs:
        assert list(s3_lake.keys(DAY, EPOCH, SHARD)) == []
    assert [(log["log_level"], log["event"], log["first_key"], log["objects"]) for log in logs] == [
        ("warning", "foreign_objects_ignored", prefix, 2)
    ]


def test_of_many_who_put_at_one_key_at_once_one_wins_and_all_learn_who(lake: Lake) -> None:
    chunks = [a_chunk(end=number, chunk_id=f"chunk-{number}") for number in range(1, 9)]
    with ThreadPoolExecutor(len(chunks)) as threads:
        footers = set(threads.map(lake.put, chunks))
    assert len(footers) == 1
    assert lake.footer(chunks[0].key) in footers


def test_s3_lists_more_keys_than_fit_a_page(s3_lake: S3Lake, s3: S3Client, bucket: str) -> None:
    keys = [a_chunk(first=number).key for number in range(1001)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    assert list(s3_lake.keys(DAY, EPOCH, SHARD)) == keys


def test_s3_holds_a_parquet_file_of_the_rows_with_ascii_metadata(s3_lake: S3Lake, s3: S3Client, bucket: str) -> None:
    chunk = a_chunk(rows=(a_decision(at(1), "tx-1"), a_decision(at(2), "tx-2")))
    s3_lake.put(chunk)
    found = s3.get_object(Bucket=bucket, Key=chunk.key)
    assert pq.read_table(BytesIO(found["Body"].read())).column("transaction_id").to_pylist() == ["tx-1", "tx-2"]
    assert found["Metadata"] == {
        "chunk-id": "chunk-1",
        "end-sequence-number": "9",
        "end-sub-sequence": "3",
        "rows": "2",
        "schema-version": "decisions/1",
    }


def test_botocores_own_retry_of_a_put_that_had_landed_is_no_conflict(
    local_environment: LocalEnvironment, bucket: str
) -> None:
    client = local_environment.client("s3")
    S3Faults(client).fail_next("after", 500, "InternalError")
    chunk = a_chunk()
    assert S3Lake(client, bucket).put(chunk) == chunk.footer


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "ConditionalRequestConflict"), (500, "InternalError"), (503, "SlowDown"), (400, "RequestTimeout")],
)
def test_what_passes_by_itself_is_transient(s3_lake: S3Lake, s3: S3Client, status: int, code: str) -> None:
    S3Faults(s3).fail_next("before", status, code)
    with pytest.raises(TransientSinkError, match=code) as caught:
        s3_lake.put(a_chunk())
    assert isinstance(caught.value.__cause__, ClientError)


def test_a_412_with_nothing_behind_it_is_transient(s3_lake: S3Lake, s3: S3Client) -> None:
    S3Faults(s3).fail_next("before", 412, "PreconditionFailed")
    with pytest.raises(TransientSinkError, match="nothing is there"):
        s3_lake.put(a_chunk())


def test_a_denied_put_is_permanent_and_says_what_to_grant(s3_lake: S3Lake, s3: S3Client) -> None:
    S3Faults(s3).fail_next("before", 403, "AccessDenied")
    with pytest.raises(PermanentSinkError, match="grant the role s3:PutObject"):
        s3_lake.put(a_chunk())


def test_a_denied_look_is_permanent_and_is_not_taken_for_nothing_there(s3_lake: S3Lake, s3: S3Client) -> None:
    S3Faults(s3, "HeadObject").fail_next("before", 403, "403")
    with pytest.raises(PermanentSinkError, match="grant the role"):
        s3_lake.footer(a_chunk().key)


def test_what_botocore_refuses_to_send_is_permanent(s3: S3Client) -> None:
    with pytest.raises(PermanentSinkError, match="cannot be asked to write"):
        S3Lake(s3, "not a bucket's name").put(a_chunk())


def test_a_missing_bucket_is_permanent_and_says_what_to_do(s3: S3Client) -> None:
    lake = S3Lake(s3, f"nowhere-{uuid4()}")
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        lake.put(a_chunk())
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        lake.keys(DAY, EPOCH, SHARD)


def test_an_unreachable_endpoint_is_transient(local_environment: LocalEnvironment) -> None:
    lake = S3Lake(client_without_retries(local_environment, "http://127.0.0.1:9"), "lake")
    with pytest.raises(TransientSinkError, match="cannot be reached to write"):
        lake.put(a_chunk())


@pytest.mark.parametrize("end", ["", "no number", "0"])
def test_an_object_that_does_not_say_where_it_ends_stops_the_shard(
    s3_lake: S3Lake, s3: S3Client, bucket: str, end: str
) -> None:
    chunk = a_chunk()
    metadata = {
        "chunk-id": "x",
        "end-sequence-number": end,
        "end-sub-sequence": "0",
        "rows": "0",
        "schema-version": "1",
    }
    s3.put_object(Bucket=bucket, Key=chunk.key, Body=b"", Metadata=metadata if end else {})
    with pytest.raises(PermanentSinkError, match="find out who wrote it"):
        s3_lake.put(chunk)
