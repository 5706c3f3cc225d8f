"""The chunk chain's rules one by one, on paper; all of them together are in tests/property."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.position import Position, StreamPosition
from sinks.lake.chunks import ChunkChain, Consumed, CutPolicy, row_of
from sinks.lake.keys import chunk_key, parse_chunk_key, shard_prefix
from sinks.port import ChunkFooter, ChunkObject
from tests.property.chain_stream import EPOCH, OTHER_SHARD, SHARD, a_decision

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)


def at(sequence_number: int, sub_sequence: int = 0) -> StreamPosition:
    return StreamPosition(EPOCH, SHARD, sequence_number, sub_sequence)


def good(sequence_number: int, *, arrival_time: datetime = NOON) -> Consumed:
    position = at(sequence_number)
    return Consumed(position, arrival_time, a_decision(position, f"tx-{sequence_number}"))


def bad(sequence_number: int, *, arrival_time: datetime = NOON) -> Consumed:
    return Consumed(at(sequence_number), arrival_time)


def a_chain(*records: Consumed, now_s: float = 0.0, policy: CutPolicy | None = None) -> ChunkChain:
    chain = ChunkChain(EPOCH, SHARD, policy)
    for record in records:
        chain.append([record], now_s)
    return chain


def sealed(chain: ChunkChain, chunk_id: str = "ours") -> ChunkObject:
    chunk = chain.seal(chunk_id)
    assert chunk is not None
    return chunk


def theirs(end: int) -> ChunkFooter:
    return ChunkFooter("theirs", at(end), 0, "decisions/1")


def test_a_row_belongs_to_the_lake_only_at_its_own_position() -> None:
    decision = a_decision(at(5))
    assert row_of(at(5), decision) is decision
    assert row_of(at(6), decision) is None
    assert row_of(at(5)._replace(shard_id=OTHER_SHARD), decision) is None
    assert row_of(at(5), None) is None


def test_a_chunk_is_named_after_its_first_record_good_or_bad() -> None:
    chunk = sealed(a_chain(bad(3), good(4), bad(5)))
    assert chunk.key == chunk_key(DAY, at(3))
    assert chunk.footer == ChunkFooter("ours", at(5), 1, "decisions/1")
    assert [row.transaction_id for row in chunk.rows] == ["tx-4"]


def test_a_stretch_without_rows_becomes_an_object_without_rows() -> None:
    chunk = sealed(a_chain(bad(3), bad(4)))
    assert (chunk.rows, chunk.footer.rows, chunk.footer.end) == ((), 0, at(4))


def test_nothing_consumed_is_nothing_to_seal() -> None:
    assert a_chain().seal("ours") is None


def test_a_sealed_chunk_stays_the_same_until_it_is_settled() -> None:
    chain = a_chain(good(1))
    chunk = sealed(chain, "first try")
    assert chain.seal("second try") is chunk
    chain.settle(chunk.footer)
    assert chain.seal("third try") is None
    assert chain.adopted == 0


def test_what_is_appended_behind_a_sealed_chunk_waits_for_the_next_object() -> None:
    chain = a_chain(good(1))
    chunk = sealed(chain, "first")
    chain.append([good(2), good(3)], 0.0)
    assert (chain.seal("second"), [row.transaction_id for row in chunk.rows]) == (chunk, ["tx-1"])
    chain.settle(chunk.footer)
    following = sealed(chain, "third")
    assert (following.key, len(following.rows)) == (chunk_key(DAY, at(2)), 2)


def test_an_adopted_object_reaches_into_what_was_appended_behind_the_sealed_chunk() -> None:
    chain = a_chain(good(1), good(2))
    sealed(chain)
    chain.append([good(3), good(4)], 0.0)
    chain.settle(theirs(3))
    rest = sealed(chain, "the rest")
    assert (rest.key, [row.transaction_id for row in rest.rows]) == (chunk_key(DAY, at(4)), ["tx-4"])


def test_what_an_adopted_object_leaves_and_what_was_appended_since_become_one_chunk() -> None:
    chain = a_chain(good(1), good(2), bad(3))
    sealed(chain)
    chain.append([good(4)], 0.0)
    chain.settle(theirs(1))
    rest = sealed(chain, "the rest")
    assert (rest.key, [row.transaction_id for row in rest.rows]) == (chunk_key(DAY, at(2)), ["tx-2", "tx-4"])
    assert rest.footer.end == at(4)


def test_a_container_that_is_short_of_memory_closes_the_chunk_before_its_own_bounds() -> None:
    chain = a_chain(good(1))
    assert not chain.is_due(0.0)
    assert chain.is_due(0.0, share_bytes=1_000)


def test_settling_what_was_never_sealed_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="no sealed chunk"):
        a_chain(good(1)).settle(theirs(1))


def test_an_adopted_object_that_ends_earlier_leaves_the_rest_to_a_new_chunk() -> None:
    chain = a_chain(good(1), good(2), bad(3), good(4))
    sealed(chain)
    chain.settle(theirs(2))
    rest = sealed(chain, "the rest")
    assert (rest.key, rest.footer.chunk_id) == (chunk_key(DAY, at(3)), "the rest")
    assert [row.transaction_id for row in rest.rows] == ["tx-4"]
    assert chain.adopted == 1


def test_an_adopted_object_that_ends_later_is_skipped_to_its_end_and_checkpointed_only_there() -> None:
    chain = a_chain(good(1), good(2))
    sealed(chain)
    chain.settle(theirs(9))
    assert chain.seal("ours") is None
    assert chain.skips(at(9))
    assert not chain.skips(at(9, 1))
    assert chain.checkpointable(Position(8)) is None
    assert chain.checkpointable(Position(9)) == Position(9)
    assert chain.checkpointable(Position(12)) == Position(9)


def test_an_open_chunk_makes_nothing_checkpointable() -> None:
    assert a_chain(good(1), good(2)).checkpointable(Position(2)) is None


def test_each_arrival_day_is_listed_once() -> None:
    chain = a_chain()
    assert chain.needs_listing(bad(1))
    chain.learn(DAY, [])
    assert not chain.needs_listing(bad(2))
    assert chain.needs_listing(bad(3, arrival_time=NOON + timedelta(days=1)))


def test_a_chunk_closes_before_a_record_of_another_day_in_either_direction() -> None:
    chain = a_chain(good(1))
    assert not chain.must_close_before(good(2))
    assert chain.must_close_before(good(2, arrival_time=NOON + timedelta(days=1)))
    assert chain.must_close_before(good(2, arrival_time=NOON - timedelta(days=1)))


def test_where_nothing_is_open_nothing_must_close() -> None:
    chain = a_chain()
    chain.learn(DAY, [chunk_key(DAY, at(5))])
    assert not chain.must_close_before(good(7))


def test_a_chunk_closes_before_a_key_that_stands() -> None:
    chain = a_chain(good(1))
    chain.learn(DAY, [chunk_key(DAY, at(5))])
    assert not chain.must_close_before(good(4))
    assert chain.must_close_before(good(5))
    assert chain.must_close_before(good(7))


def test_the_greatest_key_at_or_before_a_record_is_the_one_to_look_at() -> None:
    chain = a_chain()
    chain.learn(DAY, [chunk_key(DAY, at(number)) for number in (8, 2, 5)])
    assert chain.standing_key(at(1)) is None
    assert chain.standing_key(at(7)) == chunk_key(DAY, at(5))


@pytest.mark.parametrize(("end", "is_skipped"), [(9, True), (7, True), (6, False)])
def test_a_record_is_skipped_if_the_object_before_it_reaches_it(end: int, *, is_skipped: bool) -> None:
    chain = a_chain()
    chain.learn(DAY, [chunk_key(DAY, at(2)), chunk_key(DAY, at(5)), chunk_key(DAY, at(20))])
    chain.pass_by(at(7), theirs(end))
    assert chain.skips(at(7)) is is_skipped
    assert chain.standing_key(at(7)) is None
    assert chain.standing_key(at(20)) == chunk_key(DAY, at(20))


def test_a_key_that_is_gone_covers_nothing() -> None:
    chain = a_chain()
    chain.learn(DAY, [chunk_key(DAY, at(5))])
    chain.pass_by(at(7), None)
    assert not chain.skips(at(7))


def test_a_chunk_is_due_by_the_age_of_its_first_row() -> None:
    chain = a_chain(bad(1), now_s=0.0)
    chain.append([good(2)], 100.0)
    chain.append([good(3)], 130.0)
    assert not chain.is_due(159.9)
    assert chain.is_due(160.0)


def test_a_chunk_without_rows_stays_open_longer() -> None:
    chain = a_chain(bad(1), now_s=0.0)
    assert not chain.is_due(899.9)
    assert chain.is_due(900.0)


def test_the_rest_of_a_chunk_is_due_when_the_whole_was() -> None:
    chain = a_chain(good(1), good(2), now_s=0.0)
    sealed(chain)
    chain.settle(theirs(1))
    assert not chain.is_due(59.9)
    assert chain.is_due(60.0)


@pytest.mark.parametrize(
    "policy",
    [CutPolicy(max_rows=2), CutPolicy(max_records=3), CutPolicy(max_bytes=5_000)],
    ids=["rows", "records", "bytes"],
)
def test_a_full_chunk_is_due_at_once(policy: CutPolicy) -> None:
    chain = a_chain(bad(1), good(2), policy=policy)
    assert not chain.is_due(0.0)
    chain.append([good(3)], 0.0)
    assert chain.is_due(0.0)


def test_nothing_open_is_never_due() -> None:
    assert not a_chain().is_due(1e9)


def test_a_key_reads_back_as_what_it_was_made_of() -> None:
    first = at(49_659_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_001_234, 7)
    key = chunk_key(DAY, first)
    assert parse_chunk_key(key) == (DAY, first)
    assert key.startswith(shard_prefix(DAY, EPOCH, SHARD))
    assert key == f"decisions/v1/dt=2026-03-01/{EPOCH}/{SHARD}/{first.sequence_number:064d}-0000000007.parquet"


def test_keys_sort_as_positions_do() -> None:
    positions = [at(9), at(10), at(10, 2), at(10, 11), at(100)]
    keys = [chunk_key(DAY, position) for position in positions]
    assert keys == sorted(keys)


@pytest.mark.parametrize("key", ["", "decisions/v1/dt=2026-03-01/replay/7.parquet", f"{chunk_key(DAY, at(1))}.tmp"])
def test_other_keys_are_not_taken_for_chunks(key: str) -> None:
    with pytest.raises(ValueError, match="not the key of a chunk"):
        parse_chunk_key(key)
