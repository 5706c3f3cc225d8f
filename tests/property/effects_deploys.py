"""Releases and settings that a schedule may deploy in its middle: other cuts, bounds, models, policies, brakes and horizons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

import numpy as np

from consumer.policies.quarantine import QuarantinePolicy
from consumer.scoring.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from consumer.scoring.features import EVENT, VELOCITY, MemoryTerms
from consumer.scoring.model import Model
from consumer.scoring.policy import Policy
from consumer.scoring.scorer import Scorer
from consumer.training.export import export_linear
from consumer.training.logistic import LinearModel
from schemas.decode import EventTimeBounds
from sinks.lake.chunks import CutPolicy

_WEEK, _DAY = EventTimeBounds(), EventTimeBounds(before=timedelta(days=1))
_ANY = EventTimeBounds(timedelta(days=365), timedelta(days=365))
_CALM = QuarantinePolicy(max_consecutive=10_000, window=10_000)
_STRICT = QuarantinePolicy(max_consecutive=3, max_ratio=0.5, window=6)
_REMEMBERS_NOBODY, _REMEMBERS_FEW = MemoryTerms(0, 0), MemoryTerms(12, 2)


@dataclass(frozen=True)
class Deploy:
    """What one incarnation runs with."""

    scorer: str = "second"
    cut: CutPolicy = field(default_factory=CutPolicy)
    bounds: EventTimeBounds | None = _WEEK
    horizon: timedelta = timedelta(hours=24)
    quarantine: QuarantinePolicy = _CALM
    memory: MemoryTerms = MemoryTerms()  # noqa: RUF009 - frozen


DEPLOYS = (
    Deploy(),
    Deploy("first", CutPolicy(max_rows=1, max_records=2)),
    Deploy("first", CutPolicy(max_rows=3, max_records=5), _DAY),
    Deploy("second", CutPolicy(max_rows=2, max_records=7), _ANY, timedelta(0), memory=_REMEMBERS_NOBODY),
    Deploy("second", CutPolicy(max_records=3), _DAY, timedelta(hours=1), _STRICT, _REMEMBERS_FEW),
    Deploy("first", CutPolicy(max_age_s=5, empty_max_age_s=10), None, timedelta(days=7)),
)
"""The first one is healthy and closes no chunk before its time: it ends every schedule."""


@cache
def scorers() -> dict[str, Scorer]:
    """Return the scorers by name; they share no version."""
    first = load_bundle(DEFAULT_BUNDLE)
    return {"first": Scorer(first), "second": Scorer(_second(first))}


def _second(first: Bundle) -> Bundle:
    """Another model, which is given the past but goes by the event alone, and a policy that alerts on everything."""
    width = len(VELOCITY.names)
    weights = np.zeros(width, np.float32)
    weights[: len(EVENT.names)] = np.linspace(-0.3, 0.3, len(EVENT.names))
    linear = LinearModel(means=np.zeros(width, np.float32), weights=weights, bias=0.4)
    return replace(
        first,
        manifest=first.manifest.model_copy(update={"model_version": "second", "baseline": (0.0,) * width}),
        feature_set=VELOCITY,
        model=Model(export_linear(linear, "second"), width),
        policy=Policy.model_validate(first.policy.model_dump() | {"version": "strict/1", "alert_from": "low"}),
    )


@cache
def policies() -> dict[str, Policy]:
    """Return the policies by version."""
    first = load_bundle(DEFAULT_BUNDLE)
    return {bundle.policy.version: bundle.policy for bundle in (first, _second(first))}
