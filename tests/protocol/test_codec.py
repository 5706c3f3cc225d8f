"""The protocol without a process: framing, messages, records."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.kinesis.exits import ExitCode, describe_exit
from consumer.kinesis.launcher import NO_CODE, NO_HOST
from consumer.kinesis.protocol import (
    CheckpointReply,
    Initialize,
    LeaseLostNotice,
    LineFramer,
    ProcessRecords,
    ProtocolError,
    ShardEnded,
    ShutdownRequested,
    WireRecord,
    checkpoint_of,
    decode_message,
    encode_checkpoint,
    encode_status,
    stream_records,
)
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition, StreamRecord

EPOCH, SHARD = StreamEpoch("20250101T000000Z"), ShardId("shardId-000000000003")


def a_line(action: str, **fields: Any) -> bytes:
    return json.dumps({"action": action, **fields}).encode()


def a_record(content: bytes = b"x", **changes: Any) -> dict[str, Any]:
    return {
        "action": "record",
        "data": base64.b64encode(content).decode(),
        "partitionKey": "a user",
        "sequenceNumber": "49600000000000000000000000000000000000000000000000000001",
        "subSequenceNumber": 2,
        "approximateArrivalTimestamp": 1_735_689_600_123,
        **changes,
    }


@given(
    lines=st.lists(st.binary().map(lambda line: line.replace(b"\n", b" "))),
    cuts=st.lists(st.integers(1, 7), min_size=1),
)
def test_lines_come_out_whole_however_the_stream_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream, framer, seen = b"".join(line + b"\n" for line in lines), LineFramer(), []
    turn = 0
    while stream:
        length = cuts[turn % len(cuts)]
        framer.feed(stream[:length])
        stream, turn = stream[length:], turn + 1
        while (line := framer.next_line()) is not None:
            seen.append(line)

    assert seen == lines


def test_an_incomplete_line_waits_for_its_end() -> None:
    framer = LineFramer()
    framer.feed(b'{"action"')

    assert framer.next_line() is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (a_line("initialize", shardId="s", sequenceNumber="12", subSequenceNumber=3), Initialize("s", "12", 3)),
        (a_line("processRecords", records=[], millisBehindLatest=5), ProcessRecords([], 5)),
        (a_line("processRecords", records=[], millisBehindLatest=None), ProcessRecords([], None)),
        (a_line("checkpoint", sequenceNumber="12", subSequenceNumber=0, error=None), CheckpointReply("12", 0, None)),
        (a_line("leaseLost"), LeaseLostNotice()),
        (a_line("shardEnded"), ShardEnded()),
        (a_line("shutdownRequested", somethingNew=1), ShutdownRequested()),
    ],
)
def test_each_message_of_the_daemon_is_understood(line: bytes, message: object) -> None:
    assert decode_message(line) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b'{"action":"status","responseFor":"initialize"}',
        b'{"action":"leaseLost"} trailing',
        a_line("processRecords", records=[a_record(approximateArrivalTimestamp=None)]),
        a_line("processRecords", records=[a_record(data=None)]),
    ],
)
def test_any_other_line_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_message(line)


def test_a_protocol_error_says_where_but_shows_nothing_of_the_line() -> None:
    line = a_line("processRecords", records=[a_record(partitionKey="4111111111111111", sequenceNumber=7)])

    with pytest.raises(ProtocolError, match=r"sequenceNumber") as caught:
        decode_message(line)
    assert "4111" not in str(caught.value)


def test_a_record_gets_its_whole_position_and_an_aware_arrival_time() -> None:
    message = decode_message(a_line("processRecords", records=[a_record(b"\x00\xff")], millisBehindLatest=0))
    assert isinstance(message, ProcessRecords)

    assert stream_records(message.records, EPOCH, SHARD) == [
        StreamRecord(
            b"\x00\xff",
            "a user",
            StreamPosition(EPOCH, SHARD, 49600000000000000000000000000000000000000000000000000001, 2),
            datetime(2025, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC),
        )
    ]


def test_each_record_has_its_own_arrival_time_however_they_are_mixed() -> None:
    arrived_ms = [0, 5, 5, 1_735_689_600_123, 5, 1_735_689_600_123, 1_735_689_600_124, -1]
    records = [a_record(approximateArrivalTimestamp=ms) for ms in arrived_ms]
    message = decode_message(a_line("processRecords", records=records, millisBehindLatest=0))
    assert isinstance(message, ProcessRecords)

    arrivals = [record.arrival_time for record in stream_records(message.records, EPOCH, SHARD)]
    assert arrivals == [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms) for ms in arrived_ms]


@pytest.mark.parametrize("text", ["", "SHARD_END", "-1", "+1", " 1", "1_0", "1.5", "\u0661", "²"])
def test_a_record_whose_sequence_number_is_none_is_a_protocol_error(text: str) -> None:
    with pytest.raises(ProtocolError, match="sequence number"):
        stream_records([WireRecord(b"", "a user", text, 0)], EPOCH, SHARD)


@given(arrival_ms=st.integers(0, 4_102_444_800_000))
def test_arrival_times_are_exact_to_the_millisecond(arrival_ms: int) -> None:
    message = decode_message(
        a_line("processRecords", records=[a_record(approximateArrivalTimestamp=arrival_ms)], millisBehindLatest=0)
    )
    assert isinstance(message, ProcessRecords)
    arrival = stream_records(message.records, EPOCH, SHARD)[0].arrival_time

    assert arrival.microsecond % 1000 == 0
    assert round(arrival.timestamp() * 1000) == arrival_ms


@pytest.mark.parametrize("sentinel", ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP", None])
def test_a_sentinel_is_no_checkpoint_of_ours(sentinel: str | None) -> None:
    assert checkpoint_of(Initialize("s", sentinel, 0)) is None


def test_a_number_is_a_checkpoint_of_ours() -> None:
    assert checkpoint_of(Initialize("s", "17", None)) == Position(17, 0)
    assert checkpoint_of(Initialize("s", "17", 4)) == Position(17, 4)


@pytest.mark.parametrize("text", ["", "SHARD_END", "-1", "1.5", "\u0661"])
def test_anything_else_is_no_place_to_start_from(text: str) -> None:
    with pytest.raises(ProtocolError):
        checkpoint_of(Initialize("s", text, 0))


def test_answers_are_one_line_each() -> None:
    assert encode_status("processRecords") == b'{"action":"status","responseFor":"processRecords"}\n'
    assert (
        encode_checkpoint(Position(17, 4)) == b'{"action":"checkpoint","sequenceNumber":"17","subSequenceNumber":4}\n'
    )
    assert encode_checkpoint(None) == b'{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null}\n'


def test_the_launcher_uses_the_codes_that_the_host_explains() -> None:
    assert (NO_HOST, NO_CODE) == (ExitCode.NO_HOST, ExitCode.NO_CODE)


@pytest.mark.parametrize("code", [*ExitCode, -9, 200])
def test_every_way_to_end_has_a_cause_and_a_remedy(code: int) -> None:
    meaning = describe_exit(code)

    assert meaning.cause
    assert meaning.remedy
