from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from producers.batches import MAX_RECORD_BYTES
from producers.keys import keyed_record
from producers.simulator.hostile import HostileEvent, hostile_events
from schemas.decode import EventTimeBounds, InvalidRecord, Unknown, decode
from schemas.transaction import Transaction

_NOW = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)


@cache
def some_events(seed: int = 1) -> dict[str, HostileEvent]:
    return {hostile.kind: hostile for hostile in hostile_events(seed, _NOW)}


def judge(data: bytes) -> Transaction:
    transaction = decode(data, Unknown())
    EventTimeBounds().check(transaction.event_time, _NOW + timedelta(seconds=1))
    return transaction


_REFUSED = [h.kind for h in some_events().values() if h.reason not in {None, "conflicting_resend"}]
_READABLE = [h.kind for h in some_events().values() if h.reason in {None, "conflicting_resend"}]


@pytest.mark.parametrize("kind", sorted(_REFUSED))
def test_a_bad_record_is_refused_for_the_reason_foretold_with_every_field(kind: str) -> None:
    hostile = some_events()[kind]

    with pytest.raises(InvalidRecord) as caught:
        judge(hostile.data)

    assert caught.value.reason == hostile.reason
    if hostile.fields:
        assert {error.field for error in caught.value.errors} == set(hostile.fields)


@pytest.mark.parametrize("kind", sorted(_READABLE))
def test_an_oddity_is_read(kind: str) -> None:
    assert judge(some_events()[kind].data).transaction_id


def test_every_kind_comes_once_and_there_are_many_of_them() -> None:
    kinds = [hostile.kind for hostile in hostile_events(1, _NOW)]

    assert len(kinds) == len(set(kinds))
    assert len(_REFUSED) >= 35
    assert len(_READABLE) >= 20


def test_equal_seeds_give_equal_events_and_another_seed_another_order_and_other_ids() -> None:
    assert list(hostile_events(1, _NOW)) == list(hostile_events(1, _NOW))
    kinds = [[hostile.kind for hostile in hostile_events(seed, _NOW)] for seed in (1, 2)]
    assert kinds[0] != kinds[1]
    assert sorted(kinds[0]) == sorted(kinds[1])
    ids = [{judge(some_events(seed)[kind].data).transaction_id for kind in _READABLE} for seed in (1, 2)]
    assert not ids[0] & ids[1]


def test_what_must_be_decided_has_an_identity_of_its_own_but_for_resends() -> None:
    readable = [judge(some_events()[kind].data) for kind in _READABLE if "resen" not in kind and "conflict" not in kind]

    assert len({transaction.transaction_id for transaction in readable}) == len(readable)


@pytest.mark.parametrize(
    ("first", "second", "same_time", "same_content"),
    [
        ("resent_later", "exact_resend", True, True),
        ("resent_later_with_other_amount", "conflicting_amount", True, False),
        ("resent_later_with_other_time", "conflicting_time", False, False),
    ],
)
def test_resends_follow_what_they_repeat(
    first: str,
    second: str,
    same_time: bool,
    same_content: bool,
) -> None:
    one, other = judge(some_events()[first].data), judge(some_events()[second].data)

    kinds = list(some_events())
    assert kinds.index(first) < kinds.index(second)
    assert one.transaction_id == other.transaction_id
    assert (one.event_time == other.event_time) is same_time
    assert (one.content_hash == other.content_hash) is (same_content or not same_time)


def test_every_one_fits_into_a_line_and_into_a_record() -> None:
    for hostile in some_events().values():
        assert b"\n" not in hostile.data
        assert keyed_record(hostile.data).size_bytes <= MAX_RECORD_BYTES


def test_the_largest_have_900_kb() -> None:
    assert max(len(hostile.data) for hostile in some_events().values()) > 900_000
