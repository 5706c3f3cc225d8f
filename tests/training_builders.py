"""Backfill's output as training reads it, made up: small, quick to fit, with fraud that only the past gives away."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consumer.scoring.features import FEATURE_SETS, VELOCITY
from consumer.scoring.golden import recompute
from consumer.scoring.manifest import Golden
from consumer.training.boosting import Settings
from consumer.training.dataset import DAY_MS
from tests.scoring_builders import an_event

START_MS = 1_767_225_600_000
"""2026-01-01."""
QUICK = (
    Settings(depth=2, learning_rate=0.3, l2=3.0, is_balanced=False, iterations=12),
    Settings(depth=3, learning_rate=0.3, l2=3.0, is_balanced=True, iterations=12, borders=64),
)


@dataclass(frozen=True)
class Made:
    """What a made-up data set looks like."""

    rows: int = 6_000
    days: int = 70
    fraud_share: float = 0.05
    seed: int = 1
    feature_set: str = VELOCITY.name
    is_labelled: bool = True
    is_true: bool = False
    """Whether the truth is given apart from the labels."""
    parts: int = 1


def write_data(folder: Path, made: Made | None = None) -> Path:
    """Write features, golden candidates and backfill's report; half of the fraud shows in the amount, half in the last hour's count."""
    made = made or Made()
    folder.mkdir(parents=True, exist_ok=True)
    table = _table(made)
    size = math.ceil(table.num_rows / made.parts)
    for part in range(made.parts):
        pq.write_table(table.slice(part * size, size), folder / f"features-{part:05}.parquet")
    candidates = [_candidate(number, made.feature_set) for number in range(6)]
    (folder / "golden.json").write_text(json.dumps(candidates))
    (folder / "backfill.json").write_text(json.dumps({"sources": ["made up"]}))
    return folder


def _table(made: Made) -> pa.Table:
    random = np.random.default_rng(made.seed)
    names = FEATURE_SETS[made.feature_set].names
    event_ms = np.sort(random.integers(START_MS, START_MS + made.days * DAY_MS, made.rows))
    is_fraud = random.random(made.rows) < made.fraud_share
    is_loud = random.random(made.rows) < 0.5
    amounts = np.round(random.lognormal(np.where(is_fraud & is_loud, 6.0, 3.5), 1.0), 2)
    columns = {name: random.integers(0, 2, made.rows).astype(np.float32) for name in names}
    columns["amount_log2"] = np.log2(amounts + 1).astype(np.float32)
    columns[names[-1]] = np.full(made.rows, np.nan, np.float32)
    if "user_count_1h" in columns:
        columns["user_count_1h"] = random.poisson(np.where(is_fraud & ~is_loud, 8.0, 1.0)).astype(np.float32)
    return pa.table(
        _facts(made, random, event_ms, is_fraud, is_loud) | {"amount": amounts} | columns
    ).replace_schema_metadata({"feature_set": made.feature_set})


def _facts(made: Made, random: np.random.Generator, event_ms: Any, is_fraud: Any, is_loud: Any) -> dict[str, Any]:
    moment = pa.timestamp("ms", "UTC")
    has_label = np.full(made.rows, made.is_labelled)
    known_ms = event_ms + random.integers(1, 7, made.rows) * DAY_MS
    patterns = np.where(is_fraud, np.where(is_loud, "loud", "burst"), "")
    return {
        "transaction_id": [f"t-{number}" for number in range(made.rows)],
        "event_time": pa.array(event_ms, moment),
        "user_id": [f"u-{number}" for number in random.integers(0, 400, made.rows)],
        "merchant_id": pa.nulls(made.rows, pa.string()),
        "card_id": pa.nulls(made.rows, pa.string()),
        "is_fraud": pa.array(is_fraud, mask=~has_label),
        "known_at": pa.array(known_ms, moment, mask=~has_label),
        "pattern": pa.array(patterns.tolist(), mask=~is_fraud),
        "truth": pa.array(is_fraud, mask=np.full(made.rows, not made.is_true)),
    }


def _candidate(number: int, feature_set: str) -> dict[str, Any]:
    event = an_event(transaction_id=f"g-{number}", amount=5.0 * 3**number, timestamp=f"2026-02-0{number + 1}T10:00:00Z")
    past = [
        [f"p-{step}", START_MS + (20 + step) * DAY_MS, 10.0, "EUR", "m-1", "DE", "d-1", 50.0, 6.0]
        for step in range(number)
    ]
    asked: dict[str, Any] = {"event": event, "past": past, "merchant": {"counts": [1, 2, 3], "frauds": [0, 0, 1]}}
    empty = {"features": (), "probability": 0.0, "contributions": ()}
    values = recompute(FEATURE_SETS[feature_set], Golden.model_validate(asked | empty, strict=False))[0].tolist()
    return asked | {"features": [None if math.isnan(value) else value for value in values]}
