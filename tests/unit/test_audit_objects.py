"""What the audit makes of a bucket: chunks, letters, and whatever else somebody left there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consumer.auditing.dead_letters import read_dead_letters
from consumer.auditing.lake import read_lake
from consumer.auditing.objects import Bucket
from schemas.dead_letter import DeadLetter
from schemas.position import StreamEpoch
from sinks.dead_letters.keys import dead_letter_key
from sinks.lake.keys import chunk_key
from sinks.lake.parquet import encode
from tests.audit_builders import RECORDS, WHOLE
from tests.pipeline_builders import EPOCH, NOW

FIRST = RECORDS[0].position
KEY = chunk_key(NOW.date(), FIRST)
OTHER_EPOCH = chunk_key(NOW.date(), FIRST._replace(stream_epoch=StreamEpoch("20250101T000000Z")))
CHUNK = encode(list(WHOLE.decisions))
MARKERS = ["decisions/v1/", "decisions/v1/dt=2026-03-01/", f"{KEY}.tmp"]
LETTER = next(iter(WHOLE.dead_letters.values()))


class S3:
    """Objects by key, as S3 lists and gives them."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects
        self.got: list[str] = []

    def get_paginator(self, _: str) -> S3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[Any]:  # noqa: N803 - boto3's names
        assert Bucket == "bucket"
        yield {}
        yield {"Contents": [{"Key": key} for key in sorted(self._objects) if key.startswith(Prefix)]}

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803, ARG002 - boto3's names
        self.got.append(Key)
        return {"Body": io.BytesIO(self._objects[Key])}


def _bucket(s3: S3) -> Bucket:
    return Bucket(cast("Any", s3), "bucket")


def _parquet(**columns: list[Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_the_rows_of_the_epochs_chunks_are_read_and_no_other_object() -> None:
    s3 = S3({KEY: CHUNK, OTHER_EPOCH: b"not read", **dict.fromkeys(MARKERS, b"")})
    lake = read_lake(_bucket(s3), EPOCH)
    assert {row.values["transaction_id"] for row in lake.rows} == {row.transaction_id for row in WHOLE.decisions}
    assert {row.key for row in lake.rows} == {KEY}
    assert (lake.damaged, lake.foreign, s3.got) == ([], MARKERS, [KEY])


BROKEN = {
    "empty": b"",
    "no Parquet": b"hello, world",
    "cut off": CHUNK[: len(CHUNK) // 2],
    "torn": CHUNK[:200] + b"\xff" * 200 + CHUNK[400:],
    "Parquet of something else": _parquet(name=["x"]),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_chunk_that_cannot_be_read_is_named_and_the_others_are_read(how: str) -> None:
    after = chunk_key(NOW.date(), FIRST._replace(sequence_number=9))
    lake = read_lake(_bucket(S3({KEY: BROKEN[how], after: CHUNK})), EPOCH)
    assert lake.damaged == [KEY]
    assert {row.key for row in lake.rows} == {after}


def _json(letter: DeadLetter) -> bytes:
    return letter.model_dump_json(by_alias=True).encode()


def test_the_epochs_dead_letters_are_read_and_no_other_object() -> None:
    key = dead_letter_key(LETTER)
    other = dead_letter_key(LETTER.model_copy(update={"stream_epoch": "20250101T000000Z"}))
    s3 = S3({key: _json(LETTER), other: b"not read", "dead-letters/v1/": b""})
    found = read_dead_letters(_bucket(s3), EPOCH)
    assert (list(found.letters.values()), found.damaged, found.foreign) == ([LETTER], [], ["dead-letters/v1/"])
    assert s3.got == [key]


def test_a_dead_letter_that_cannot_be_read_or_stands_elsewhere_is_named() -> None:
    key = dead_letter_key(LETTER)
    later = dead_letter_key(LETTER.model_copy(update={"arrival_time": LETTER.arrival_time + timedelta(days=1)}))
    found = read_dead_letters(_bucket(S3({key: b"{", later: _json(LETTER)})), EPOCH)
    assert (found.letters, found.damaged) == ({}, [key, later])
