"""Sizes by hand: each formula on a case that a person can check, and what must never shrink as the rate grows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from consumer.planning.database import disk_for, ledgers_for
from consumer.planning.demand import Demand
from consumer.planning.errors import PlanRefused
from consumer.planning.lake import lake_for
from consumer.planning.ledger import (
    AS_BUILT,
    LedgerLoad,
    LedgerTerms,
    cores_busy,
    log_bytes_a_row,
    pages_touched,
    size_gib,
    uses_of,
)
from consumer.planning.limits import FARGATE
from consumer.planning.measured import Measured
from consumer.planning.plan import make_plan
from consumer.planning.prices import load_prices
from consumer.planning.stream import batches_s, shards_for, stream_for
from consumer.planning.tasks import cores_needed, memory_needed_gb
from consumer.planning.use import Use, highest_rate

PRICES = load_prices()
MEASURED = Measured()
RATES = (1, 10, 100, 1_000, 3_000, 10_000, 100_000, 1_000_000)


@pytest.mark.parametrize(
    ("rate", "size", "mode", "shards"),
    [
        (1, 500, "provisioned", 1),
        (350, 500, "provisioned", 1),  # 700 a second at the peak: 70 % of a shard
        (351, 500, "provisioned", 2),
        (1_000, 500, "provisioned", 3),
        (100, 34_980, "provisioned", 10),  # 200 x 35 KB = 7 MB/s
        (1, 500, "on-demand", 4),
        (5_000, 500, "on-demand", 20),  # twice the ten shards of the peak
    ],
)
def test_shards_follow_records_and_bytes(rate: float, size: int, mode: str, shards: int) -> None:
    assert shards_for(Demand(rate, size, shards_mode=mode)) == shards  # type: ignore[arg-type]


def test_a_read_that_finds_nothing_is_no_batch() -> None:
    assert batches_s(0.001, 5) == pytest.approx(0.001, rel=1e-3)
    assert batches_s(1e9, 5) == 5
    assert batches_s(5, 5) == pytest.approx(5 * (1 - 1 / 2.718281828), rel=1e-6)


def test_fan_out_reads_a_shard_more_often_than_polling() -> None:
    polled, pushed = (stream_for(Demand(1_000, 500, is_fan_out=is_fan_out)) for is_fan_out in (False, True))
    assert polled.reads_s == 3 * 5
    assert pushed.batch < polled.batch


def test_cores_are_records_batches_and_reads() -> None:
    demand = Demand(500_000, 500)
    stream = stream_for(demand)
    measured = replace(MEASURED, worker_record_us=10, java_record_us=5, worker_batch_us=100, java_poll_us=50)
    by_hand = 1_000_000 * 15e-6 + stream.batches_s * 100e-6 + stream.reads_s * 50e-6
    assert cores_needed(demand, stream, measured) == pytest.approx(by_hand)


def test_the_memory_of_a_container_grows_by_its_shards() -> None:
    measured = replace(MEASURED, host_mb=200, java_mb=300, worker_mb=40, java_shard_mb=10)
    assert memory_needed_gb(10, measured) == pytest.approx(1.0)


@pytest.mark.parametrize("rate", RATES)
def test_a_task_is_a_size_that_fargate_offers_and_carries_its_share(rate: float) -> None:
    tasks = make_plan(Demand(rate, 500), MEASURED, PRICES).tasks
    assert tasks.memory_gb in dict(FARGATE)[tasks.vcpu]
    assert tasks.count >= 2
    assert all(use.is_within for use in tasks.uses)
    cores = tasks.uses[0].used
    assert cores <= (tasks.count - 1) * tasks.vcpu * 0.9, "one task may go"


def test_one_shard_that_needs_much_memory_gets_it() -> None:
    tasks = make_plan(Demand(100, 500), replace(MEASURED, worker_mb=20_000), PRICES).tasks
    assert tasks.memory_gb >= 25


def test_a_worker_that_no_task_could_hold_is_refused() -> None:
    with pytest.raises(PlanRefused, match=r"one shard needs 200 GB, and Fargate has no such task; check worker_mb"):
        make_plan(Demand(100, 500), replace(MEASURED, worker_mb=200_000), PRICES)


def test_rows_and_batches_and_cold_users_keep_the_ledger_busy() -> None:
    measured = replace(MEASURED, postgres_row_us=20, postgres_batch_us=1_000, postgres_cold_user_us=100)
    assert cores_busy(LedgerLoad(10_000, 50, 1_000, 5_000, 60), measured) == pytest.approx(0.2 + 0.05 + 0.1)


def test_a_row_touches_two_pages_where_partitions_are_long_and_none_where_nothing_is_checkpointed() -> None:
    assert pages_touched(MEASURED, LedgerTerms(partition_days=1e6)) == pytest.approx(2, abs=1e-3)
    assert pages_touched(MEASURED, LedgerTerms(checkpoint_s=1e9)) < 1e-3
    assert 1.7 < pages_touched(MEASURED, AS_BUILT) < 1.9


def test_only_a_database_that_writes_pages_logs_their_images() -> None:
    touched = pages_touched(MEASURED, AS_BUILT)
    assert log_bytes_a_row(MEASURED, AS_BUILT) == MEASURED.wal_row_bytes + touched * MEASURED.page_image_bytes
    assert log_bytes_a_row(MEASURED, LedgerTerms(has_pages=False)) == MEASURED.wal_row_bytes


def test_the_size_of_the_ledger_is_rows_by_days() -> None:
    load = LedgerLoad(2_000, 10, 0, 1_000, 60)
    assert size_gib(load, replace(MEASURED, ledger_row_bytes=1_000)) == pytest.approx(
        1_000 * 86_400 * 60 * 1_000 * 1.02 / 2**30
    )


def test_a_small_disk_has_a_fixed_speed_and_a_large_one_what_is_asked() -> None:
    small = disk_for(Use("", 2_000, 1e5, ""), Use("", 50, 1e3, ""), Use("", 100, 65_536, ""))
    assert (small.gib, small.iops, small.mib_s) == (118, 3_000, 125)
    assert (small.extra_iops, small.extra_mib_s) == (0, 0)
    fast = disk_for(Use("", 2_500, 1e5, ""), Use("", 50, 1e3, ""), Use("", 100, 65_536, ""))
    assert (fast.gib, fast.iops, fast.mib_s) == (400, 12_000, 500)
    large = disk_for(Use("", 20_000, 1e5, ""), Use("", 1_000, 1e4, ""), Use("", 5_000, 65_536, ""))
    assert (large.extra_iops, large.extra_mib_s) == (13_000, 700)
    assert large.iops >= 4 * large.mib_s


def test_a_load_beyond_the_largest_class_is_shared_by_several_ledgers() -> None:
    load = LedgerLoad(200_000, 1_000, 20_000, 100_000, 60)
    ledgers = ledgers_for(load, MEASURED, PRICES)
    assert ledgers.count > 1
    assert all(use.is_within for use in ledgers.uses)
    one_less = uses_of(load.part(ledgers.count - 1), PRICES.steady_classes[-1], MEASURED)
    assert not all(use.is_within for use in one_less), "fewer would not do"


def test_a_shard_makes_an_object_a_chunk_age_and_more_when_chunks_are_full() -> None:
    assert lake_for(Demand(300, 500), 3, 2, MEASURED).objects_a_day == pytest.approx(3 * 1_440)
    full = lake_for(Demand(10_000, 500, chunk_age_s=900), 10, 2, MEASURED)
    assert full.rows_an_object * MEASURED.chunk_row_bytes == pytest.approx(32 * 2**20)
    crowded = lake_for(Demand(10_000, 500), 64, 64, MEASURED)
    assert crowded.rows_an_object * MEASURED.chunk_row_bytes == pytest.approx(2 * 2**20), "64 shards share 128 MiB"
    short = lake_for(Demand(10_000, 500, chunk_age_s=900), 10, 2, replace(MEASURED, chunk_row_bytes=500))
    assert short.rows_an_object == 50_000
    idle = lake_for(Demand(0.001, 500), 1, 1, MEASURED)
    assert idle.rows_an_object < 1.1, "no object without a record"


def test_nothing_shrinks_as_the_rate_grows() -> None:
    plans = [make_plan(Demand(rate, 500), MEASURED, PRICES) for rate in RATES]
    for less, more in pairwise(plans):
        assert more.stream.shards >= less.stream.shards
        assert more.tasks.all_vcpu >= less.tasks.all_vcpu
        assert more.ledgers.count >= less.ledgers.count
        assert more.lake.objects_s >= less.lake.objects_s
        assert more.lake.kept_gb > less.lake.kept_gb
        assert more.usd > less.usd


def test_the_highest_rate_is_found_between_the_ends() -> None:
    assert highest_rate(lambda rate: rate <= 1_234.5) == pytest.approx(1_234.5)
    assert highest_rate(lambda _: True) == 10_000_000
    assert highest_rate(lambda _: False) == 0
