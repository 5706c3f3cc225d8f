"""What a backfill writes: order, labels, resends, refusals, and a folder that is whole or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from consumer.backfill.errors import BackfillError, TooManyRefused
from consumer.backfill.run import Plan, backfill
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.features import VELOCITY
from consumer.scoring.golden import recompute
from consumer.scoring.manifest import Golden
from schemas.lake import LAKE_COLUMNS
from tests.backfill_builders import Told, an_event, rows_of, run, velocity_bundle, write_lines


def test_events_are_sorted_by_time_and_ties_keep_their_order(tmp_path: Path) -> None:
    events = [an_event(1, "2019-05-01T12:00:00Z"), an_event(2), an_event(3, "2019-05-01T12:00:00Z")]
    run(write_lines(tmp_path / "e.jsonl", events), tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [row["transaction_id"] for row in rows] == ["t-2", "t-1", "t-3"]
    assert [row["user_count_1d"] for row in rows] == [1, 2, 3]


def test_events_as_arrived_are_late_where_they_are_late_and_stand_sorted_in_the_file(tmp_path: Path) -> None:
    events = [an_event(1, "2019-05-01T12:00:00Z"), an_event(2)]
    run(write_lines(tmp_path / "e.jsonl", events), tmp_path / "out", is_as_arrived=True)
    rows = rows_of(tmp_path / "out")
    assert [(row["transaction_id"], row["user_count_1d"]) for row in rows] == [("t-2", 1), ("t-1", 1)]
    assert pq.read_schema(tmp_path / "out" / "features.parquet").metadata[b"feature_set"] == b"velocity/1"


def test_the_columns_are_the_facts_the_features_in_their_order_and_the_outcome(tmp_path: Path) -> None:
    run(write_lines(tmp_path / "e.jsonl", [an_event(1, amount=3, currency="EUR")]), tmp_path / "out")
    names = pq.read_schema(tmp_path / "out" / "features.parquet").names
    assert tuple(names[:6]) == ("transaction_id", "event_time", "user_id", "merchant_id", "card_id", "amount")
    assert tuple(names[6:-4]) == VELOCITY.names
    assert names[-4:] == ["is_fraud", "known_at", "pattern", "truth"]
    [row] = rows_of(tmp_path / "out")
    assert row["amount"] == row["user_sum_1d"].__round__(2) != 3  # in dollars


def test_a_label_counts_for_the_merchant_from_the_hour_after_it_became_known(tmp_path: Path) -> None:
    """Fraud on 1 May, 10:20; known on 9 May at 11:30; asked about 8, 9 and 9 May, with windows that end a week before."""
    events = write_lines(
        tmp_path / "e.jsonl",
        [
            an_event(1, "2019-05-01T10:20:00Z", user_id="a"),
            an_event(2, "2019-05-08T11:10:00Z", user_id="b"),
            an_event(3, "2019-05-09T11:50:00Z", user_id="c"),
            an_event(4, "2019-05-09T12:00:00Z", user_id="d"),
        ],
    )
    labels = write_lines(
        tmp_path / "l.jsonl", [{"transaction_id": "t-1", "is_fraud": True, "reported_at": "2019-05-09T11:30:00Z"}]
    )
    run(events, tmp_path / "out", labels=[labels])
    shares = [row["merchant_fraud_share_7d"] for row in rows_of(tmp_path / "out")]
    assert np.isnan(shares[0])
    assert shares[1:] == [0, 0, 1]


def test_many_days_in_one_batch_see_the_merchants_hours_that_are_closed(tmp_path: Path) -> None:
    events = [an_event(day, f"2019-05-{day:02d}T10:00:00Z", user_id=f"u-{day}") for day in range(1, 31)]
    run(write_lines(tmp_path / "e.jsonl", events), tmp_path / "out")
    assert [row["merchant_count_30d"] for row in rows_of(tmp_path / "out")] == [max(0, day - 8) for day in range(1, 31)]


def test_labels_truth_and_pattern_stand_beside_the_features(tmp_path: Path) -> None:
    labels = write_lines(
        tmp_path / "l.jsonl", [{"transaction_id": "t-1", "is_fraud": True, "reported_at": "2019-05-03T00:00:00Z"}]
    )
    truth = write_lines(tmp_path / "t.jsonl", [{"transaction_id": "t-2", "is_fraud": True, "pattern": "burst"}])
    events = write_lines(tmp_path / "e.jsonl", [an_event(1), an_event(2)])
    summary = run(events, tmp_path / "out", labels=[labels], truth=[truth])
    one, two = rows_of(tmp_path / "out")
    assert (one["is_fraud"], one["known_at"].isoformat(), one["truth"]) == (True, "2019-05-03T00:00:00+00:00", False)
    assert (two["is_fraud"], two["known_at"], two["pattern"], two["truth"]) == (None, None, "burst", True)
    assert (summary.labelled, summary.frauds) == (1, 1)


def test_a_resend_is_decided_once_and_a_conflicting_one_is_refused(tmp_path: Path) -> None:
    events = [an_event(1), an_event(1), an_event(1, amount=11), an_event(1, "2019-05-01T11:00:00Z"), an_event(2)]
    events.append(an_event(1, "2019-05-04T11:00:00Z"))  # beyond the horizon: another event
    summary = run(write_lines(tmp_path / "e.jsonl", events), tmp_path / "out", allowed_refused=1)
    assert (summary.rows, summary.repeated, summary.refused_by_reason) == (3, 1, {"conflicting_resend": 2})


def test_bad_rows_are_written_down_with_their_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines: list[dict[str, Any] | str] = [an_event(1), "", "{", an_event(2, amount=-1), an_event(3)]
    events = write_lines(tmp_path / "e.jsonl", lines)
    summary, told = backfill(Plan([events], tmp_path / "out", allowed_refused=0.5), Told())
    refused = [json.loads(line) for line in (tmp_path / "out" / "refused.jsonl").read_text().splitlines()]
    assert [(row["row"], row["reason"]) for row in refused] == [(3, "invalid_json"), (4, "invalid_event")]
    assert refused[1]["errors"][0]["field"] == "amount"
    assert (summary.rows, summary.refused, told[0]) == (
        2, 2, "2 of 4 rows refused: 1 invalid_json, 1 invalid_event",
    )  # fmt: skip


def test_every_cause_of_refusal_is_shown_and_none_crowds_out_the_others(tmp_path: Path) -> None:
    lines: list[dict[str, Any] | str] = [*["{"] * 20]
    lines += [an_event(1, amount=-1), an_event(2, "yesterday"), *(an_event(n) for n in range(3, 60))]
    told = backfill(Plan([write_lines(tmp_path / "e.jsonl", lines)], tmp_path / "out", allowed_refused=0.5), Told())[1]
    shown = [line.partition(", row ")[2].split(" ")[:2] for line in told if ", row " in line]
    assert shown == [["1:", "invalid_json"], ["2:", "invalid_json"], ["21:", "invalid_event"], ["22:", "invalid_event"]]


def test_too_many_bad_rows_end_the_run_and_leave_nothing(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [an_event(1), an_event(2, amount=1.005)])
    with pytest.raises(TooManyRefused, match=r"(?s)1 of 2 rows.*row 2: invalid_event.*round = 2.*--allow-refused"):
        run(events, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    class _Interrupted(Told):
        def decide(self, done: int, total: int) -> None:
            raise KeyboardInterrupt(f"{done} of {total}")

    events = write_lines(tmp_path / "e.jsonl", [an_event(1)])
    with pytest.raises(KeyboardInterrupt):
        backfill(Plan([events], tmp_path / "out"), _Interrupted())
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]


def test_a_backfill_is_replaced_by_force_only_and_any_other_folder_never(tmp_path: Path) -> None:
    events, other = write_lines(tmp_path / "e.jsonl", [an_event(1)]), tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").touch()
    run(events, tmp_path / "out")
    with pytest.raises(BackfillError, match="--force"):
        run(events, tmp_path / "out")
    run(write_lines(tmp_path / "e.jsonl", [an_event(1), an_event(2)]), tmp_path / "out", is_forced=True)
    assert len(rows_of(tmp_path / "out")) == 2
    with pytest.raises(BackfillError, match="is no backfill"):
        run(events, other, is_forced=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.jsonl", "other", "out"]


def test_decisions_have_the_lakes_columns_and_the_position_of_a_backfill(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [an_event(1), an_event(2)])
    summary = run(events, tmp_path / "out", bundle=load_bundle(DEFAULT_BUNDLE))
    rows = pq.read_table(tmp_path / "out" / "decisions.parquet").to_pylist()
    assert list(rows[0]) == [column.name for column in LAKE_COLUMNS]
    positions = [(row["stream_epoch"], row["shard_id"], row["sequence_number"]) for row in rows]
    assert positions == [("backfill", "backfill", "1"), ("backfill", "backfill", "2")]
    assert all(row["arrival_time"] == row["event_time"] for row in rows)
    assert json.loads((tmp_path / "out" / "backfill.json").read_text())["model_version"] == summary.model_version


def test_the_vector_of_the_decision_is_the_one_in_the_features(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [an_event(n, f"2019-05-01T10:0{n}:00Z") for n in range(5)])
    run(events, tmp_path / "out", bundle=velocity_bundle())
    decided = pq.read_table(tmp_path / "out" / "decisions.parquet")["features"].to_pylist()
    features = pq.read_table(tmp_path / "out" / "features.parquet").select(VELOCITY.names)
    written = np.stack([column.to_numpy() for column in features.columns], axis=1)
    assert np.array(decided, np.float32).tobytes() == written.astype(np.float32).tobytes()


def test_golden_events_give_their_features_from_their_past_alone(tmp_path: Path) -> None:
    events = [
        an_event(n, f"2019-05-{1 + n // 24:02d}T{n % 24:02d}:00:00Z", amount=n, user_id=f"u-{n % 3}")
        for n in range(240)
    ]
    truth = write_lines(tmp_path / "t.jsonl", [{"transaction_id": "t-200", "is_fraud": True, "pattern": "burst"}])
    run(write_lines(tmp_path / "e.jsonl", events), tmp_path / "out", truth=[truth])
    found = json.loads((tmp_path / "out" / "golden.json").read_text())
    assert {"t-200", "t-239"} <= {each["event"]["transaction_id"] for each in found}
    assert list(found[-1]["event"]) == ["transaction_id", "timestamp", "user_id", "amount"]
    assert found[-1]["past"] == []
    for each in found:
        golden = Golden.model_validate_json(json.dumps(each | {"probability": 0.0, "contributions": []}))
        expected = np.array([[np.nan if v is None else v for v in golden.features]], np.float32)
        assert recompute(VELOCITY, golden).tobytes() == expected.tobytes()


def test_no_event_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackfillError, match="no events in"):
        run(write_lines(tmp_path / "e.jsonl", []), tmp_path / "out")
