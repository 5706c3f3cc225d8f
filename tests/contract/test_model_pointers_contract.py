"""What pointers must do, over memory and S3 alike: move only over what was seen, and say who was quicker."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumer.models.errors import DamagedObject, PointerMoved
from consumer.models.layout import Pointer, PointerName, pointer_key
from consumer.models.objects import Tag
from infra.local.environment import LocalEnvironment
from sinks.errors import PermanentSinkError, TransientSinkError
from tests.contract.model_subjects import ModelSubject, a_move, memory_subject, s3_subject
from tests.contract.s3_faults import S3Faults, client_without_retries

pytestmark = pytest.mark.real
ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


@pytest.fixture(params=["memory", "s3"])
def subject(request: pytest.FixtureRequest) -> ModelSubject:
    if request.param == "memory":
        return memory_subject()
    environment: LocalEnvironment = request.getfixturevalue("local_environment")
    return s3_subject(client_without_retries(environment))


def test_a_pointer_that_nobody_moved_points_at_nothing(subject: ModelSubject) -> None:
    assert subject.pointers.read("production") == (None, None)
    assert subject.pointers.read("production").digest is None


def test_a_move_is_read_back_with_who_when_and_what_was_before(subject: ModelSubject) -> None:
    first = subject.pointers.move("production", ONE, "m-1", a_move(), subject.pointers.read("production"))
    second = subject.pointers.move("production", TWO, "m-2", a_move("bob", 2), subject.pointers.read("production"))
    assert first == Pointer(digest=ONE, version="m-1", previous=None, **a_move().model_dump())
    assert subject.pointers.read("production").pointer == second
    assert (second.digest, second.version, second.previous, second.moved_by) == (TWO, "m-2", ONE, "bob")
    assert subject.pointers.read("shadow").pointer is None


@pytest.mark.parametrize("name", ["production", "shadow", "policy"])
def test_a_pointer_is_a_small_json_document(subject: ModelSubject, name: PointerName) -> None:
    subject.pointers.move(name, ONE, "m-1", a_move(), subject.pointers.read(name))
    stored = subject.objects.read(f"models/v1/channels/{name}.json")
    assert stored is not None
    assert json.loads(stored.body) == {
        "digest": ONE, "version": "m-1", "moved_at": "2026-03-01T12:00:01Z", "moved_by": "ann", "previous": None,
        "move_id": "ann-1",
    }  # fmt: skip


def test_a_pointer_may_point_at_nothing_again(subject: ModelSubject) -> None:
    subject.pointers.move("policy", ONE, "p-1", a_move(), subject.pointers.read("policy"))
    subject.pointers.move("policy", None, None, a_move("bob", 2), subject.pointers.read("policy"))
    pointer = subject.pointers.read("policy").pointer
    assert pointer is not None
    assert (pointer.digest, pointer.previous) == (None, ONE)


def test_a_lost_race_says_who_won_it_and_changes_nothing(subject: ModelSubject) -> None:
    before = subject.pointers.read("production")
    subject.pointers.move("production", ONE, "m-1", a_move("ann"), before)
    with pytest.raises(PointerMoved, match=r"production was moved meanwhile, to m-1, by ann at 2026-03-01 12:00:01Z"):
        subject.pointers.move("production", TWO, "m-2", a_move("bob"), before)
    seen = subject.pointers.read("production")
    subject.pointers.move("production", THREE, "m-3", a_move("cat"), seen)
    with pytest.raises(PointerMoved, match="to m-3, by cat"):
        subject.pointers.move("production", TWO, "m-2", a_move("bob"), seen)
    assert subject.pointers.read("production").digest == THREE


def test_moving_back_and_forth_meanwhile_is_a_lost_race_too(subject: ModelSubject) -> None:
    subject.pointers.move("production", ONE, "m-1", a_move("ann", 1), subject.pointers.read("production"))
    seen = subject.pointers.read("production")
    for number, digest in enumerate((TWO, ONE), start=2):
        subject.pointers.move("production", digest, "m", a_move("ann", number), subject.pointers.read("production"))
    with pytest.raises(PointerMoved):
        subject.pointers.move("production", THREE, "m-3", a_move("bob"), seen)


def test_of_many_at_once_exactly_one_moves_it(subject: ModelSubject) -> None:
    seen = subject.pointers.read("production")

    def move(number: int) -> str | None:
        try:
            return subject.pointers.move("production", ONE, "m", a_move("many", number), seen).move_id
        except (PointerMoved, TransientSinkError):
            return None

    with ThreadPoolExecutor(4) as pool:
        winners = [won for won in pool.map(move, range(8)) if won]
    pointer = subject.pointers.read("production").pointer
    assert pointer is not None
    assert winners == [pointer.move_id]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_transient_and_another_try_sees_what_stands(subject: ModelSubject, when: str) -> None:
    seen = subject.pointers.read("production")
    subject.fail_next(when)
    with pytest.raises(TransientSinkError):
        subject.pointers.move("production", ONE, "m-1", a_move(), seen)
    assert subject.pointers.read("production").digest == (ONE if when == "after" else None)


def test_a_move_that_was_repeated_underneath_finds_itself(subject: ModelSubject) -> None:
    seen = subject.pointers.read("production")
    subject.pointers.move("production", ONE, "m-1", a_move(), seen)
    assert subject.pointers.move("production", ONE, "m-1", a_move(), seen).digest == ONE


def test_what_is_no_pointer_is_named_and_not_overwritten_unseen(subject: ModelSubject) -> None:
    for body in (b"", b"{}", b'{"digest": "abc"}', b"[1]"):
        subject.force(pointer_key("production"), body)
        with pytest.raises(DamagedObject, match=r"channels/production\.json: it is no pointer"):
            subject.pointers.read("production")


def test_a_pointer_deleted_meanwhile_is_told(subject: ModelSubject) -> None:
    subject.pointers.move("production", ONE, "m-1", a_move(), subject.pointers.read("production"))
    seen = subject.pointers.read("production")
    subject.force(pointer_key("production"), None)
    with pytest.raises(DamagedObject, match="deleted meanwhile"):
        subject.pointers.move("production", TWO, "m-2", a_move("bob", 2), seen)


def test_a_write_goes_only_over_the_tag_that_was_seen(subject: ModelSubject) -> None:
    objects = subject.objects
    assert objects.write("k", b"one", None)
    assert not objects.write("k", b"two", None)
    assert not objects.write("k", b"two", Tag('"' + "0" * 32 + '"'))
    assert not objects.write("other", b"two", Tag('"' + "0" * 32 + '"'))
    stored = objects.read("k")
    assert stored is not None
    assert objects.write("k", b"two", stored.tag)
    assert (objects.read("k") or stored).body == b"two"
    assert objects.read("other") is None


@pytest.mark.parametrize(("status", "code"), [(409, "ConditionalRequestConflict"), (503, "SlowDown")])
def test_s3_being_busy_is_transient(local_environment: LocalEnvironment, status: int, code: str) -> None:
    client = client_without_retries(local_environment)
    subject = s3_subject(client)
    S3Faults(client).fail_next("before", status, code)
    with pytest.raises(TransientSinkError):
        subject.objects.write("k", b"", None)
    S3Faults(client, "GetObject").fail_next("before", status, code)
    with pytest.raises(TransientSinkError):
        subject.objects.read("k")


def test_a_refused_permission_is_permanent_and_names_it(local_environment: LocalEnvironment) -> None:
    client = client_without_retries(local_environment)
    subject = s3_subject(client)
    S3Faults(client).fail_next("before", 403, "AccessDenied")
    with pytest.raises(PermanentSinkError, match="s3:PutObject"):
        subject.objects.write("k", b"", None)
