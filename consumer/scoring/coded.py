"""How a feature speaks: the row of the tables of reason codes."""

from __future__ import annotations

from typing import NamedTuple


class Coded(NamedTuple):
    """A feature's codes: for a value above the border, for one at or below it, for none; None where that says nothing."""

    topic: str
    above: str | None
    below: str | None = None
    missing: str | None = None
    border: float | None = None
    """None: the training mean. Of what a sentence compares with the customer's own past, it is where the two are equal."""
