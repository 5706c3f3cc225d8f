from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from statistics import fmean, median
from typing import Any

import msgspec
import pytest

from producers.simulator.labels import (
    DISPUTED_MERCHANTS,
    DISPUTED_REPORT_SHARE,
    FALSE_REPORT_SHARE,
    LONGEST_DELAY_DAYS,
    MEDIAN_DELAY_DAYS,
    NEVER_REPORTED_SHARE,
    SOURCES,
    Reporter,
    SimulatedLabel,
    is_disputed,
)
from producers.simulator.output import Notebook, write_events
from schemas.label import Label
from tests.simulated import history, rows


@cache
def labels() -> tuple[SimulatedLabel, ...]:
    return reports(seed=5)


def reports(seed: int) -> tuple[SimulatedLabel, ...]:
    reporter = Reporter(seed)
    return tuple(label for simulated in history() if (label := reporter.report(simulated)) is not None)


def delays_days() -> list[float]:
    return [(label.reported_at - datetime.fromisoformat(label.timestamp)) / timedelta(days=1) for label in labels()]


def reported(kind: str) -> list[bool]:
    ids = {label.transaction_id for label in labels()}
    return [row.event["transaction_id"] in ids for row in rows(kind)]


def test_equal_seeds_give_equal_labels_and_others_give_others() -> None:
    assert reports(seed=5) == labels()
    assert reports(seed=6) != labels()


def test_labels_come_late_by_days_by_more_than_a_week_for_a_third_and_never_before_the_event() -> None:
    delays = delays_days()

    assert median(delays) == pytest.approx(MEDIAN_DELAY_DAYS, rel=0.1)
    assert fmean(days > 7 for days in delays) == pytest.approx(1 / 3, abs=0.05)
    assert 0 < min(delays) < 1.5
    assert max(delays) <= LONGEST_DELAY_DAYS


def test_some_fraud_is_never_reported() -> None:
    assert fmean(reported("fraud")) == pytest.approx(1 - NEVER_REPORTED_SHARE, abs=0.02)


def test_some_genuine_events_are_reported_most_of_all_at_disputed_merchants() -> None:
    ids = {label.transaction_id for label in labels()}
    disputed = [row for row in rows("genuine") if row.merchant and is_disputed(row.merchant)]
    elsewhere = [row for row in rows("genuine") if row.merchant and not is_disputed(row.merchant)]

    shares = [fmean(row.event["transaction_id"] in ids for row in group) for group in (disputed, elsewhere)]
    assert shares[0] == pytest.approx(DISPUTED_REPORT_SHARE, rel=0.5)
    assert shares[1] == pytest.approx(FALSE_REPORT_SHARE, rel=0.7)
    assert sum(is_disputed(f"m-{n:05d}") for n in range(5_000)) == pytest.approx(5_000 / DISPUTED_MERCHANTS, rel=0.3)


def test_every_source_reports_with_its_share() -> None:
    counts = Counter(label.source for label in labels())

    assert sum(share for _, share in SOURCES) == pytest.approx(1)
    for source, share in SOURCES:
        assert counts[source] / counts.total() == pytest.approx(share, abs=0.03)


def test_a_labels_file_holds_valid_labels_in_the_order_of_the_reports_and_nothing_of_the_truth() -> None:
    out, file = BytesIO(), BytesIO()
    notebook = Notebook(seed=5, labels=file)

    write_events(history(), out, notebook=notebook)
    notebook.close()

    lines = file.getvalue().splitlines()
    told: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    assert {row["transaction_id"] for row in told} == {label.transaction_id for label in labels()}
    assert [row["reported_at"] for row in told] == sorted(row["reported_at"] for row in told)
    assert all(Label.model_validate(row).is_fraud for row in told)
    assert set().union(*told) == {"transaction_id", "timestamp", "is_fraud", "source", "reported_at"}
