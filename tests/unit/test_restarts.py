from __future__ import annotations

import pytest

from consumer.policies.restarts import RestartHistory, RestartPolicy


def test_restarts_are_allowed_up_to_the_bound_and_no_further() -> None:
    policy, history = RestartPolicy(max_restarts=2, window_s=100.0), RestartHistory()

    for now_s in (10.0, 11.0):
        assert policy.allows(history, now_s)
        history = policy.after_restart(history, now_s)

    assert not policy.allows(history, 12.0)


def test_a_restart_counts_until_the_window_has_passed() -> None:
    policy = RestartPolicy(max_restarts=1, window_s=100.0)
    history = policy.after_restart(RestartHistory(), 10.0)

    assert not policy.allows(history, 109.9)
    assert policy.allows(history, 110.0)


def test_the_window_slides_over_each_restart_by_itself() -> None:
    policy = RestartPolicy(max_restarts=2, window_s=100.0)
    history = RestartHistory((10.0, 90.0))

    assert policy.allows(history, 111.0)
    assert not policy.allows(policy.after_restart(history, 111.0), 112.0)


def test_the_history_keeps_only_what_counts() -> None:
    policy = RestartPolicy(max_restarts=2, window_s=100.0)

    assert policy.after_restart(RestartHistory((1.0, 2.0, 95.0)), 150.0) == RestartHistory((95.0, 150.0))


def test_a_bound_of_zero_allows_nothing() -> None:
    assert not RestartPolicy(max_restarts=0).allows(RestartHistory(), 0.0)


@pytest.mark.parametrize(("max_restarts", "window_s"), [(-1, 1.0), (1, 0.0), (1, -5.0)])
def test_a_bound_that_cannot_be_kept_is_refused(max_restarts: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="max_restarts"):
        RestartPolicy(max_restarts, window_s)
