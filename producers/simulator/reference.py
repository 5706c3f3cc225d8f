"""The reference data set: what models are trained and measured on here. Written down before anybody trained on it.

Nothing below may be changed to make a figure better or worse. A change for another reason makes another data set: give it a new
NAME, say why in CHANGELOG.md, and measure everything anew.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from producers.simulator.settings import SimulationSettings

NAME = "reference/1"

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday, so that the weeks of the data are weeks."""

DAYS = 112
"""Sixteen weeks: a month fills the longest window, then two months to learn from and one to measure on, with a label delay between."""

CUSTOMERS = 10_000
"""So many that each makes about one event a day: real cards are used about so often, and a history of 30 days holds about 30 rows."""

MERCHANTS = 2_000
"""About five events a merchant and day, unevenly: small ones are rare in the windows, as in the world."""

MEAN_EVENTS = 1_100_000
"""Large enough for thousands of frauds, small enough to go through everything in a few minutes. The true number is drawn."""

FRAUD_SHARE = 0.0045
"""Chosen, not measured: rare enough that an alarm is wrong more easily than right, and enough frauds (about 5,000) for the mean of a
fold to stand still. The shares of the patterns are those of producers.simulator.fraud.PATTERNS: card testing and compromised merchants,
which many events tell, a quarter each, take-overs a fifth, the two that only amounts and counts against habits tell 15 % each. No
pattern is a majority, so that none decides a figure alone."""

SEED = 20_260_105
"""The date of the start; no other seed was tried."""

SETTINGS = SimulationSettings(
    seed=SEED,
    customers=CUSTOMERS,
    merchants=MERCHANTS,
    fraud_share=FRAUD_SHARE,
    start=START,
    events_per_second=MEAN_EVENTS / (DAYS * 86_400),
    run_id="ref-1",
)
END = START + timedelta(days=DAYS)
