from __future__ import annotations

from consumer.bench.sinks import InstantLake, InstantLedger
from schemas.history import MerchantHour, MerchantWindows, Wanted
from schemas.lake import LAKE_SCHEMA_VERSION
from sinks.lake.keys import chunk_key
from sinks.port import ChunkFooter, ChunkObject
from tests.builders import NOW, PLAIN_DECISION


def _chunk(chunk_id: str, sequence_number: int) -> ChunkObject:
    position = PLAIN_DECISION.position._replace(sequence_number=sequence_number)
    footer = ChunkFooter(chunk_id, position, 1, LAKE_SCHEMA_VERSION)
    return ChunkObject(chunk_key(NOW.date(), position), footer, (PLAIN_DECISION,))


def test_the_instant_ledger_answers_everybody_with_nothing() -> None:
    asked = MerchantHour("m", 7)
    known = InstantLedger().look_up((), (), Wanted({"u": 3}, {asked}))
    assert known.histories == {"u": ()}
    assert known.merchants == {asked: MerchantWindows((0, 0, 0), (0, 0, 0))}
    assert not known.decisions
    assert not known.refusals


def test_the_instant_ledger_takes_every_decision() -> None:
    other = PLAIN_DECISION._replace(transaction_id="t-2")
    effective = InstantLedger().commit([PLAIN_DECISION, other], (), ())
    assert effective == {PLAIN_DECISION.identity: PLAIN_DECISION, other.identity: other}


def test_the_instant_lake_keeps_the_first_footer_of_a_key_and_lists_a_shards_day() -> None:
    lake, first, late = InstantLake(), _chunk("first", 10), _chunk("late", 10)
    after = _chunk("after", 20)
    assert [lake.put(chunk).chunk_id for chunk in (after, first, late)] == ["after", "first", "first"]
    assert lake.footer(first.key) == first.footer
    assert lake.footer("nothing") is None
    position = PLAIN_DECISION.position
    assert lake.keys(NOW.date(), position.stream_epoch, position.shard_id) == [first.key, after.key]
    assert lake.keys(NOW.date().replace(day=1), position.stream_epoch, position.shard_id) == []
