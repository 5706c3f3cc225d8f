from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.batches import MIB, BatchLimits
from producers.errors import FileFormatError
from producers.files import PublishReport, publish_file
from producers.keys import keyed_record, partition_key
from producers.kinesis import PublisherSettings
from producers.lines import Line, read_events
from producers.records import PAUSE, OutgoingRecord, Pause
from producers.simulator.hostile import hostile_events
from schemas.decode import EventTimeBounds
from schemas.transaction import Transaction
from tests.unit.publisher_transport import ScriptedKinesis

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def an_event(number: int = 1, **changes: Any) -> bytes:
    event = {
        "transaction_id": f"t-{number}",
        "timestamp": "2026-03-01T12:00:00Z",
        "user_id": f"u-{number}",
        "amount": 5,
    }
    return json.dumps(event | changes).encode()


def publish(source: bytes, *, is_forced: bool = False) -> tuple[PublishReport, list[OutgoingRecord]]:
    kinesis = ScriptedKinesis()
    report = publish_file(BytesIO(source), kinesis.publisher(), is_forced=is_forced)
    return report, kinesis.stored


def lines_of(source: BinaryIO, max_line_bytes: int = MIB) -> list[Line]:
    return [line for line in read_events(source, max_line_bytes) if not isinstance(line, Pause)]


def test_good_lines_travel_as_they_are_under_their_user() -> None:
    lines = [an_event(1), b"  " + an_event(2) + b"\r", an_event(3, user_id="Łucja 東京")]

    report, stored = publish(b"\n".join(lines))

    assert stored == [OutgoingRecord(d, k) for d, k in zip(lines, ("u-1", "u-2", "Łucja 東京"), strict=True)]
    assert (report.published, report.refused, report.is_complete, list(report.describe())) == (3, 0, True, [])


def test_bad_lines_are_told_with_their_numbers_and_every_field_and_good_ones_travel_all_the_same() -> None:
    source = b"\n".join([an_event(1), b"{", an_event(2, amount=-1, hour=24), b"", an_event(3)])

    report, stored = publish(source)

    assert [record.data for record in stored] == [an_event(1), an_event(3)]
    assert (report.published, report.refused, report.is_complete) == (2, 3, False)
    numbers, reasons = zip(*report.refusals, strict=True)
    assert numbers == (2, 3, 4)
    assert reasons[0].startswith("invalid_json: ")
    assert reasons[1].startswith("invalid_event: amount: ")
    assert "; hour: " in reasons[1]
    assert reasons[2] == "empty_record"


def test_a_report_is_bounded() -> None:
    report, _ = publish(b"x\n" * 1_000)

    told = list(report.describe())
    assert report.refused == 1_000
    assert told[0].startswith("line 1: invalid_json")
    assert told[19].startswith("line 20: ")
    assert told[20:] == ["... and 980 more lines", told[-1]]
    assert "JSON lines" in told[-1]


def test_blank_lines_at_the_end_are_nobodys_event() -> None:
    report, stored = publish(an_event() + b"\n\n \t\r\n\n")

    assert (report.refused, len(stored)) == (0, 1)


def test_forced_lines_travel_untouched_whatever_they_hold() -> None:
    lines = [
        b"",
        b"\0\0",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b"  ",
        b"[1,2]",
        b"{" * 100_000,
        an_event(1),
        b"x" * 900_000,
        b"",
    ]

    report, stored = publish(b"".join(line + b"\n" for line in lines), is_forced=True)

    assert [record.data for record in stored] == lines
    assert (report.published, report.refused) == (len(lines), 0)


def test_every_hostile_event_can_be_forced_through_a_file() -> None:
    events = [hostile.data for hostile in hostile_events(3, _NOW)]

    _, stored = publish(b"".join(data + b"\n" for data in events), is_forced=True)

    assert [record.data for record in stored] == events


@pytest.mark.parametrize("is_forced", [True, False])
def test_a_line_that_no_stream_takes_is_refused_with_its_number_also_if_forced(is_forced: bool) -> None:
    fits = an_event(1, metadata={"x": "y" * 60_000})
    source = b"\n".join([fits, b"x" * (3 * MIB), an_event(2), b"y" * MIB])

    report, stored = publish(source, is_forced=is_forced)

    assert [record.data for record in stored] == [fits, an_event(2)]
    assert [number for number, _ in report.refusals] == [2, 4]
    assert "larger than 1048576 bytes" in report.refusals[0].reason
    assert ("larger than" if is_forced else "event_too_large") in report.refusals[1].reason


def test_the_consumers_bounds_can_be_checked_too() -> None:
    def check(transaction: Transaction) -> None:
        EventTimeBounds().check(transaction.event_time, _NOW + timedelta(days=30))

    report = publish_file(BytesIO(an_event()), ScriptedKinesis().publisher(), check=check)

    assert report.refusals[0].reason.startswith("event_time_out_of_bounds: timestamp: ")


def test_events_with_unknown_fields_are_sent_and_counted() -> None:
    report, stored = publish(an_event(1, loyalty="gold") + b"\n" + an_event(2))

    assert (len(stored), report.events_with_unknown_fields) == (2, 1)


@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"separators": (" ,\n\n", ":")}])
def test_one_json_array_of_events_is_a_file_too(layout: dict[str, Any]) -> None:
    events = [json.loads(an_event(number)) for number in range(1, 4)]

    report, stored = publish(b"\xef\xbb\xbf \n" + json.dumps(events, **layout).encode() + b"\n")

    assert [json.loads(record.data) for record in stored] == events
    assert report.is_complete


def test_bad_elements_of_an_array_are_told_with_their_place() -> None:
    report, stored = publish(b"[" + b",".join([an_event(1), b'{"a":1}', an_event(2)]) + b"]")

    assert (len(stored), [number for number, _ in report.refusals]) == (2, [2])


@pytest.mark.parametrize("first", [b"[1,2]", b"[", b"[{", b"[" + an_event() + b"]", b"[" * 30_000])
def test_a_first_line_that_begins_like_an_array_does_not_swallow_the_lines_after_it(first: bytes) -> None:
    report, stored = publish(first + b"\n" + an_event(1) + b"\n" + an_event(2) + b"\n")

    assert [record.data for record in stored] == [an_event(1), an_event(2)]
    assert [number for number, _ in report.refusals] == [1]


def test_an_array_that_is_too_large_to_load_is_refused_with_the_way_out() -> None:
    with pytest.raises(FileFormatError, match="one event a line"):
        list(read_events(BytesIO(b"[" + b" " * 2_000), MIB, max_array_bytes=1_000))


def test_a_bom_before_the_first_line_is_no_part_of_the_event() -> None:
    report, stored = publish(b"\xef\xbb\xbf" + an_event())

    assert (report.is_complete, [record.data for record in stored]) == (True, [an_event()])


def test_a_pretty_printed_object_is_refused_with_a_hint() -> None:
    report, stored = publish(json.dumps(json.loads(an_event()), indent=2).encode())

    assert (stored, report.refused) == ([], 6)
    assert "jq -c . FILE" in list(report.describe())[-1]


def test_an_empty_file_is_complete() -> None:
    assert publish(b"") == (PublishReport(), [])


@given(st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b" ")), max_size=20), st.integers(1, 30))
def test_lines_come_out_as_they_went_in_and_none_longer_than_allowed(lines: list[bytes], limit: int) -> None:
    source = b"".join(line + b"\n" for line in [b"{}", *lines])

    found = lines_of(BytesIO(source), limit)

    assert [line.number for line in found] == list(range(1, len(lines) + 2))
    assert [line.data for line in found] == [line[:limit] for line in (b"{}", *lines)]
    assert [line.is_cut for line in found] == [len(line) > limit for line in (b"{}", *lines)]


def test_a_long_line_is_never_held_whole() -> None:
    class Endless(BytesIO):
        largest = 0

        def read1(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.largest += size
            return b"x" * size if self.largest < 64 * MIB else b""

    (line,) = lines_of(Endless())

    assert (line.number, line.is_cut, len(line.data)) == (1, True, MIB)


def test_a_pipe_that_has_nothing_more_sends_what_it_gave() -> None:
    receiving, sending = os.pipe()
    with os.fdopen(receiving, "rb") as source, os.fdopen(sending, "wb", buffering=0) as sink:
        events = read_events(source, MIB)
        sink.write(an_event(1) + b"\n" + an_event(2) + b"\n{")
        assert [next(events) for _ in range(3)] == [Line(1, an_event(1)), Line(2, an_event(2)), PAUSE]
        sink.write(b"}\n")
        assert next(events) == Line(3, b"{}")


def test_what_a_slow_pipe_gave_is_sent_before_more_is_waited_for() -> None:
    receiving, sending = os.pipe()
    kinesis, arrived = ScriptedKinesis(), threading.Event()
    publisher = kinesis.publisher(on_progress=lambda _: arrived.set())
    with os.fdopen(receiving, "rb") as source, os.fdopen(sending, "wb", buffering=0) as sink:
        sink.write(an_event(1) + b"\n")
        reader = threading.Thread(target=publish_file, args=(source, publisher))
        reader.start()
        came = arrived.wait(timeout=30)
        sink.close()
        reader.join(timeout=30)
    assert came
    assert [record.data for record in kinesis.stored] == [an_event(1)]


@pytest.mark.parametrize(
    "user_id",
    [None, "", "u" * 257, "u\0", "\ud800", "line\nend", 7],
    ids=["none", "empty", "long", "nul", "surrogate", "lf", "int"],
)
def test_a_user_that_is_no_partition_key_is_replaced_by_a_hash_of_the_line(user_id: object) -> None:
    one, other = partition_key(user_id, b"one"), partition_key(user_id, b"other")

    assert one != other
    assert one == partition_key(user_id, b"one")
    assert 1 <= len(one) <= 256
    assert one.isascii()


@given(st.binary(max_size=200))
def test_any_bytes_have_a_key(data: bytes) -> None:
    record = keyed_record(data)

    assert record.data == data
    assert 1 <= len(record.partition_key) <= 256


def test_the_key_is_read_from_events_that_are_otherwise_bad() -> None:
    assert keyed_record(b'{"amount":"x","user_id":"u-7","hour":99}').partition_key == "u-7"


def test_the_limit_of_a_line_follows_the_publisher() -> None:
    kinesis = ScriptedKinesis()
    publisher = kinesis.publisher(PublisherSettings(limits=BatchLimits(record_bytes=3 * MIB)))

    report = publish_file(BytesIO(b"x" * (2 * MIB)), publisher, is_forced=True)

    assert (report.published, len(kinesis.stored[0].data)) == (1, 2 * MIB)
