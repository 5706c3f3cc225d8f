"""Reason codes: why a score is high, in words that stay the same from model to model.

Contributions to the log-odds come from the model; its manifest names the method. Features that tell of one thing (the one-hot columns
of the category, say) are summed, since contributions add up, and the one that says it best lends its code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from consumer.scoring.coded import Coded
from consumer.scoring.lists import LIST_SENTENCES
from consumer.scoring.reason_codes import CODES, SENTENCES
from schemas.decision import Reason

MAX_REASONS = 3
_PLACE = re.compile(r"\{[^}]*\}")


def reason_text(code: str, value: float | None = None) -> str:
    """Return the sentence that explains `code` to a person, with the value where it has a place for one.

    Raises KeyError for a code that no release ever used.
    """
    sentence = LIST_SENTENCES.get(code) or SENTENCES[code]
    if "{" not in sentence:
        return sentence
    return sentence.format(value) if value is not None else _PLACE.sub("?", sentence)


class Explainer:
    """Turns a row's contributions into reasons. Made once a bundle, from the features' names and their training means."""

    def __init__(self, names: Sequence[str], baseline: Sequence[float]) -> None:
        """Take the names in the order of the columns and the means, both of length F."""
        coded = sorted(enumerate(CODES[name] for name in names), key=lambda item: item[1].topic)
        self._topics = [list(members) for _, members in groupby(coded, key=lambda item: item[1].topic)]
        self._baseline = baseline
        self._value_columns: dict[str, int] = {}
        for column, name in enumerate(names):
            for code in filter(None, (CODES[name].above, CODES[name].below, CODES[name].missing)):
                self._value_columns.setdefault(code, column)

    def explain(self, values: Sequence[float], contributions: Sequence[float]) -> tuple[Reason, ...]:
        """Return the topics that raise the score most, at most `MAX_REASONS`, greatest first (ties by code).

        `values` and `contributions` hold F floats each, NaN for what is missing; that is a reason only where its absence has a code.
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
            if contributions[column] > best and (code := self._code_of(coded, values[column], self._baseline[column])):
                best, lead = contributions[column], code
        return Reason(lead, self._value_of(lead, values), total) if lead and total > 0 else None

    @staticmethod
    def _code_of(coded: Coded, value: float, mean: float) -> str | None:
        if math.isnan(value):
            return coded.missing
        return coded.above if value > (mean if coded.border is None else coded.border) else coded.below

    def _value_of(self, code: str, values: Sequence[float]) -> float | None:
        """Return the value of the first feature that the code stands for, so that a code's values can be compared."""
        value = values[self._value_columns[code]]
        return None if math.isnan(value) else value
