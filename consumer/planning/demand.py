"""What is asked of the system: rates, sizes and how long things are kept. Apart: everything else follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from consumer.planning.errors import PlanRefused

ShardsMode = Literal["provisioned", "on-demand"]
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
_MOST_EVENTS = 10_000_000
_LEAST_BYTES, _MOST_BYTES = 100, 65_536
_STREAM_HOURS = (24, 168)


@dataclass(frozen=True, slots=True)
class Demand:
    """What comes in, and how it is kept. Raises PlanRefused where a figure is out of its range.

    `events_per_second` is the mean over a month: it makes the bill of what is used. Peaks are `peak_factor` times that: they
    make the sizes. `event_bytes` is the JSON of one event. `alert_share` and `cold_share` are shares of the events: those
    that alert, and those whose user the shard does not remember, so that the ledger is read for the past.
    """

    events_per_second: float
    event_bytes: int
    peak_factor: float = 2.0
    shards_mode: ShardsMode = "provisioned"
    stream_hours: int = 24
    ledger_days: int = 60
    lake_days: int = 365
    is_multi_az: bool = True
    is_fan_out: bool = False
    poll_ms: int = 200
    chunk_age_s: float = 60.0
    chunk_memory_mib: float = 128.0
    alert_share: float = 0.00055
    cold_share: float = 0.1

    def __post_init__(self) -> None:
        self._require_rates()
        self._require_times()

    @property
    def peak(self) -> float:
        """Events a second that everything is sized for."""
        return self.events_per_second * self.peak_factor

    @property
    def events_a_month(self) -> float:
        """Events in 730 hours."""
        return self.events_per_second * SECONDS_A_MONTH

    def _require_rates(self) -> None:
        rate, size = self.events_per_second, self.event_bytes
        if not rate > 0:
            raise PlanRefused(f"--events-per-second is {rate:g}", "give a rate above 0, the mean over a month")
        if rate > _MOST_EVENTS:
            raise PlanRefused(
                f"--events-per-second is {rate:,.0f}, and no figure here was thought through beyond {_MOST_EVENTS:,}",
                "did a zero slip in? The largest card networks have some tens of thousands a second",
            )
        if size < _LEAST_BYTES:
            raise PlanRefused(
                f"--event-bytes is {size}",
                f"an event with its four required fields has at least {_LEAST_BYTES} bytes of JSON",
            )
        if size > _MOST_BYTES:
            raise PlanRefused(
                f"--event-bytes is {size:,}", f"events over 64 KB ({_MOST_BYTES:,} bytes) are refused by the decoder"
            )
        _require_range("--peak-factor", self.peak_factor, 1, 100, "peaks are at least the mean")
        _require_range("--alert-share", self.alert_share, 0, 1, "it is a share of the events")
        _require_range("--cold-share", self.cold_share, 0, 1, "it is a share of the events")

    def _require_times(self) -> None:
        _require_range(
            "--stream-hours", self.stream_hours, *_STREAM_HOURS, "a day to a week; longer needs other prices"
        )
        _require_range(
            "--retention-days", self.ledger_days, 38, 3650, "features need 30 days of history and labels their week"
        )
        _require_range("--lake-days", self.lake_days, 1, 3650, "days that the lake is kept")
        _require_range("--poll-ms", self.poll_ms, 200, 10_000, "KCL reads a shard every 200 ms at most")
        _require_range("--chunk-age", self.chunk_age_s, 1, 900, "seconds after which a chunk is closed")
        _require_range("--chunk-memory", self.chunk_memory_mib, 1, 100_000, "MiB for the open chunks of a task")


def _require_range(name: str, value: float, least: float, most: float, why: str) -> None:
    if not least <= value <= most:
        raise PlanRefused(f"{name} is {value:g}", f"give {least:g} to {most:g}: {why}")
