from __future__ import annotations

from collections import Counter

from consumer.chaos.catalogue import CATALOGUE, QUICK
from consumer.chaos.schedule import draw


def test_the_same_seed_draws_the_same_faults_and_another_seed_others() -> None:
    assert draw(7, QUICK) == draw(7, tuple(reversed(QUICK)))
    assert draw(7, QUICK) != draw(8, QUICK)


def test_without_a_budget_every_kind_strikes_once() -> None:
    assert Counter(type(fault) for fault in draw(1, QUICK)) == Counter(QUICK)


def test_no_kind_comes_again_before_every_other_came() -> None:
    kinds = QUICK[:5]
    drawn = [type(fault) for fault in draw(3, kinds, budget_s=10_000)]
    assert len(drawn) > 3 * len(kinds)
    for start in range(0, len(drawn) - len(kinds), len(kinds)):
        assert set(drawn[start : start + len(kinds)]) == set(kinds)


def test_a_budget_is_kept_and_gives_one_fault_at_least() -> None:
    drawn = draw(1, QUICK, budget_s=200)
    assert sum(fault.usual_s for fault in drawn) <= 200
    assert len(draw(1, QUICK, budget_s=0.1)) == 1


def test_every_kind_has_a_name_a_line_about_it_and_parameters_that_are_drawn() -> None:
    for name, kind in CATALOGUE.items():
        [fault] = draw(5, [kind])
        assert fault.kind() == name
        assert kind.about()
        assert fault == kind(**fault.parameters())
    assert len({str(draw(seed, QUICK)) for seed in range(20)}) == 20
