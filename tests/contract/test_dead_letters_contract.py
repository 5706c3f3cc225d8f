"""What every place for dead letters must do, memory and S3 alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from infra.local.environment import LocalEnvironment
from sinks.dead_letters.documents import document_of
from sinks.dead_letters.keys import day_prefix, dead_letter_key, letter_id, parse_letter_id
from sinks.dead_letters.memory import MemoryDeadLetters
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.errors import DamagedLetterError, PermanentSinkError, TransientSinkError
from sinks.port import DeadLetterArchive, DeadLetters, Delivery
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
    """A place for dead letters, how to make its next write fail without a trace, and how somebody else puts an object there."""

    dead_letters: MemoryDeadLetters | S3DeadLetters
    fail_next: Callable[[], None]
    put_object: Callable[[str, bytes], object]


def _memory(_: pytest.FixtureRequest) -> Subject:
    dead_letters = MemoryDeadLetters()
    return Subject(dead_letters, dead_letters.fail_next, dead_letters.documents.__setitem__)


def _s3(request: pytest.FixtureRequest) -> Subject:
    client, bucket = request.getfixturevalue("s3"), request.getfixturevalue("bucket")
    faults = S3Faults(client)

    def put_object(key: str, body: bytes) -> None:
        client.put_object(Bucket=bucket, Key=key, Body=body)

    return Subject(S3DeadLetters(client, bucket), lambda: faults.fail_next("before"), put_object)


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


def test_a_letter_is_found_again_by_its_record(subject: Subject) -> None:
    letter = a_letter(raw=b"\x00\xff")
    subject.dead_letters.put(letter)
    archive: DeadLetterArchive = subject.dead_letters
    assert archive.find(Delivery(letter.position, letter.arrival_time)) == letter
    assert archive.find(Delivery(letter.position._replace(sub_sequence=9), letter.arrival_time)) is None


def test_what_is_no_letter_of_the_record_is_damaged(subject: Subject) -> None:
    one, other = a_letter(1), a_letter(2)
    for body in (b"", b"{}", document_of(other)):
        subject.put_object(dead_letter_key(one), body)
        with pytest.raises(DamagedLetterError):
            subject.dead_letters.find(Delivery(one.position, one.arrival_time))


def test_objects_that_are_no_letters_are_left_out(subject: Subject) -> None:
    letter = a_letter()
    subject.dead_letters.put(letter)
    for key in ("dead-letters/v1/", "dead-letters/v1/dt=2026-03-01/notes.json", dead_letter_key(letter) + ".bak"):
        subject.put_object(key, b"")
    assert (list(subject.dead_letters.letters()), subject.dead_letters.count()) == ([letter], 1)


def test_an_id_is_read_back_from_itself_and_from_keys_and_addresses() -> None:
    letter = a_letter(7)
    key = dead_letter_key(letter)
    for text in (letter_id(letter.position), key, f"s3://bucket/{key}"):
        assert parse_letter_id(text) == letter.position
    for text in ("", "a/b", "a/b/c-d", "7-0", "a/b/7"):
        with pytest.raises(ValueError, match="not the id of a dead letter"):
            parse_letter_id(text)


@pytest.mark.parametrize("status", [409, 500])
def test_an_answer_that_is_lost_or_unclear_is_transient_and_the_first_letter_stands(
    s3: S3Client, bucket: str, status: int
) -> None:
    dead_letters = S3DeadLetters(s3, bucket)
    S3Faults(s3).fail_next("after", status, "ConditionalRequestConflict" if status == 409 else "InternalError")
    with pytest.raises(TransientSinkError):
        dead_letters.put(a_letter(message="first verdict"))
    dead_letters.put(a_letter(message="second verdict"))
    assert [letter.errors[0].message for letter in dead_letters.letters()] == ["first verdict"]


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
