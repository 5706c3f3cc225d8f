from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from consumer.scoring.features import VELOCITY, Memory, MemoryTerms
from consumer.scoring.features.columns import event_ms_of
from consumer.scoring.features.memory import NotLoaded
from consumer.scoring.features.past import NoPast
from schemas.decision import Identity
from schemas.history import NEWEST, MerchantHour, MerchantWindows, PastTransaction, past_of
from schemas.position import ShardId, StreamEpoch, StreamPosition, StreamRecord
from schemas.transaction import Received, Transaction
from tests.scoring_builders import a_transaction

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
COUNT_10M = VELOCITY.names.index("user_count_10m")
COUNT_30D = VELOCITY.names.index("user_count_30d")
MERCHANT = slice(VELOCITY.names.index("merchant_count_1d"), None)


def at(moment: datetime, name: str = "t-1", user: str = "u-1", **changes: Any) -> Transaction:
    stamp = moment.isoformat().replace("+00:00", "Z")
    return a_transaction(transaction_id=name, timestamp=stamp, user_id=user, **changes)


def received(transaction: Transaction, key: str | None = None) -> Received:
    position = StreamPosition(StreamEpoch("e"), ShardId("s"), 1, 0)
    return Received(transaction, StreamRecord(b"", key or transaction.user_id, position, NOON))


def load(memory: Memory, *transactions: Transaction, past: tuple[PastTransaction, ...] = ()) -> set[str]:
    """Load what these want, with the past of every user that is wanted; return those users."""
    wanted = memory.wanted(map(received, transactions))
    none = MerchantWindows((0, 0, 0), (0, 0, 0))
    memory.load(wanted, dict.fromkeys(wanted.users, past), dict.fromkeys(wanted.merchants, none))
    return set(wanted.users)


def count(memory: Memory, *transactions: Transaction) -> list[float]:
    """How many transactions of 30 days each one sees; all are taken back."""
    found: list[float] = VELOCITY.compute(transactions, memory)[:, COUNT_30D].tolist()
    memory.undo()
    return found


def settled(memory: Memory, *transactions: Transaction) -> None:
    """Let these be decided and committed."""
    load(memory, *transactions)
    VELOCITY.compute(transactions, memory)
    memory.settle({Identity(t.transaction_id, t.event_time): t for t in transactions})
    memory.make_room()


def test_an_unknown_user_is_wanted_a_month_and_a_day_back_and_a_known_one_is_not() -> None:
    memory = Memory()
    first = at(NOON)
    wanted = memory.wanted([received(first), received(at(NOON - DAY, "t-2"))])
    assert wanted.users == {"u-1": event_ms_of(NOON - 32 * DAY)}
    assert wanted.merchants == {MerchantHour("m-1", event_ms_of(t) // 3_600_000) for t in (NOON, NOON - DAY)}
    settled(memory, first)
    again = memory.wanted([received(first)])
    assert (dict(again.users), set(again.merchants)) == ({}, set())


def test_an_event_later_than_what_was_loaded_reaches_is_read_anew() -> None:
    memory = Memory()
    assert load(memory, at(NOON)) == {"u-1"}
    assert load(memory, at(NOON - DAY)) == set()
    assert load(memory, at(NOON - DAY - timedelta(milliseconds=1))) == {"u-1"}


def test_features_of_what_was_not_loaded_are_refused() -> None:
    memory = Memory()
    with pytest.raises(NotLoaded):
        VELOCITY.compute([at(NOON)], memory)
    load(memory, at(NOON))
    with pytest.raises(NotLoaded):
        VELOCITY.compute([at(NOON, merchant_id="m-2")], memory)


def test_an_event_sees_those_before_it_in_its_batch() -> None:
    memory = Memory()
    batch = [at(NOON, "t-1"), at(NOON, "t-2", "u-2"), at(NOON, "t-3"), at(NOON - DAY, "t-4")]
    load(memory, *batch)
    assert count(memory, *batch) == [1, 1, 2, 1]
    assert count(memory, *batch) == [1, 1, 2, 1]


def test_what_was_loaded_counts_and_in_any_order_of_arrival() -> None:
    memory = Memory()
    past = tuple(past_of(at(NOON - days * DAY, f"old-{days}")) for days in (31, 29, 2))
    load(memory, at(NOON), past=past)
    assert count(memory, at(NOON)) == [3]


def test_what_the_ledger_took_stays_and_what_it_did_not_take_goes() -> None:
    memory = Memory()
    taken, refused = at(NOON, "t-1"), at(NOON, "t-2")
    load(memory, taken, refused)
    VELOCITY.compute([taken, refused], memory)
    memory.settle({Identity("t-1", NOON): taken})
    assert count(memory, at(NOON, "t-9")) == [2]


def test_of_an_event_that_another_decided_with_other_content_the_others_counts() -> None:
    memory = Memory()
    mine, theirs = at(NOON, "t-1", amount=1), at(NOON, "t-1", amount=1000)
    load(memory, mine)
    VELOCITY.compute([mine], memory)
    memory.settle({Identity("t-1", NOON): theirs})
    total = VELOCITY.names.index("user_sum_10m")
    asking = at(NOON, "t-2", amount=0)
    assert VELOCITY.compute([asking], memory)[0, total] == VELOCITY.compute([theirs])[0, total]


def test_rows_of_others_enter_the_histories_that_are_held_once() -> None:
    memory = Memory()
    load(memory, at(NOON))
    zombie = at(NOON - DAY, "t-7")
    for _ in range(2):
        memory.apply([zombie, at(NOON, "t-8", "u-unknown")])
    assert count(memory, at(NOON)) == [2]


def test_a_record_under_a_foreign_key_reads_its_user_fresh_and_leaves_nothing() -> None:
    memory = Memory()
    settled(memory, at(NOON))
    foreign = at(NOON, "t-2")
    wanted = memory.wanted([received(foreign, key="elsewhere")])
    assert set(wanted.users) == {"u-1"}
    memory.load(wanted, {"u-1": ()}, {})
    VELOCITY.compute([foreign], memory)
    memory.settle({Identity("t-2", NOON): foreign})
    memory.make_room()
    assert memory.held == 0


def test_an_own_record_beside_a_foreign_one_is_loaded_as_far_back_as_it_needs() -> None:
    memory = Memory()
    settled(memory, at(NOON - 7 * DAY))
    late, foreign = received(at(NOON - 3 * DAY, "t-2")), received(at(NOON, "t-3"), key="elsewhere")
    assert memory.wanted([late, foreign]).users == {"u-1": event_ms_of(NOON - 34 * DAY)}


def test_what_was_loaded_for_a_batch_stays_until_all_of_it_is_decided() -> None:
    memory, loaded = Memory(MemoryTerms(0, 0)), at(NOON - 45 * DAY, "t-1")
    newest, late = at(NOON, "t-2"), at(NOON - 20 * DAY, "t-3")
    load(memory, newest, late, past=(past_of(loaded),))
    VELOCITY.compute([newest], memory)
    memory.settle({Identity("t-2", NOON): newest})
    assert count(memory, late) == [2]
    memory.make_room()
    assert memory.held == 0


def test_nothing_is_pruned_for_transactions_that_are_taken_back() -> None:
    memory = Memory()
    past = tuple(past_of(at(NOON - timedelta(minutes=NEWEST - k), f"p-{k:04}")) for k in range(NEWEST))
    new = [at(NOON, f"t-{k:02}") for k in range(40)]
    load(memory, *new, past=past)
    VELOCITY.compute(new, memory)
    memory.settle({Identity("t-00", NOON): new[0]})
    memory.make_room()
    assert count(memory, at(NOON, "t-99")) == [NEWEST + 1]


def test_who_was_not_seen_for_longest_is_forgotten_first() -> None:
    memory = Memory(MemoryTerms(max_transactions=30))
    for name, user in (("a", "u-1"), ("b", "u-2"), ("c", "u-3"), ("d", "u-1"), ("e", "u-4")):
        settled(memory, at(NOON, name, user))
    assert load(memory, *(at(NOON, "z", user) for user in ("u-1", "u-2", "u-3", "u-4"))) == {"u-2"}


def test_where_more_memories_share_the_bound_users_are_forgotten_down_to_the_share() -> None:
    shares = [1]
    memory = Memory(MemoryTerms(max_transactions=60, share_of=lambda total: total // shares[0]))
    for number in range(5):
        settled(memory, at(NOON, f"t-{number}", f"u-{number}"))
    before = memory.held
    shares[0] = 2
    memory.make_room()
    assert (before, memory.held) == (5, 3)


def test_a_forgotten_user_comes_back_with_the_same_features() -> None:
    small, large = Memory(MemoryTerms(max_transactions=1)), Memory()
    batches = [at(NOON + k * timedelta(minutes=7), f"t-{k}", f"u-{k % 3}", amount=k) for k in range(60)]
    decided: list[Transaction] = []
    for transaction in batches:
        for memory in (small, large):
            past = tuple(past_of(old) for old in decided if old.user_id == transaction.user_id)
            load(memory, transaction, past=past)
        alike = [VELOCITY.compute([transaction], memory) for memory in (small, large)]
        assert alike[0].tobytes() == alike[1].tobytes()
        decided.append(transaction)
        for memory in (small, large):
            memory.settle({Identity(transaction.transaction_id, transaction.event_time): transaction})
            memory.make_room()
    assert (small.held, large.held) == (0, 3)


def test_merchants_are_told_by_counts_and_by_the_share_that_was_fraud() -> None:
    memory, transaction = Memory(), at(NOON)
    wanted = memory.wanted([received(transaction)])
    (asked,) = wanted.merchants
    memory.load(wanted, {"u-1": ()}, {asked: MerchantWindows((0, 4, 8), (0, 1, 4))})
    found = VELOCITY.compute([transaction], memory)[0, MERCHANT]
    np.testing.assert_array_equal(found, np.array([0, 4, 8, np.nan, 0.25, 0.5], np.float32))


def test_a_transaction_without_a_merchant_has_no_merchant_features() -> None:
    found = VELOCITY.compute([at(NOON, merchant_id=None)])[0, MERCHANT]
    assert np.isnan(found).all()


def test_without_a_memory_nobody_has_a_past() -> None:
    assert VELOCITY.compute([at(NOON, "t-1"), at(NOON, "t-2", "u-2")])[:, COUNT_10M].tolist() == [1, 1]
    told = Memory(past=NoPast())
    assert VELOCITY.compute([at(NOON)], told).tobytes() == VELOCITY.compute([at(NOON)]).tobytes()


def test_a_memory_that_no_feature_needs_wants_nothing() -> None:
    wanted = Memory(is_used=False).wanted([received(at(NOON), key="elsewhere")])
    assert (dict(wanted.users), list(wanted.merchants)) == ({}, [])


def test_more_frauds_than_transactions_that_were_counted_in_time_are_a_share_of_one() -> None:
    memory, transaction = Memory(), at(NOON)
    wanted = memory.wanted([received(transaction)])
    (asked,) = wanted.merchants
    memory.load(wanted, {"u-1": ()}, {asked: MerchantWindows((0, 0, 2), (0, 1, 6))})
    found = VELOCITY.compute([transaction], memory)[0, MERCHANT]
    np.testing.assert_array_equal(found, np.array([0, 0, 2, np.nan, np.nan, 1], np.float32))


def test_who_cannot_load_the_past_again_keeps_it() -> None:
    memory = Memory(MemoryTerms(forgets_old=False), past=NoPast())
    for days in (-45, 0, *range(1, 20)):
        VELOCITY.compute([at(NOON + days * DAY, f"t-{days}")], memory)
        memory.keep()
        memory.make_room()
    assert count(memory, at(NOON - 20 * DAY, "late")) == [2]


def test_texts_that_no_history_names_are_forgotten_and_the_others_are_known_all_the_same() -> None:
    memory = Memory(past=NoPast())
    names = [f"m-{n}" for n in range(11_000)]
    for start in range(0, len(names), 1_000):
        part = range(start, start + 1_000)
        VELOCITY.compute([at(NOON + n * timedelta(seconds=1), f"t-{n}", merchant_id=names[n]) for n in part], memory)
        memory.keep()
        memory.make_room()
    is_new = VELOCITY.names.index("user_new_merchant")
    later = [at(NOON + DAY, f"later-{name}", merchant_id=name) for name in ("m-0", "m-10999", "m-9500", "never")]
    assert [VELOCITY.compute([each], memory)[0, is_new] for each in later] == [1, 0, 0, 1]
    assert len(memory._codes) < 5_000
