"""What a simulation is made from. The same settings give the same events, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

_MAX_RUN_ID_CHARACTERS = 64
_MAX_FRAUD_SHARE = 0.5
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """Seed and size of the world, share of fraudulent events, and event time: its start and its density.

    `run_id` begins every transaction_id: two runs of one seed against the same ledger need different ones, because their events
    would be resends of each other. Customers, devices and cards depend on the seed alone. ValueError if a value makes no sense.
    """

    seed: int = 1
    customers: int = 5_000
    merchants: int = 600
    fraud_share: float = 0.01
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC)
    events_per_second: float = 100.0
    run_id: str = ""

    def __post_init__(self) -> None:
        if self.customers < 1 or self.merchants < 1:
            raise ValueError("a simulation needs at least one customer and one merchant")
        if not 0 <= self.fraud_share <= _MAX_FRAUD_SHARE:
            raise ValueError(f"the share of fraud must be 0 to {_MAX_FRAUD_SHARE}, not {self.fraud_share}")
        if not self.events_per_second > 0:
            raise ValueError(f"events_per_second must be above 0, not {self.events_per_second}")
        if self.start.tzinfo is None:
            raise ValueError("the start needs a time zone")
        if len(self.run_id) > _MAX_RUN_ID_CHARACTERS:
            raise ValueError(f"the run id must have at most {_MAX_RUN_ID_CHARACTERS} characters")

    @property
    def pace(self) -> float:
        """How much faster than ours the world lives, at least 1: its events per customer and day.

        Trips, phones, campaigns and look-alikes shorten by it, so that a few minutes of dense traffic hold all of them; the hours of
        the day stay ours.
        """
        return max(1.0, self.events_per_second * _DAY_S / self.customers)

    @property
    def transaction_prefix(self) -> str:
        """What every transaction_id of this run begins with."""
        return self.run_id or f"sim-{self.seed}"
