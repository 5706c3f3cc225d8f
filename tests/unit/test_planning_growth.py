from __future__ import annotations

from dataclasses import replace

from consumer.planning.demand import Demand
from consumer.planning.growth import GOAL, reaches, steps
from consumer.planning.ledger import LedgerTerms, load_of, pages_touched, uses_of
from consumer.planning.measured import Measured
from consumer.planning.plan import make_plan
from consumer.planning.prices import load_prices
from consumer.planning.stream import stream_for

PRICES = load_prices()
MEASURED = Measured()
DEMAND = Demand(1_000, 500)


def test_the_ledger_breaks_long_before_anything_else() -> None:
    story = steps(DEMAND, MEASURED, PRICES)
    assert [step.rate for step in story] == sorted(step.rate for step in story)
    [end] = [step for step in story if step.what.startswith("one ledger")]
    assert end.rate < GOAL
    assert "several ledgers by user hash" in end.remedy
    assert not end.is_built
    [lake] = [step for step in story if not step.is_ledger]
    assert lake.rate > 100 * end.rate
    assert "--chunk-memory" in lake.remedy
    with_memory = steps(replace(DEMAND, chunk_memory_mib=4_096), MEASURED, PRICES)
    assert all(step.is_ledger for step in with_memory), "stream, tasks, lake and alerts carry a million"


def test_a_class_ends_at_the_rate_that_is_told() -> None:
    story = steps(DEMAND, MEASURED, PRICES)
    for database in PRICES.steady_classes[:-1]:
        [step] = [one for one in story if one.what.startswith(f"{database.name}:")]
        for rate, is_fine in ((step.rate * 0.98, True), (step.rate * 1.02, False)):
            demand = replace(DEMAND, events_per_second=rate)
            uses = uses_of(load_of(demand, stream_for(demand)), database, MEASURED)
            assert all(use.is_within for use in uses) is is_fine


def test_the_plan_needs_a_second_ledger_just_beyond_the_end_of_the_first() -> None:
    [end] = [step for step in steps(DEMAND, MEASURED, PRICES) if step.what.startswith("one ledger")]
    plans = [
        make_plan(replace(DEMAND, events_per_second=end.rate * factor), MEASURED, PRICES) for factor in (0.98, 1.02)
    ]
    assert [plan.ledgers.count for plan in plans] == [1, 2]


def test_every_change_takes_a_ledger_further_and_none_takes_one_to_the_goal() -> None:
    as_it_is, *changed = reaches(DEMAND, MEASURED, PRICES)
    assert as_it_is.is_built
    assert all(reach.rate > as_it_is.rate for reach in changed)
    assert all(reach.ledgers_for_goal > 1 for reach in changed)
    assert all(reach.ledgers_for_goal >= GOAL / reach.rate for reach in changed)


def test_ids_that_ascend_halve_the_pages_that_a_row_touches() -> None:
    at_random, ascending = (
        pages_touched(MEASURED, LedgerTerms(has_random_ids=is_random)) for is_random in (True, False)
    )
    assert ascending < 1 < at_random
    reach = {one.change.partition(",")[0]: one.rate for one in reaches(DEMAND, MEASURED, PRICES)}
    assert reach["ids that ascend"] > 1.4 * reach["as it is"]


def test_a_ledger_kept_for_years_ends_with_its_disk_and_says_so() -> None:
    story = steps(replace(DEMAND, ledger_days=3_650), MEASURED, PRICES)
    [end] = [step for step in story if step.what.startswith("one ledger")]
    assert "disk size" in end.what
    assert "keep less" in end.remedy


def test_where_everything_alerts_telling_is_a_limit_too() -> None:
    story = steps(replace(DEMAND, alert_share=1.0), MEASURED, PRICES)
    [alerts, _lake] = [step for step in story if not step.is_ledger]
    assert alerts.what == "alerts to SNS"
    assert round(alerts.rate) == 15_000


def test_dear_batches_end_a_ledger_by_its_cpu_and_fewer_batches_help() -> None:
    dear = replace(MEASURED, postgres_batch_us=1_000_000)
    as_it_is, of_a_second, *_ = reaches(DEMAND, dear, PRICES)
    assert as_it_is.ended_by == "CPU of the ledger"
    assert of_a_second.rate > 2 * as_it_is.rate
