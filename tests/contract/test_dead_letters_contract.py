"""What every place for dead letters must do, memory and S3 alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from infra.local.environment import LocalEnvironment
from sinks.dead_letters.keys import day_prefix
from sinks.dead_letters.memory import MemoryDeadLetters
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.port import DeadLetters
from tests.contract.lake_builders import a_letter
from tests.contract.s3_faults import S3Faults, client_without_retries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.real


@pytest.fixture
def s3(local_environment: LocalEnvironment) -> S3Client:
    return client_without_retries(local_environment)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    name = f"dead-letters-{uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


@dataclass
class Subject:
    """A place for dead letters, and how to make its next write fail without a trace."""

    dead_letters: MemoryDeadLetters | S3DeadLetters
    fail_next: Callable[[], None]


def _memory(_: pytest.FixtureRequest) -> Subject:
    dead_letters = MemoryDeadLetters()
    return Subject(dead_letters, dead_letters.fail_next)


def _s3(request: pytest.FixtureRequest) -> Subject:
    client = request.getfixturevalue("s3")
    faults = S3Faults(client)
    return Subject(S3DeadLetters(client, request.getfixturevalue("bucket")), lambda: faults.fail_next("before"))


@pytest.fixture(params=[_memory, _s3], ids=["memory", "s3"])
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.param(request)
    return made


def test_a_letter_comes_back_as_it_was_written_raw_bytes_included(subject: Subject) -> None:
    letter = a_letter(raw=bytes(range(256)) * 4)
    port: DeadLetters = subject.dead_letters
    port.put(letter)
    assert list(subject.dead_letters.letters()) == [letter]


def test_the_first_letter_of_a_position_stands(subject: Subject) -> None:
    subject.dead_letters.put(a_letter(message="first verdict"))
    subject.dead_letters.put(a_letter(message="second verdict"))
    assert [letter.errors[0].message for letter in subject.dead_letters.letters()] == ["first verdict"]


def test_letters_come_in_order_of_their_positions(subject: Subject) -> None:
    for number in (100, 9, 10):
        subject.dead_letters.put(a_letter(number))
    assert [letter.sequence_number for letter in subject.dead_letters.letters()] == ["9", "10", "100"]
    assert subject.dead_letters.count() == 3


def test_letters_can_be_asked_for_by_day_of_arrival(subject: Subject) -> None:
    subject.dead_letters.put(a_letter())
    day = date(2026, 3, 1)
    assert subject.dead_letters.count(day_prefix(day)) == 1
    assert subject.dead_letters.count(day_prefix(day + timedelta(days=1))) == 0
    assert list(subject.dead_letters.letters(day_prefix(day + timedelta(days=1)))) == []


def test_a_write_that_fails_is_transient_and_leaves_nothing(subject: Subject) -> None:
    subject.fail_next()
    with pytest.raises(TransientSinkError):
        subject.dead_letters.put(a_letter())
    assert subject.dead_letters.count() == 0
    subject.dead_letters.put(a_letter())
    assert subject.dead_letters.count() == 1


def test_a_missing_bucket_is_permanent_and_says_what_to_do(s3: S3Client) -> None:
    dead_letters = S3DeadLetters(s3, f"nowhere-{uuid4()}")
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        dead_letters.put(a_letter())
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        dead_letters.count()


def test_a_letter_stands_under_day_epoch_shard_and_padded_position(s3: S3Client, bucket: str) -> None:
    S3DeadLetters(s3, bucket).put(a_letter(7))
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    place = f"20260301T000000Z/shardId-000000000000/{'7':0>64}-0000000002.json"
    assert found["Key"] == f"dead-letters/v1/dt=2026-03-01/{place}"
