"""How far a score can be trusted, by columns.md: how decided it is, and how much of the input was there."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from schemas.decision import Confidence

_DECIDED_BELOW, _DECIDED_FROM = 0.1, 0.8
_TORN_FROM, _TORN_TO = 0.4, 0.6
_FEW_MISSING, _MANY_MISSING = 0.25, 0.5


def judge_confidence(score: float, missing_share: float) -> Confidence:
    """Return the confidence in `score` (0 to 1) when `missing_share` (0 to 1) of the features was missing. All edges belong in.

    Read as: high = (score <= 0.1 or >= 0.8) **and** at most a quarter missing; low = score in 0.4-0.6 **or** more than half missing.
    No case is both, so the order of the questions does not matter.
    """
    if missing_share > _MANY_MISSING or _TORN_FROM <= score <= _TORN_TO:
        return "low"
    is_decided = score <= _DECIDED_BELOW or score >= _DECIDED_FROM
    return "high" if is_decided and missing_share <= _FEW_MISSING else "medium"


_CODES: tuple[Confidence, ...] = ("low", "medium", "high")
_FEW_ROWS = 8


def judge_confidences(scores: npt.NDArray[np.float32], missing_shares: npt.NDArray[np.floating]) -> list[Confidence]:
    """Return what `judge_confidence` says of each pair, both of shape [N], in their order."""
    if len(scores) <= _FEW_ROWS:  # arithmetic on arrays has a price of its own
        return list(map(judge_confidence, scores.tolist(), missing_shares.tolist()))
    exact, missing = scores.astype(np.float64), missing_shares.astype(np.float64)
    is_low = (missing > _MANY_MISSING) | ((exact >= _TORN_FROM) & (exact <= _TORN_TO))
    is_decided = (exact <= _DECIDED_BELOW) | (exact >= _DECIDED_FROM)
    codes = np.where(is_low, 0, np.where(is_decided & (missing <= _FEW_MISSING), 2, 1))
    return [_CODES[code] for code in cast("list[int]", codes.tolist())]
