"""Where the demo's events come from: live simulated traffic with hostile events in the mix, or the user's file."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from consumer.operations.publish import time_check, told
from consumer.settings import Settings
from producers.files import PublishReport, publish_file
from producers.keys import keyed_record
from producers.kinesis import Publisher
from producers.records import OutgoingRecord
from producers.simulator.hostile import hostile_events
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_TICKS_A_SECOND = 10
_HOSTILE_EVERY_S = 1.0
_DAY_S = 86_400
_WEEKS_SHOWN = timedelta(weeks=4)
_BEGINS_AGO = timedelta(days=33)
"""Chance may need some days more than four weeks; nothing happens in the future."""
DEMO_EVENT_TIME_BEFORE = "P40D"
"""How long ago an event of the demo may have happened, `FRAUDSTREAM_EVENT_TIME_BEFORE`."""


class EventSource(Protocol):
    """Publishes in the background."""

    description: str

    @property
    def published(self) -> int:
        """How many records are in the stream."""

    @property
    def is_complete(self) -> bool:
        """Whether all went as it should, once it has ended."""

    def start(self) -> None:
        """Begin to publish."""

    def is_running(self) -> bool:
        """Whether it still publishes."""

    def join(self) -> None:
        """Wait for the end; raises what stopped it."""


class _Background(ABC):
    """A publisher in a thread of its own."""

    description = ""

    def __init__(self, client: KinesisClient, stream_name: str) -> None:
        self._publisher = Publisher(client, stream_name)
        self._thread = threading.Thread(target=self._run_and_note, daemon=True)
        self._failure: BaseException | None = None

    @property
    def published(self) -> int:
        return self._publisher.progress.records

    @property
    def is_complete(self) -> bool:
        return True

    def start(self) -> None:
        self._thread.start()

    def is_running(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run_and_note(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - told in `join`, by the thread that waits
            self._failure = error

    @abstractmethod
    def _run(self) -> None:
        """Publish everything."""


class FastForward(_Background):
    """Four simulated weeks at an even rate, and a hostile record a second.

    Event time runs ahead of the clock: customers who buy once a day need weeks to have habits that fraud can break.
    """

    def __init__(self, client: KinesisClient, stream_name: str, *, seconds: int, rate: int, now: datetime) -> None:
        super().__init__(client, stream_name)
        self._seconds, self._rate = seconds, rate
        customers = max(1, seconds * rate // _WEEKS_SHOWN.days)
        self._settings = SimulationSettings(
            run_id=f"demo-{now:%Y%m%dT%H%M%S}",
            customers=customers,
            events_per_second=customers / _DAY_S,
            start=now - _BEGINS_AGO,
        )
        self.description = (
            f"four weeks of {customers:,} customers in {seconds} s: {rate:,} events a second, one hostile among them"
        )

    def _run(self) -> None:
        events = simulate(self._settings)
        hostile = hostile_events(self._settings.seed, datetime.now(UTC))
        start_s, sent = time.monotonic(), 0
        for tick in range(self._seconds * _TICKS_A_SECOND):
            due = self._rate * (tick + 1) // _TICKS_A_SECOND
            records = [_record_of(next(events).event) for _ in range(due - sent)]
            if tick % int(_TICKS_A_SECOND * _HOSTILE_EVERY_S) == 0 and (bad := next(hostile, None)) is not None:
                records.append(keyed_record(bad.data))
            self._publisher.publish(records)
            sent = due
            time.sleep(max(0.0, start_s + (tick + 1) / _TICKS_A_SECOND - time.monotonic()))


def _record_of(event: dict[str, Any]) -> OutgoingRecord:
    return OutgoingRecord(msgspec.json.encode(event), event["user_id"])


class EventFile(_Background):
    """The user's own events."""

    def __init__(self, client: KinesisClient, settings: Settings, path: Path, *, is_forced: bool) -> None:
        super().__init__(client, settings.stream_name)
        self._settings, self._path, self._is_forced = settings, path, is_forced
        self._report = PublishReport()
        self.description = f"the events of {path}"
        path.open("rb").close()  # a file that cannot be read is told before anything is published

    @property
    def is_complete(self) -> bool:
        """Whether every line was sent."""
        return self._report.is_complete

    def join(self) -> None:
        """Wait for the end and tell what was refused."""
        super().join()
        for line in told(self._report):
            print(f"  {line}")

    def _run(self) -> None:
        with self._path.open("rb") as source:
            self._report = publish_file(
                source, self._publisher, is_forced=self._is_forced, check=time_check(self._settings)
            )
