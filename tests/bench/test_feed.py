from __future__ import annotations

from consumer.bench.feed import INITIALIZE, LEASE_LOST, SHUTDOWN, lines, wire_records
from consumer.bench.materials import read_all, read_line
from consumer.kinesis.protocol import Initialize, LeaseLostNotice, ShutdownRequested, decode_message


def test_every_record_is_readable_and_new_and_they_come_in_order() -> None:
    received = read_all(wire_records(300, seed=3))
    assert len(received) == len({one.transaction.transaction_id for one in received}) == 300
    positions = [one.record.position for one in received]
    assert positions == sorted(set(positions))
    arrivals = [one.record.arrival_time for one in received]
    assert arrivals == sorted(arrivals)


def test_records_have_their_user_as_partition_key() -> None:
    assert all(one.record.partition_key == one.transaction.user_id for one in read_all(wire_records(50, seed=3)))


def test_lines_hold_so_many_records_and_the_last_one_the_rest() -> None:
    made = list(lines(wire_records(25, seed=3), 10))
    assert all(line.endswith(b"}\n") for line in made)
    assert [len(read_line(line.rstrip())) for line in made] == [10, 10, 5]


def test_the_other_lines_are_those_of_the_protocol() -> None:
    kinds = [type(decode_message(line.rstrip())) for line in (INITIALIZE, SHUTDOWN, LEASE_LOST)]
    assert kinds == [Initialize, ShutdownRequested, LeaseLostNotice]
