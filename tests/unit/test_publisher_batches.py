from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.backoff import Backoff
from producers.batches import BatchLimits, plan
from producers.errors import RecordTooLargeError
from producers.records import PAUSE, OutgoingRecord, Pause

_LIMITS = st.builds(
    BatchLimits,
    records=st.integers(1, 12),
    request_bytes=st.integers(30, 90),
    record_bytes=st.integers(25, 30),
    has_unique_keys=st.booleans(),
)
_RECORDS = st.builds(OutgoingRecord, st.binary(max_size=20), st.sampled_from(["a", "b", "é", "long"]))


@given(st.lists(st.one_of(_RECORDS, st.just(PAUSE))), _LIMITS)
def test_every_record_travels_once_and_in_order(source: list[OutgoingRecord | Pause], limits: BatchLimits) -> None:
    batches = list(plan(source, limits))

    assert [record for batch in batches for record in batch] == [r for r in source if not isinstance(r, Pause)]


@given(st.lists(_RECORDS), _LIMITS)
def test_no_request_breaks_a_limit_and_none_is_empty(records: list[OutgoingRecord], limits: BatchLimits) -> None:
    for batch in plan(records, limits):
        assert 1 <= len(batch) <= limits.records
        assert sum(record.size_bytes for record in batch) <= limits.request_bytes
        if limits.has_unique_keys:
            assert len({record.partition_key for record in batch}) == len(batch)


@given(st.lists(_RECORDS), _LIMITS)
def test_a_request_is_closed_only_when_the_next_record_does_not_fit(
    records: list[OutgoingRecord], limits: BatchLimits
) -> None:
    for batch, following in pairwise(plan(records, limits)):
        together = [*batch, following[0]]
        assert (
            len(together) > limits.records
            or sum(record.size_bytes for record in together) > limits.request_bytes
            or (limits.has_unique_keys and following[0].partition_key in {r.partition_key for r in batch})
        )


def test_a_pause_sends_what_is_there() -> None:
    one, two = OutgoingRecord(b"1", "k"), OutgoingRecord(b"2", "k")

    assert list(plan([PAUSE, one, PAUSE, PAUSE, two], BatchLimits())) == [[one], [two]]


def test_the_largest_record_fits_and_one_byte_more_is_refused_after_what_came_before() -> None:
    limits = BatchLimits()
    largest = OutgoingRecord(b"x" * (limits.record_bytes - 2), "é")
    too_large = OutgoingRecord(largest.data + b"x", "é")

    assert list(plan([largest], limits)) == [[largest]]
    batches = plan([largest, too_large], limits)
    assert next(batches) == [largest]
    with pytest.raises(RecordTooLargeError, match="MaxRecordSizeInKiB"):
        next(batches)


def test_planning_reads_no_further_than_it_must() -> None:
    taken: list[int] = []

    def source() -> Iterator[OutgoingRecord]:
        for number in range(10):
            taken.append(number)
            yield OutgoingRecord(b"%d" % number, "k")

    next(plan(source(), BatchLimits(records=3)))

    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "limits", [{"records": 0}, {"records": 501}, {"record_bytes": 0}, {"record_bytes": 11, "request_bytes": 10}]
)
def test_limits_that_kinesis_would_not_take_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        BatchLimits(**limits)  # type: ignore[arg-type]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_delay_lies_between_nothing_and_the_doubled_base_and_never_above_the_cap(attempt: int, draw: float) -> None:
    delay_s = Backoff(base_s=0.1, cap_s=2.0).delay_s(attempt, draw)

    assert 0 <= delay_s <= min(2.0, 0.1 * 2 ** min(attempt, 50))


def test_the_delay_follows_the_draw() -> None:
    backoff = Backoff(base_s=0.1, cap_s=2.0)

    assert [backoff.delay_s(attempt, 0.5) for attempt in (0, 1, 2, 10)] == [0.05, 0.1, 0.2, 1.0]


@pytest.mark.parametrize(("base_s", "cap_s"), [(0, 1), (2, 1), (-1, 1)])
def test_a_backoff_that_does_not_wait_is_refused(base_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError, match="base"):
        Backoff(base_s, cap_s)
