"""Labels out of files as people have them: JSON lines, CSV and Parquet, with lines that hold none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from consumer.operations.label_files import LabelLine, read_labels
from producers.errors import FileFormatError
from schemas.label import Label

REPORTED = datetime(2026, 3, 19, 8, 0, 0, 123_000, UTC)
ROW: dict[str, Any] = {
    "transaction_id": "t-1",
    "is_fraud": True,
    "source": "chargeback",
    "reported_at": "2026-03-19T09:00:00.123456+01:00",
}
LABEL = Label.model_validate(ROW)


def read(folder: Path, name: str, content: str | bytes, source: str | None = None) -> list[LabelLine]:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_labels(file, source))


def read_table(folder: Path, columns: dict[str, Any], source: str | None = None) -> list[LabelLine]:
    parquet.write_table(pa.table(columns), folder / "labels.parquet")
    return list(read_labels(folder / "labels.parquet", source))


def reasons(lines: list[LabelLine]) -> dict[int, str]:
    return {line.number: line.reason for line in lines if line.label is None}


def test_a_label_is_read_alike_from_every_kind_of_file(tmp_path: Path) -> None:
    row = {**ROW, "pattern": "account_takeover"}
    text = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"
    files = [
        read(tmp_path, "labels.jsonl", json.dumps(row)),
        read(tmp_path, "labels.json", json.dumps([row])),
        read(tmp_path, "labels.csv", text),
        read(tmp_path, "LABELS.CSV", "\ufeff" + text.replace("True", "1").replace("\n", "\r\n")),
        read_table(tmp_path, {name: [value] for name, value in row.items()}),
        read_table(tmp_path, {**{name: [value] for name, value in row.items()}, "reported_at": pa.array([REPORTED])}),
    ]

    assert [[line.label for line in lines] for lines in files] == [[LABEL]] * len(files)
    assert LABEL.reported_at == REPORTED


def test_a_bad_line_is_told_with_its_number_and_the_rest_is_read(tmp_path: Path) -> None:
    good = json.dumps(ROW)
    bad = ["{", "[]", '{"transaction_id": 7.5}', json.dumps({**ROW, "is_fraud": "perhaps"}), " " * 70_000 + good]

    lines = read(tmp_path, "labels.jsonl", "\n".join([good, *bad, "", good]))

    assert [line.number for line in lines if line.label == LABEL] == [1, 8]
    told = reasons(lines)
    assert list(told) == [2, 3, 4, 5, 6]
    assert told[2].startswith("is no JSON")
    assert told[3] == "is no JSON object"
    assert {part.split(":")[0] for part in told[4].split("; ")} == {
        "transaction_id", "is_fraud", "source", "reported_at", "give --source"
    }  # fmt: skip
    assert told[5] == "is_fraud: Input should be a valid boolean"
    assert told[6] == "is longer than 65536 bytes"


def test_a_source_is_given_for_lines_that_name_none(tmp_path: Path) -> None:
    rows = [ROW, {name: value for name, value in ROW.items() if name != "source"}, {**ROW, "source": ""}]

    lines = read(tmp_path, "labels.jsonl", "\n".join(map(json.dumps, rows)), source="analyst")

    assert [line.label.source for line in lines if line.label] == ["chargeback", "analyst", "analyst"]


def test_a_table_may_hold_numbers_moments_and_empty_cells(tmp_path: Path) -> None:
    nanoseconds = (
        pa.array([REPORTED.timestamp() * 1e9, None], pa.float64()).cast(pa.int64()).cast(pa.timestamp("ns", "UTC"))
    )
    columns = {"transaction_id": [17, 18], "is_fraud": [1, 0], "reported_at": pa.array([REPORTED] * 2)}

    first, second = read_table(tmp_path, {**columns, "timestamp": nanoseconds}, source="analyst")

    assert first.label is not None
    assert second.label is not None
    assert (first.label.transaction_id, first.label.is_fraud, second.label.is_fraud) == ("17", True, False)
    assert first.label.timestamp is not None
    assert abs((first.label.timestamp - REPORTED).total_seconds()) <= 0.001
    assert second.label.timestamp is None


def test_a_moment_without_an_offset_is_refused(tmp_path: Path) -> None:
    columns = {"transaction_id": ["t-1"], "is_fraud": [True], "reported_at": pa.array([REPORTED.replace(tzinfo=None)])}

    lines = read_table(tmp_path, columns, source="analyst")

    assert "RFC 3339 date and time with an offset" in reasons(lines)[1]


def test_ragged_lines_of_csv_and_bytes_that_are_no_text_cost_themselves_alone(tmp_path: Path) -> None:
    head, good = b"transaction_id,is_fraud,source,reported_at", b"t-1,true,chargeback,2026-03-19T08:00:00.123Z"
    bad = [b"t-1,true", good + b",more", good.replace(b"t-1", b"\xff"), b'"t-1'.join([b"", good])]

    lines = read(tmp_path, "labels.csv", b"\n".join([head, good, *bad, good]))

    assert [line.number for line in lines if line.label] == [2]
    told = reasons(lines)
    assert told[3] == told[4] == "has not as many cells as the first line"
    assert "transaction_id" in told[5]
    assert "what follows cannot be read" in told[max(told)]


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_a_table_without_a_column_that_is_needed_is_told_as_a_whole(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name.endswith("csv"):
        file.write_text("transaction_id,fraud\n1,1\n")
    else:
        parquet.write_table(pa.table({"transaction_id": ["1"], "fraud": [1]}), file)

    with pytest.raises(FileFormatError, match="no column is_fraud, reported_at; it has: transaction_id, fraud"):
        list(read_labels(file, None))


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no Parquet"):
        read(tmp_path, "labels.parquet", b"transaction_id")
