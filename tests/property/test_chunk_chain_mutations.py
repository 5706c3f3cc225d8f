"""Each rule of the chunk chain, taken out on purpose, is missed by the same audit that the real code passes."""

from __future__ import annotations

import pytest

from tests.property.chain_audit import simulate
from tests.property.chain_mutations import MUTATIONS
from tests.property.chain_rules import Rules, Violation

WORLDS = 1500
"""The rarest catch is one world in seventy."""


@pytest.mark.parametrize("rules", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_the_audit_catches_the_chain_without(rules: Rules) -> None:
    with pytest.raises(Violation):
        _simulate_many(rules, WORLDS)


def _simulate_many(rules: Rules, worlds: int) -> None:
    for seed in range(worlds):
        simulate(seed, 5 + seed * 7 % 90, rules)
