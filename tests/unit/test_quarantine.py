from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.policies.quarantine import QuarantineBrake, QuarantineLimitExceeded, QuarantinePolicy

POLICY = QuarantinePolicy(max_consecutive=5, max_ratio=0.5, window=8)


def test_refusals_in_a_row_stop_the_worker() -> None:
    brake = QuarantineBrake(POLICY)
    brake.observe([True] * 4)
    brake.observe([False])
    brake.observe([True] * 2)
    with pytest.raises(QuarantineLimitExceeded, match="FRAUDSTREAM_QUARANTINE_MAX_CONSECUTIVE"):
        brake.observe([True] * 3)


def test_the_ratio_counts_only_over_a_full_window() -> None:
    brake = QuarantineBrake(POLICY)
    brake.observe([True, True, True, False, True, True, False])
    with pytest.raises(QuarantineLimitExceeded):
        brake.observe([False])


@given(st.lists(st.booleans(), max_size=60))
def test_the_brake_stops_exactly_where_the_policy_says(verdicts: list[bool]) -> None:
    def is_over(upto: int) -> bool:
        last = verdicts[max(0, upto - 8) : upto]
        in_a_row = upto >= 5 and all(verdicts[upto - 5 : upto])
        return in_a_row or (len(last) == 8 and sum(last) > 4)

    expected = next((n for n in range(1, len(verdicts) + 1) if is_over(n)), None)
    brake, stopped = QuarantineBrake(POLICY), None
    for number, verdict in enumerate(verdicts, 1):
        try:
            brake.observe([verdict])
        except QuarantineLimitExceeded:
            stopped = number
            break
    assert stopped == expected
