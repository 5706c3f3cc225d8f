from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from consumer.planning.cost import Flow, Item, Standing, bill
from consumer.planning.errors import PlanRefused
from consumer.planning.prices import Prices, load_prices, parse_prices

PRICES = load_prices()
TABLE = Path(__file__).parents[2] / "consumer" / "planning" / "prices" / "us-east-1.toml"
STANDING = Standing(
    shards_mode="provisioned", shards=2, stream_hours=24, is_fan_out=False, tasks=2, task_vcpu=1, task_memory_gb=2,
    database_class="db.r6g.large", databases=1, disk_gib=100, extra_iops=0, extra_mib_s=0, is_multi_az=True,
)  # fmt: skip
FLOW = Flow(
    events=1e9, event_bytes=500, lake_objects=1e5, lake_kept_gb=100, lease_writes=1e6, lease_reads=1e6, alerts=1e6, log_gb=10
)  # fmt: skip


def usd(items: tuple[Item, ...]) -> dict[tuple[str, str], float]:
    return {(item.service, item.what): round(item.usd, 2) for item in items}


def test_a_small_bill_by_hand() -> None:
    assert usd(bill(STANDING, FLOW, PRICES)) == {
        ("Kinesis", "shards"): 21.90,  # 2 x 730 x 0.015
        ("Kinesis", "put units"): 14.00,
        ("Fargate", "vCPU"): 59.10,  # 2 x 730 x 0.04048
        ("Fargate", "memory"): 12.98,
        ("RDS", "db.r6g.large"): 328.50,  # with its standby
        ("RDS", "gp3"): 23.00,
        ("S3", "PUT requests"): 0.50,
        ("S3", "lake"): 2.30,
        ("DynamoDB", "leases and checkpoints, writes"): 0.62,
        ("DynamoDB", "leases, reads"): 0.12,
        ("SNS", "alerts"): 0.50,
        ("CloudWatch", "logs and metrics in them"): 5.00,
        ("CloudWatch", "metrics"): 13.50,
        ("network", "NAT"): 65.70,
        ("network", "interface endpoints"): 87.60,
        ("network", "through endpoints"): 4.66,
    }


def test_events_over_25_kb_take_more_put_units() -> None:
    large = replace(FLOW, event_bytes=25_001)
    assert usd(bill(STANDING, large, PRICES))["Kinesis", "put units"] == 28.00


def test_on_demand_rounds_records_up_to_a_kilobyte() -> None:
    items = usd(bill(replace(STANDING, shards_mode="on-demand"), FLOW, PRICES))
    assert items["Kinesis", "put"] == round(1e9 * 1024 / 2**30 * 0.08, 2)
    assert items["Kinesis", "read"] == round(1e9 * 500 / 2**30 * 0.04, 2)
    assert items["Kinesis", "stream on demand"] == 29.20
    assert ("Kinesis", "shards") not in items


@pytest.mark.parametrize("mode", ["provisioned", "on-demand"])
def test_fan_out_and_a_longer_stream_cost_more(mode: str) -> None:
    plain = replace(STANDING, shards_mode=mode)  # type: ignore[arg-type]
    totals = [
        sum(usd(bill(standing, FLOW, PRICES)).values())
        for standing in (plain, replace(plain, is_fan_out=True), replace(plain, stream_hours=168))
    ]
    assert totals[0] < totals[1]
    assert totals[0] < totals[2]


def test_a_standby_doubles_the_ledger_and_its_disk() -> None:
    fast = replace(STANDING, extra_iops=1_000, extra_mib_s=100)
    alone, both = (usd(bill(replace(fast, is_multi_az=is_multi_az), FLOW, PRICES)) for is_multi_az in (False, True))
    for what in ("db.r6g.large", "gp3", "gp3, IOPS", "gp3, MiB/s"):
        assert both["RDS", what] == pytest.approx(2 * alone["RDS", what])


def test_a_large_lake_gets_cheaper_by_the_gigabyte() -> None:
    items = bill(STANDING, replace(FLOW, lake_kept_gb=600 * 1024), PRICES)
    lake = [(item.quantity, item.usd_each) for item in items if item.what == "lake"]
    assert lake == [(50 * 1024, 0.023), (450 * 1024, 0.022), (100 * 1024, 0.021)]


def test_a_class_without_a_price_is_refused() -> None:
    with pytest.raises(PlanRefused, match=r"no price of db\.x9\.huge in us-east-1; there is one of db\.t4g\.medium"):
        bill(replace(STANDING, database_class="db.x9.huge"), FLOW, PRICES)


def test_every_price_names_its_page_and_says_whether_it_is_estimated() -> None:
    assert all(price.source.startswith("https://") and price.per for price in PRICES.prices.values())
    estimated = [item for item in bill(replace(STANDING, extra_mib_s=1), FLOW, PRICES) if item.is_estimated]
    assert [item.what for item in estimated] == ["gp3, MiB/s"]
    assert PRICES.seen.year >= 2026


def test_a_plan_takes_no_class_that_only_bursts() -> None:
    assert "db.t4g.medium" in {one.name for one in PRICES.database_classes}
    assert "db.t4g.medium" not in {one.name for one in PRICES.steady_classes}


def spoiled(old: str, new: str) -> bytes:
    text = TABLE.read_text()
    assert old in text
    return text.replace(old, new, 1).encode()


WRONG = {
    "no TOML": (b"region =", "is no price table"),
    "no text": (b"\xff", "is no price table"),
    "a price is missing": (spoiled("[prices.sns_million]", "[prices.unknown]"), "is no price table"),
    "a price is left out": (
        spoiled("[prices.nat_hour]\nusd = 0.045", "[prices.nat_hour2]\nusd = 0.045"),
        "is no price table",
    ),
    "a price is negative": (spoiled("usd = 0.50", "usd = -1"), "sns_million is not above 0"),
    "a class has no disk": (spoiled("disk_iops = 3_600", "disk_iops = 0"), "db.r6g.large is not above 0"),
    "a member that nobody knows": (spoiled("usd = 0.50", "usd = 0.50\neur = 1"), "is no price table"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_table_that_is_not_whole_is_refused(case: str) -> None:
    data, told = WRONG[case]
    with pytest.raises(PlanRefused) as refused:
        parse_prices(data, "mine.toml")
    assert told in str(refused.value)
    assert "mine.toml" in str(refused.value)


def cut(start: str, end: str) -> bytes:
    before, _, rest = TABLE.read_text().partition(start)
    return (before + end + rest.partition(end)[2]).encode()


def test_a_price_that_is_not_there_is_named() -> None:
    with pytest.raises(PlanRefused, match=r"mine has no price for nat_hour; add it"):
        parse_prices(cut("[prices.nat_hour]", "[prices.endpoint_hour]"), "mine")


def test_a_table_with_no_class_that_lasts_is_refused() -> None:
    head = TABLE.read_text().partition("[[database_classes]]")[0]
    with pytest.raises(PlanRefused, match="no database_classes that last"):
        parse_prices(("database_classes = []\n" + head).encode(), "mine")


def test_a_region_without_a_table_is_refused_with_what_there_is() -> None:
    with pytest.raises(
        PlanRefused, match=r"no prices of the region 'mars-1' here, only of us-east-1; give your own with --prices"
    ):
        load_prices("mars-1")


def test_the_classes_ascend_by_price() -> None:
    def hours(prices: Prices) -> list[float]:
        return [one.usd_hour for one in prices.database_classes]

    assert hours(PRICES) == sorted(hours(PRICES))
