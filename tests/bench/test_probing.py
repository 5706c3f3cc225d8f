from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from consumer.bench.line import fit
from consumer.bench.loader import Group, Order, schedule, take_overdue
from consumer.bench.probing import Look, Mark, Stretch, highest_rate
from consumer.bench.sampling import Machine


def a_mark(at_s: float, processed: int, cpu_s: float, busy_s: float) -> Mark:
    return Mark(at_s, processed, {"java": cpu_s, "workers": 2 * cpu_s}, Machine(busy_s, 0.0, 0.0))


def a_stretch(backlogs: list[int], rate: float = 1_000.0) -> Stretch:
    looks = tuple(Look(float(at_s), backlog) for at_s, backlog in enumerate(backlogs))
    return Stretch(rate, looks, a_mark(2, 1_000, 1.0, 10.0), a_mark(12, 11_000, 2.0, 16.0))


def capacity(rate: float, asked: list[float]) -> Callable[[float], bool]:
    def is_bounded(tried: float) -> bool:
        asked.append(tried)
        return tried <= rate

    return is_bounded


@pytest.mark.parametrize("first", [100.0, 900.0, 1_000.0, 5_000.0])
def test_the_search_ends_just_below_the_breaking_point(first: float) -> None:
    asked: list[float] = []
    found = highest_rate(capacity(1_000, asked), first, 1.5, 1.05, 20)
    assert 1_000 / 1.05 <= found <= 1_000
    assert len(asked) < 20


def test_the_search_gives_up_where_nothing_is_bounded() -> None:
    assert highest_rate(lambda _: False, 1_000, 2.0, 1.1, 5) == 0


def test_the_search_gives_the_best_of_what_it_had_time_to_try() -> None:
    asked: list[float] = []
    assert highest_rate(capacity(1_000, asked), 100, 2.0, 1.1, 3) == 400
    assert asked == [100, 200, 400]


def test_a_backlog_that_stays_small_is_bounded() -> None:
    assert a_stretch([0, 400, 300, 420, 380, 410, 390]).is_bounded


def test_a_backlog_that_grows_to_its_end_is_not_bounded() -> None:
    stretch = a_stretch([0, 200, 400, 600, 800, 1_000, 1_200])
    assert stretch.growth == pytest.approx(0.2)
    assert not stretch.is_bounded


def test_a_large_backlog_is_not_bounded_however_steady() -> None:
    assert not a_stretch([5_000] * 8).is_bounded


def test_only_the_second_half_of_a_stretch_counts() -> None:
    assert a_stretch([0, 5_000, 4_000, 300, 300, 310, 290]).is_bounded


def test_cpu_is_told_by_record_and_apart_from_what_others_use() -> None:
    stretch = a_stretch([0, 0])
    assert stretch.cpu_us == pytest.approx({"java": 100.0, "workers": 200.0})
    assert stretch.our_cores == pytest.approx(0.3)
    assert stretch.other_cores == pytest.approx(0.3)


def test_a_line_through_points_has_their_slope_and_mean() -> None:
    line = fit([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])
    assert line == pytest.approx((2.0, 3.0))
    assert fit([(1.0, 4.0)]).slope == 0


@pytest.mark.parametrize(
    ("rate", "number", "every_s"), [(100.0, 250, 0.01), (33.0, 100, 0.01), (60_000.0, 9_999, 0.02)]
)
def test_a_schedule_gives_every_event_at_its_time(rate: float, number: int, every_s: float) -> None:
    groups = list(schedule(rate, number, every_s))
    given = 0
    for group in groups:
        assert 0 < group.events <= 500
        assert group.after_s == pytest.approx(given / rate, abs=every_s)
        given += group.events
    assert given == number


def test_without_a_rate_everything_is_due_at_once() -> None:
    assert list(schedule(0.0, 1_200, 0.01)) == [Group(500, 0.0), Group(500, 0.0), Group(200, 0.0)]
    assert Order(0, 0, events=1_200).number == 1_200


def test_what_is_overdue_travels_together_but_no_more_than_a_request_holds() -> None:
    groups = deque([Group(200, 0.0), Group(200, 0.1), Group(200, 0.2), Group(1, 0.9)])
    assert take_overdue(groups, 0.15) == [Group(200, 0.0), Group(200, 0.1)]
    assert take_overdue(groups, 0.0) == [Group(200, 0.2)]
    assert list(groups) == [Group(1, 0.9)]
