from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.policies.quarantine import QuarantineBrake, QuarantineLimitExceeded, QuarantinePolicy, Verdict

REFUSED, DECIDED = Verdict(is_refused=True), Verdict(is_refused=False)
POLICY = QuarantinePolicy(max_consecutive=5, max_ratio=0.5, window=8)


def test_refusals_in_a_row_stop_the_worker() -> None:
    brake = QuarantineBrake(POLICY)
    brake.observe([REFUSED] * 4)
    brake.observe([DECIDED])
    brake.observe([REFUSED] * 2)
    with pytest.raises(QuarantineLimitExceeded, match="FRAUDSTREAM_QUARANTINE_MAX_CONSECUTIVE"):
        brake.observe([REFUSED] * 3)


def test_the_ratio_counts_only_over_a_full_window() -> None:
    brake = QuarantineBrake(POLICY)
    brake.observe([REFUSED, REFUSED, REFUSED, DECIDED, REFUSED, DECIDED, REFUSED])
    with pytest.raises(QuarantineLimitExceeded):
        brake.observe([REFUSED])


def test_what_was_refused_before_counts_but_does_not_stop() -> None:
    brake = QuarantineBrake(POLICY)
    brake.observe([Verdict(is_refused=True, is_new=False)] * 6)
    with pytest.raises(QuarantineLimitExceeded):
        brake.observe([REFUSED])


def test_a_check_remembers_nothing() -> None:
    brake = QuarantineBrake(POLICY)
    for _ in range(3):
        brake.check([REFUSED] * 4)
    with pytest.raises(QuarantineLimitExceeded):
        brake.check([REFUSED] * 5)


@given(st.lists(st.booleans(), max_size=60))
def test_the_brake_stops_exactly_where_the_policy_says(verdicts: list[bool]) -> None:
    def is_over(upto: int) -> bool:
        last = verdicts[max(0, upto - 8) : upto]
        in_a_row = upto >= 5 and all(verdicts[upto - 5 : upto])
        return verdicts[upto - 1] and (in_a_row or (len(last) == 8 and sum(last) > 4))

    expected = next((n for n in range(1, len(verdicts) + 1) if is_over(n)), None)
    brake, stopped = QuarantineBrake(POLICY), None
    for number, verdict in enumerate(verdicts, 1):
        try:
            brake.observe([Verdict(verdict)])
        except QuarantineLimitExceeded:
            stopped = number
            break
    assert stopped == expected


@given(st.lists(st.integers(0, 12) | st.just(None), max_size=20))
def test_verdicts_that_refuse_nothing_count_at_once_as_they_do_one_by_one(steps: list[int | None]) -> None:
    at_once, one_by_one = QuarantineBrake(POLICY), QuarantineBrake(POLICY)
    before = Verdict(is_refused=True, is_new=False)
    for decided in steps:
        if decided is None:
            at_once.observe([before])
            one_by_one.observe([before])
        else:
            at_once.release(decided)
            one_by_one.observe([DECIDED] * decided)
        assert at_once == one_by_one
