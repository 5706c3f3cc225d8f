from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from consumer.housekeeping import Chore, forget_chore, keep_house, partition_chore, relay_chore, roll_up_chore
from consumer.policies.backoff import Backoff
from consumer.telemetry.metrics import MetricName, NoMeter
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.feedback import RollUpLag


class Pulse:
    def __init__(self) -> None:
        self.beats = 0

    def beat(self, **_: str | float | None) -> None:
        self.beats += 1


class Rounds:
    """Says stop after so many rounds."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_chore_with_work_left_runs_again_at_once_and_an_idle_one_rests() -> None:
    runs: list[str] = []
    busy = Chore("busy", lambda: runs.append("busy") or 1, every_s=60)  # type: ignore[func-returns-value]
    idle = Chore("idle", lambda: runs.append("idle") or 0, every_s=60)  # type: ignore[func-returns-value]
    keep_house([busy, idle], Pulse(), Rounds(3))
    assert (runs.count("busy"), runs.count("idle")) == (3, 1)


def test_a_sink_that_is_away_postpones_its_chore_and_stops_no_other() -> None:
    runs: list[str] = []

    def fail() -> int:
        runs.append("failing")
        raise TransientSinkError

    def work() -> int:
        runs.append("working")
        return 1

    pulse = Pulse()
    keep_house([Chore("a", fail, 0), Chore("b", work, 0)], pulse, Rounds(3), Backoff(base_s=60, cap_s=60))
    assert (runs.count("failing"), runs.count("working")) == (1, 3)
    assert pulse.beats >= 6


def test_a_sink_that_refuses_is_asked_again_and_stops_nobody() -> None:
    asked: list[str] = []

    def refuse() -> int:
        asked.append("topic")
        raise PermanentSinkError

    keep_house([relay_chore(refuse)], Pulse(), Rounds(3), Backoff(base_s=0.001, cap_s=0.001))
    assert len(asked) == 3


def test_an_error_that_is_no_sinks_ends_the_process() -> None:
    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        keep_house([relay_chore(fail)], Pulse(), Rounds(1))


def test_partitions_are_made_for_now() -> None:
    asked: list[datetime] = []
    assert partition_chore(asked.append).run() == 0
    assert abs((asked[0] - datetime.now(UTC)).total_seconds()) < 60


class Steps:
    """A roll-up with so many steps to do."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.is_away = False

    def take_step(self, now: datetime) -> bool:
        assert abs((now - datetime.now(UTC)).total_seconds()) < 60
        if self.is_away:
            raise TransientSinkError
        self.left -= 1
        return self.left >= 0

    def lag(self, now: datetime) -> RollUpLag:
        assert now.tzinfo is UTC
        return RollUpLag(3600.0 * max(0, self.left), 7)


class Readings(NoMeter):
    def __init__(self) -> None:
        self.read: dict[str, Callable[[], float | None]] = {}

    def watch(self, name: MetricName, read: Callable[[], float | None], of: str | None = None) -> None:
        assert of is None
        self.read[name] = read


def test_the_roll_up_takes_step_after_step_until_nothing_is_due() -> None:
    steps, readings = Steps(50), Readings()
    chore = roll_up_chore(steps, readings)
    assert [read() for read in readings.read.values()] == [None, None]

    assert chore.run() == 0
    assert (steps.left, readings.read["RollUpLag"](), readings.read["LabelsWaiting"]()) == (-1, 0, 7)


def test_a_long_roll_up_lets_the_other_chores_run_in_between() -> None:
    chore = roll_up_chore(Steps(5), Readings(), for_s=0.0)

    assert [chore.run() for _ in range(6)] == [1, 1, 1, 1, 1, 0]


def test_nothing_is_said_of_a_roll_up_that_cannot_be_seen() -> None:
    steps, readings = Steps(1), Readings()
    chore = roll_up_chore(steps, readings)
    chore.run()
    steps.is_away = True

    with pytest.raises(TransientSinkError):
        chore.run()
    assert readings.read["RollUpLag"]() is None


class Reservations:
    """So many that are old enough to go."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.asked: list[datetime] = []

    def forget(self, before: datetime, limit: int) -> int:
        self.asked.append(before)
        done = min(self.left, limit)
        self.left -= done
        return done


def test_reservations_are_forgotten_in_steps_until_only_young_ones_are_left() -> None:
    reservations = Reservations(12_000)
    chore = forget_chore(reservations.forget, timedelta(days=8))

    assert [chore.run() for _ in range(3)] == [1, 1, 0]
    assert reservations.left == 0
    assert all(
        abs(datetime.now(UTC) - timedelta(days=8) - before) < timedelta(minutes=1) for before in reservations.asked
    )
