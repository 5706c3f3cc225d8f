"""Files as other people have them: CSV, Parquet and JSON lines, with a mapping or with our own names, give the same events."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from consumer.backfill.errors import BackfillError, MappingError
from consumer.backfill.labels import NO_LABEL, Label, read_labels
from consumer.backfill.mapping import OWN_NAMES, ColumnMapping, LabelTerms, TimestampTerms, read_mapping
from consumer.backfill.sources import Source, find_files
from tests.backfill_builders import HANDBOOK_CSV, HANDBOOK_MAPPING, an_event, rows_of, run, write_lines


def _events(path: Path, mapping: ColumnMapping = OWN_NAMES) -> list[Any]:
    return [json.loads(event) for piece in Source(path, mapping).pieces() for event in piece.events]


def test_a_file_of_the_handbooks_shape_goes_through_with_a_mapping_file(tmp_path: Path) -> None:
    summary = run(HANDBOOK_CSV, tmp_path / "out", mapping=read_mapping(HANDBOOK_MAPPING))
    rows = rows_of(tmp_path / "out")
    frauds = [row for row in rows if row["is_fraud"]]
    assert (summary.rows, summary.refused, summary.labelled) == (300, 0, 300)
    assert (len(frauds), summary.frauds) == (len(frauds), len(frauds))
    assert all((row["known_at"] - row["event_time"]).days == 7 for row in rows)
    assert {row["pattern"] for row in frauds} <= {"1", "2", "3"}
    assert max(row["merchant_fraud_share_30d"] for row in rows[200:]) > 0


@pytest.mark.parametrize(("said", "frauds"), [("1.0", 1), ("TRUE", 1), ("1", 1), ("0.0", 0), ("yes", 0)])
def test_a_label_counts_however_its_number_is_spelled_and_none_that_says_fraud_is_told(
    tmp_path: Path, said: str, frauds: int
) -> None:
    file = tmp_path / "e.csv"
    file.write_text(f"transaction_id,timestamp,user_id,amount,bad\n1,2019-05-01T10:00:00Z,u,5,{said}\n")
    names = {name: name for name in ("transaction_id", "timestamp", "user_id", "amount")}
    summary = run(file, tmp_path / "out", mapping=ColumnMapping(columns=names, label=LabelTerms(column="bad")))
    assert (summary.labelled, summary.frauds) == (1, frauds)
    assert any("no label says fraud" in line and "fraud_values" in line for line in summary.lines()) == (not frauds)


def test_parquet_csv_and_json_lines_of_the_same_rows_give_the_same_events(tmp_path: Path) -> None:
    mapping = read_mapping(HANDBOOK_MAPPING)
    table = pa_csv.read_csv(HANDBOOK_CSV)  # numbers and times have their types there
    pq.write_table(table, tmp_path / "e.parquet")
    lines = [row | {"TX_DATETIME": str(row["TX_DATETIME"])} for row in table.to_pylist()]
    write_lines(tmp_path / "e.jsonl", lines)
    expected = _events(HANDBOOK_CSV, mapping)
    assert _events(tmp_path / "e.parquet", mapping) == expected
    assert _events(tmp_path / "e.jsonl", mapping) == expected


def test_seconds_since_a_start_are_a_time(tmp_path: Path) -> None:
    text = HANDBOOK_MAPPING.read_text().replace('"TX_DATETIME"', '"TX_TIME_SECONDS"')
    text = text.replace('format = "%Y-%m-%d %H:%M:%S"', 'unit = "s"').replace(
        'zone = "UTC"', 'epoch = "2018-04-01T00:00:00Z"'
    )
    (tmp_path / "map.toml").write_text(text)
    assert _events(HANDBOOK_CSV, read_mapping(tmp_path / "map.toml")) == _events(
        HANDBOOK_CSV, read_mapping(HANDBOOK_MAPPING)
    )


def test_without_a_mapping_our_own_names_are_read_inner_ones_too(tmp_path: Path) -> None:
    rows = [an_event(1, location={"country": "SE", "latitude": 59.3}), an_event(2, location=None, hour=3)]
    times = [row | {"timestamp": datetime(2019, 5, 1, 10, tzinfo=UTC)} for row in rows]
    pq.write_table(pa.Table.from_pylist([{"hour": None} | row for row in times]), tmp_path / "e.parquet")
    one, two = _events(tmp_path / "e.parquet")
    assert (one["location"], one["timestamp"]) == ({"country": "SE", "latitude": 59.3}, "2019-05-01T10:00:00.000Z")
    assert (two["location"], two["hour"]) == ({"country": None, "latitude": None}, 3)


def test_a_file_without_our_names_asks_for_a_mapping() -> None:
    with pytest.raises(MappingError, match=r"no column transaction_id; it has TRANSACTION_ID, .*--mapping"):
        _events(HANDBOOK_CSV)


def test_csv_rows_of_another_width_are_set_aside_with_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(
        "transaction_id,timestamp,user_id,amount\n"
        "1,2019-05-01T10:00:00Z,007,1.50\nbroken\n2,2019-05-01T10:00:00Z,007,1.5,9\n3,2019-05-01T10:00:00Z,007,\n"
    )
    [piece] = Source(tmp_path / "e.csv", OWN_NAMES).pieces()
    assert [number for number, _ in piece.broken] == [2, 3]
    assert piece.numbers == [1, 4]
    assert b'"user_id":"007","amount":1.50' in piece.events[0]
    run(tmp_path / "e.csv", tmp_path / "out", allowed_refused=1)
    refused = [json.loads(line) for line in (tmp_path / "out" / "refused.jsonl").read_text().splitlines()]
    assert [(row["row"], row["reason"]) for row in refused] == [
        (2, "broken_row"),
        (3, "broken_row"),
        (4, "invalid_event"),
    ]


def test_lines_that_are_no_objects_are_set_aside_where_a_mapping_looks_into_them(tmp_path: Path) -> None:
    mapping = ColumnMapping(
        columns={"transaction_id": "n", "timestamp": "t", "user_id": "who.id", "amount": "a"},
        timestamp=TimestampTerms(unit="s"),
        constants={"currency": "EUR"},
    )
    write_lines(tmp_path / "e.jsonl", ['{"n": 1, "t": 60, "who": {"id": 8}, "a": 1.10}', "[1]", "{"])
    [piece] = Source(tmp_path / "e.jsonl", mapping).pieces()
    assert piece.events == [
        b'{"transaction_id":"1","timestamp":"1970-01-01T00:01:00.000Z","user_id":"8","amount":1.10,"currency":"EUR"}'
    ]
    assert [number for number, _ in piece.broken] == [2, 3]


def test_a_folder_is_read_by_name_and_gz_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps(an_event(2)).encode()))
    write_lines(folder / "a.jsonl", [an_event(1)])
    (folder / "_SUCCESS.json").touch()
    (folder / "readme.txt").touch()
    assert [path.name for path in find_files([folder])] == ["a.jsonl", "b.jsonl.gz"]
    assert [event["transaction_id"] for path in find_files([folder]) for event in _events(path)] == ["t-1", "t-2"]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "e.parquet").write_bytes(b"PAR1 no PAR1")
    (tmp_path / "e.xlsx").touch()
    with pytest.raises(BackfillError, match=r"e\.parquet: cannot be read"):
        _events(tmp_path / "e.parquet")
    with pytest.raises(BackfillError, match=r"e\.xlsx: its name does not say what it is; read are \.parquet"):
        find_files([tmp_path / "e.xlsx"])
    with pytest.raises(BackfillError, match="no such file"):
        find_files([tmp_path / "e.csv"])


def test_the_first_report_of_a_source_stands_and_fraud_outweighs_another_source(tmp_path: Path) -> None:
    def report(number: int, *, is_fraud: bool, day: int, source: str | None) -> dict[str, Any]:
        at = f"2019-05-{day:02d}T00:00:00Z"
        return {"transaction_id": f"t-{number}", "is_fraud": is_fraud, "source": source, "reported_at": at}

    book = read_labels(
        [
            write_lines(
                tmp_path / "l.jsonl",
                [
                    report(1, is_fraud=True, day=9, source="bank"),
                    report(1, is_fraud=False, day=8, source="bank"),
                    report(2, is_fraud=False, day=3, source="bank"),
                    report(2, is_fraud=True, day=5, source="customer"),
                    report(2, is_fraud=True, day=4, source="analyst"),
                ],
            )
        ]
    )
    day_ms = 86_400_000
    first_ms = round(datetime(2019, 5, 1, tzinfo=UTC).timestamp()) * 1000
    assert book.at(book.place("t-1")) == Label(0, first_ms + 7 * day_ms)
    assert book.at(book.place("t-2")) == Label(1, first_ms + 3 * day_ms)
    assert book.at(book.place("t-3")) == NO_LABEL


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ('{"transaction_id": "1", "is_fraud": "maybe"}', r"row 1: is_fraud is 'maybe'; write true or false"),
        ('{"transaction_id": null, "is_fraud": true}', "row 1: a label needs a transaction_id"),
        ('{"transaction_id": "1", "is_fraud": 1, "reported_at": "monday"}', "row 1: Not an RFC 3339"),
        ('{"transaction_id": "1"}', "labels need the columns transaction_id and is_fraud; it has transaction_id"),
        ('[]\n{"transaction_id": "1", "is_fraud": true}', "row 1: is no JSON object"),
    ],
)
def test_a_bad_label_ends_the_run_with_its_place(tmp_path: Path, label: str, told: str) -> None:
    with pytest.raises(BackfillError, match=told):
        read_labels([write_lines(tmp_path / "l.jsonl", [label])])


def test_labels_from_two_places_are_refused(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [an_event(1)])
    mapping = OWN_NAMES.model_copy(update={"label": LabelTerms(column="is_fraud")})
    with pytest.raises(BackfillError, match=r"--labels or from the mapping's \[label\]"):
        run(events, tmp_path / "out", labels=[events], mapping=mapping)
