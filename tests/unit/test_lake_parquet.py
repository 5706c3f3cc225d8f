"""The files analysts read: schema, layout, exact values; and that writing them starts no thread."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.decision import Decision, Reason
from schemas.lake import LAKE_COLUMNS
from schemas.position import StreamPosition
from sinks.lake.parquet import DECISIONS_SCHEMA, encode, to_table
from tests.property.chain_stream import EPOCH, SHARD, a_decision

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
FEATURES = np.array([0.1, np.nan, -3.5], dtype="<f4")


def a_row(number: int, **changes: object) -> Decision:
    moment = NOON + timedelta(milliseconds=number)
    return a_decision(StreamPosition(EPOCH, SHARD, 10**55 + number), f"tx-{number}", moment, **changes)


def read(contents: bytes) -> pa.Table:
    return pq.read_table(BytesIO(contents))


def test_the_columns_are_those_of_the_one_list() -> None:
    assert DECISIONS_SCHEMA.names == [column.name for column in LAKE_COLUMNS]
    assert [field.nullable for field in DECISIONS_SCHEMA] == [not column.required for column in LAKE_COLUMNS]


def test_values_come_back_exactly() -> None:
    reasons = (Reason("amount_high", 9.0, 1.25), Reason("night", None, 0.5))
    row = a_row(1, reasons=reasons, features=FEATURES.tobytes(), amount=Decimal("9999999999999999.99"), score=0.25)
    (found,) = read(encode([row])).to_pylist()
    expected = row._asdict()
    assert found.pop("reasons") == ["amount_high", "night"]
    assert found.pop("reason_contributions") == [1.25, 0.5]
    np.testing.assert_array_equal(np.array(found.pop("features"), dtype="<f4"), FEATURES)
    assert found == {name: expected[name] for name in found}


def test_absent_reasons_are_null_and_no_reasons_are_an_empty_list() -> None:
    table = read(encode([a_row(1), a_row(2, reasons=())]))
    assert table.column("reasons").to_pylist() == [None, []]
    assert table.column("reason_contributions").to_pylist() == [None, []]


def test_feature_vectors_may_differ_in_length() -> None:
    rows = [a_row(1, features=FEATURES.tobytes()), a_row(2, features=b""), a_row(3, features=FEATURES[2:].tobytes())]
    vectors: list[Any] = to_table(rows).column("features").to_pylist()
    assert [len(vector) for vector in vectors] == [3, 0, 1]


def test_a_file_without_rows_has_the_full_schema() -> None:
    table = read(encode([]))
    assert table.num_rows == 0
    assert table.schema.equals(DECISIONS_SCHEMA)


def test_rows_are_sorted_by_event_time_and_the_bytes_do_not_depend_on_their_order() -> None:
    rows = [a_row(number) for number in range(50)]
    shuffled = Random(1).sample(rows, len(rows))
    assert encode(shuffled) == encode(rows)
    assert read(encode(shuffled)).column("event_time").to_pylist() == [row.event_time for row in rows]


def test_the_layout_is_what_athena_reads_fast() -> None:
    metadata = pq.ParquetFile(BytesIO(encode([a_row(number) for number in range(50)]))).metadata.row_group(0)
    columns: dict[str, Any] = {
        metadata.column(i).path_in_schema: metadata.column(i) for i in range(metadata.num_columns)
    }
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert all(column.has_offset_index and column.has_column_index for column in columns.values())
    assert [column.column_index for column in metadata.sorting_columns] == [
        DECISIONS_SCHEMA.get_field_index("event_time")
    ]
    bloomed = {name for name, column in columns.items() if column.bloom_filter_offset is not None}
    assert bloomed == {"transaction_id", "user_id"}
    coded = {name for name, column in columns.items() if column.has_dictionary_page}
    assert {"currency", "merchant_id", "risk_level", "model_version"} <= coded
    assert not coded & {"transaction_id", "user_id", "device_id", "location_latitude", "score", "sequence_number"}


def test_many_rows_are_one_piece_in_their_order() -> None:
    rows = [a_row(number, ip_address=None if number % 3 else str(number)) for number in range(2_500)]

    table = to_table(rows)

    assert {column.num_chunks for column in table.columns} == {1}
    assert table.column("transaction_id").to_pylist() == [row.transaction_id for row in rows]
    assert table.column("ip_address").to_pylist() == [row.ip_address for row in rows]
    vectors: list[Any] = table.column("features").to_pylist()
    assert {len(vector) for vector in vectors} == {len(rows[0].features) // 4}


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    ],
)
def test_a_time_is_exact_wherever_the_calendar_has_it(moment: datetime) -> None:
    assert read(encode([a_row(1, event_time=moment)])).column("event_time").to_pylist() == [moment]


def test_times_are_milliseconds_in_utc_and_never_int96() -> None:
    file = pq.ParquetFile(BytesIO(encode([a_row(1)])))
    event_time = file.schema.column(file.schema_arrow.get_field_index("event_time"))
    assert event_time.physical_type == "INT64"
    assert file.schema_arrow.field("event_time").type == pa.timestamp("ms", tz="UTC")


def test_an_amount_with_a_third_decimal_is_an_error_and_not_rounded() -> None:
    with pytest.raises(pa.ArrowInvalid):
        encode([a_row(1, amount=Decimal("1.005"))])


def test_a_missing_value_that_is_required_is_an_error() -> None:
    with pytest.raises(pa.ArrowInvalid):
        encode([a_row(1, risk_level=None)])


_COUNT_THREADS = """
import os
from sinks.lake.parquet import encode
from tests.unit.test_lake_parquet import a_row
before = len(os.listdir("/proc/self/task"))
encode([a_row(number) for number in range(20_000)])
print(before, len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads as Linux shows them")
def test_writing_starts_no_thread_and_one_setting_keeps_the_import_from_it() -> None:
    quiet = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OPENBLAS_NUM_THREADS": "1"}
    counted = subprocess.run(
        [sys.executable, "-c", _COUNT_THREADS], env={**os.environ, **quiet}, capture_output=True, text=True, check=True
    )
    assert counted.stdout.split() == ["1", "1"]
