"""Reason codes: why a score is high, in words that stay the same from model to model.

Method: linear contribution to the log-odds against the training mean. Features that tell of one thing (the one-hot columns of the
category, say) are summed, which linear contributions allow, and the one that says it best lends its code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from consumer.scoring.reason_codes import CODES, SENTENCES, Coded
from schemas.decision import Reason

MAX_REASONS = 3


def reason_text(code: str) -> str:
    """Return the sentence that explains `code` to a person; raises KeyError for a code that no release ever used."""
    return SENTENCES[code]


class Explainer:
    """Turns a row's contributions into reasons. Made once a bundle, from the features' names and their training means."""

    def __init__(self, names: Sequence[str], baseline: Sequence[float]) -> None:
        """Take the names in the order of the columns and the means, both of length F."""
        coded = sorted(enumerate(CODES[name] for name in names), key=lambda item: item[1].topic)
        self._topics = [list(members) for _, members in groupby(coded, key=lambda item: item[1].topic)]
        self._baseline = baseline
        self._value_columns: dict[str, int] = {}
        for column, name in enumerate(names):
            for code in filter(None, (CODES[name].above, CODES[name].below)):
                self._value_columns.setdefault(code, column)

    def explain(self, values: Sequence[float], contributions: Sequence[float]) -> tuple[Reason, ...]:
        """Return the topics that raise the score most, at most `MAX_REASONS`, greatest first (ties by code).

        `values` and `contributions` hold F floats each. A missing value contributes 0, so it is never a reason.
        """
        found = (self._sum_up(members, values, contributions) for members in self._topics)
        reasons = sorted((reason for reason in found if reason), key=lambda reason: (-reason.contribution, reason.code))
        return tuple(reasons[:MAX_REASONS])

    def _sum_up(
        self, members: Iterable[tuple[int, Coded]], values: Sequence[float], contributions: Sequence[float]
    ) -> Reason | None:
        total, best, lead = 0.0, 0.0, None
        for column, coded in members:
            total += contributions[column]
            code = coded.above if values[column] > self._baseline[column] else coded.below
            if code and contributions[column] > best:
                best, lead = contributions[column], code
        return Reason(lead, self._value_of(lead, values), total) if lead and total > 0 else None

    def _value_of(self, code: str, values: Sequence[float]) -> float | None:
        """Return the value of the first feature that the code stands for, so that a code's values can be compared."""
        value = values[self._value_columns[code]]
        return None if math.isnan(value) else value
