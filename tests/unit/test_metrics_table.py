from __future__ import annotations

import json

from consumer.operations.metrics_table import metrics_table
from consumer.telemetry.emf_reader import Series, read_emf


def a_line(**members: object) -> str:
    return json.dumps({"_aws": {"Timestamp": 0, "CloudWatchMetrics": []}, "Application": "a", **members}) + "\n"


LOG = [
    '{"event": "shard_started", "level": "info"}\n',
    a_line(RecordsConsumed=10, DecisionsMade=9, DecisionLatency=[10, 30, 20]),
    a_line(RecordsConsumed=1_000, DecisionLatency=40),
    a_line(RecordsRefused=1, Stage="decode"),
    a_line(RecordsRefused=2, Stage="commit"),
    a_line(MemoryUsed=90_000_000, Process="host"),
    a_line(MemoryUsed=110_000_000, Process="host"),
]


def test_documents_of_all_processes_come_to_one_series_a_metric() -> None:
    series = read_emf(LOG)
    assert series["RecordsConsumed", None].total == 1_010
    assert series["DecisionLatency", None].values == [10, 30, 20, 40]
    assert series["RecordsRefused", "commit"].total == 2


def test_lines_that_are_no_metrics_or_only_half_of_them_are_passed_over() -> None:
    half = a_line(RecordsConsumed=5)[:-20]
    mixed = a_line(RecordsConsumed=5).replace("{", '{"event": "x', 1)
    others = [half, mixed, "", "\n", '"_aws"', "[]", "\0" * 10, '{"_aws": {}}']
    assert read_emf(others) == {}
    assert read_emf([*others, *LOG]) == read_emf(LOG)


def test_a_percentile_is_a_value_that_was_observed() -> None:
    series = Series([5, 1, 4, 2, 3])
    assert [series.percentile(share) for share in (0.0, 0.2, 0.5, 0.99, 1.0)] == [1, 1, 3, 5, 5]


def test_the_table_shows_sums_spreads_and_peaks() -> None:
    head, *rows = metrics_table(LOG)
    assert "CloudWatch" in head
    assert [" ".join(row.split()) for row in rows] == [
        "RecordsConsumed 1,010",
        "DecisionsMade 9",
        "RecordsRefused 3 (decode 1, commit 2)",
        "DecisionLatency p50 20 ms p99 40 ms max 40 ms",
        "MemoryUsed host 110 MB",
    ]


def test_a_log_without_metrics_has_no_table() -> None:
    assert list(metrics_table(["", '{"event": "cannot_start"}'])) == []
