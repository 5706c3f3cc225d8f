"""Records that a sink, our own code or the rules refuse, on the real sinks: they alone are set aside, and the first verdict stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from consumer.batch import Reader
from consumer.policies.quarantine import QuarantineLimitExceeded, QuarantinePolicy
from consumer.scoring.features import Memory
from consumer.scoring.scorer import Scored, Scorer
from infra.local.environment import LocalEnvironment
from schemas.decode import EventTimeBounds
from schemas.transaction import Transaction
from tests.integration.real_world import OTHER_SHARD, RealWorld, a_record
from tests.pipeline_builders import NOW, SCORER, an_event

pytestmark = pytest.mark.real

RISKY = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator", "ip_address": "203.0.113.5"},
}
REFUSE = """
create function fraudstream.refuse() returns trigger language plpgsql as $$
begin
    if new.transaction_id in ('t-4', 't-9') then
        raise exception using errcode = '{code}', message = 'refused on purpose', constraint = 'on_purpose';
    end if;
    return new;
end $$;
create trigger refuse before insert on fraudstream.decision for each row execute function fraudstream.refuse()
"""


@pytest.fixture
def world(local_environment: LocalEnvironment) -> Iterator[RealWorld]:
    made = RealWorld(local_environment)
    yield made
    made.close()


def moved(by: timedelta) -> str:
    return (NOW + by).isoformat()


class BrokenFor(Scorer):
    """Scores as ever, but breaks on one transaction."""

    def __init__(self, transaction_id: str) -> None:
        self.__dict__.update(SCORER.__dict__)
        self._broken = transaction_id

    def score(self, transactions: Sequence[Transaction], memory: Memory | None = None) -> Sequence[Scored]:
        if any(transaction.transaction_id == self._broken for transaction in transactions):
            raise ZeroDivisionError
        return super().score(transactions, memory)


class Paranoid(Scorer):
    """Another model: everything is critical."""

    def __init__(self) -> None:
        self.__dict__.update(SCORER.__dict__)
        self.model_version = "paranoid-1"

    def score(self, transactions: Sequence[Transaction], memory: Memory | None = None) -> Sequence[Scored]:
        return [
            scored._replace(score=0.9375, classification=1, risk_level="critical", reasons=(), alerts=True)
            for scored in super().score(transactions, memory)
        ]


@pytest.mark.parametrize("code", ["22023", "23514", "54000"])
def test_rows_that_the_database_refuses_are_found_and_set_aside_alone(world: RealWorld, code: str) -> None:
    world.execute(REFUSE.format(code=code).encode())
    records = [a_record(n, an_event(f"t-{n}", **RISKY)) for n in range(1, 12)]
    records[6] = a_record(7, b"no json")
    owner = world.owner()
    owner.process(*records)
    owner.stop()

    assert world.refusals() == {4: "refused_by_ledger", 7: "invalid_json", 9: "refused_by_ledger"}
    assert world.in_lake() == world.decided() == [1, 2, 3, 5, 6, 8, 10, 11]
    effects = world.effects()
    assert {letter.stage for letter in effects.letters.values()} == {"commit", "decode"}
    alerts = Counter(entry.payload["transaction_id"] for entry in effects.outbox)
    assert alerts == Counter(f"t-{n}" for n in world.decided()), "no alert without its decision, none twice"
    assert world.audit() == []


def test_what_the_database_refused_once_stays_refused_when_it_would_take_it(world: RealWorld) -> None:
    world.execute(REFUSE.format(code="22023").encode())
    records = [a_record(n) for n in range(1, 12)]
    world.owner().process(*records)
    world.execute(b"drop trigger refuse on fraudstream.decision")

    replaying = world.owner()
    replaying.process(*records)
    replaying.stop()

    assert world.refusals() == {4: "refused_by_ledger", 9: "refused_by_ledger"}
    assert world.in_lake() == world.decided() == [1, 2, 3, 5, 6, 7, 8, 10, 11]
    assert world.audit() == []


def test_what_broke_the_scoring_is_set_aside_alone_and_stays_so_under_a_mended_release(world: RealWorld) -> None:
    records = [a_record(n) for n in range(1, 6)]
    world.owner(scorer=BrokenFor("t-3")).process(*records)

    mended = world.owner()
    mended.process(*records)
    mended.stop()

    assert world.refusals() == {3: "processing_failed"}
    assert world.in_lake() == [1, 2, 4, 5]
    assert world.audit() == []


def test_the_brake_stops_before_anything_of_the_batch_is_written_and_higher_limits_let_it_pass(
    world: RealWorld,
) -> None:
    bad = [a_record(n, b"bad") for n in range(2, 6)]
    batch = [a_record(1), *bad, a_record(6)]
    for _ in range(2):  # as often as somebody starts it again
        with pytest.raises(QuarantineLimitExceeded):
            world.owner(quarantine=QuarantinePolicy(max_consecutive=4)).process(*batch)
        effects = world.effects()
        assert (effects.decisions, effects.refusals, effects.letters, effects.lake) == ([], {}, {}, [])
        assert world.checkpoints == {}

    raised = world.owner(quarantine=QuarantinePolicy(max_consecutive=5))
    raised.process(*batch)
    raised.stop()

    assert world.refusals() == dict.fromkeys(range(2, 6), "invalid_json")
    assert world.in_lake() == [1, 6]
    assert world.audit() == []


@pytest.mark.parametrize("change", [{"amount": 99}, {"timestamp": moved(timedelta(seconds=-1))}, {"user_id": "u-2"}])
@pytest.mark.parametrize("place", ["same batch", "next batch", "next owner", "other shard"])
def test_a_conflicting_resend_is_refused_wherever_it_comes(
    world: RealWorld, place: str, change: dict[str, object]
) -> None:
    shard_id = OTHER_SHARD if place == "other shard" else a_record(0).position.shard_id
    first, resent = a_record(1, an_event("t")), a_record(2, an_event("t", **change), shard_id=shard_id)
    owner = world.owner()
    if place == "same batch":
        owner.process(first, resent)
    else:
        owner.process(first)
        second = owner if place == "next batch" else world.owner(shard_id)
        second.process(resent)
        second.stop()
    owner.stop()

    assert world.refusals() == {2: "conflicting_resend"}
    assert world.in_lake() == world.decided() == [1]
    assert world.audit() == []


@pytest.mark.parametrize(
    ("apart", "is_conflict"),
    [(timedelta(hours=24), True), (timedelta(hours=-24), True), (timedelta(hours=24, milliseconds=1), False)],
)
@pytest.mark.parametrize("batches", [1, 2])
def test_beyond_the_horizon_the_same_id_is_another_transaction(
    world: RealWorld, apart: timedelta, is_conflict: bool, batches: int
) -> None:
    start = timedelta(days=-3)
    records = (
        a_record(1, an_event("t", timestamp=moved(start))),
        a_record(2, an_event("t", timestamp=moved(start + apart))),
    )
    owner = world.owner()
    for batch in [records] if batches == 1 else [records[:1], records[1:]]:
        owner.process(*batch)
    owner.stop()

    assert world.refusals() == ({2: "conflicting_resend"} if is_conflict else {})
    assert world.in_lake() == ([1] if is_conflict else [1, 2])
    assert world.audit() == []


def test_an_exact_repetition_through_another_shard_stands_in_the_lake_once_where_it_came_first(
    world: RealWorld,
) -> None:
    one, other = world.owner(), world.owner(OTHER_SHARD)
    other.process(a_record(7, an_event("t"), shard_id=OTHER_SHARD))
    one.process(a_record(1, an_event("t")), a_record(2))
    one.stop()
    other.stop()

    assert world.refusals() == {}
    assert world.in_lake() == [2, 7]
    assert world.audit() == []


def test_bounds_are_held_against_the_arrival_however_late_the_record_is_read(
    world: RealWorld, local_environment: LocalEnvironment
) -> None:
    edges = {1: timedelta(days=-7), 2: timedelta(days=-7, milliseconds=-1), 3: timedelta(minutes=5)}
    ages = {**edges, 4: timedelta(minutes=5, milliseconds=1)}
    records = [a_record(n, an_event(f"t-{n}", timestamp=moved(age))) for n, age in ages.items()]
    late = RealWorld(local_environment, now=NOW + timedelta(days=10))
    for each in (world, late):
        owner = each.owner()
        owner.process(*records)
        owner.stop()

        assert each.refusals() == {2: "event_time_out_of_bounds", 4: "event_time_out_of_bounds"}
        assert each.in_lake() == [1, 3]
        assert each.audit() == []
    late.close()


@pytest.mark.parametrize("order", ["tighter", "looser"])
def test_verdicts_survive_a_deploy_with_other_bounds(world: RealWorld, order: str) -> None:
    loose, tight = (
        Reader(EventTimeBounds(before=timedelta(days=90))),
        Reader(EventTimeBounds(before=timedelta(hours=1))),
    )
    before, after = (loose, tight) if order == "tighter" else (tight, loose)
    old, new = (
        an_event("old", timestamp=moved(timedelta(days=-30))),
        an_event("new", timestamp=moved(timedelta(days=-29))),
    )
    first = [a_record(1), a_record(2, old)]
    world.owner(reader=before).process(*first)

    deployed = world.owner(reader=after)
    deployed.process(*first, a_record(3, new), a_record(4))
    deployed.stop()

    refused = 3 if order == "tighter" else 2
    assert world.refusals() == {refused: "event_time_out_of_bounds"}
    assert world.in_lake() == world.decided() == [n for n in range(1, 5) if n != refused]
    assert world.audit() == []


def test_a_replay_under_another_model_writes_the_first_models_rows_everywhere(world: RealWorld) -> None:
    records = [a_record(1), a_record(2, an_event("t-2", **RISKY)), a_record(3, b"bad")]
    world.owner().process(*records)
    decided_first = world.effects()

    deployed = world.owner(scorer=Paranoid())
    deployed.process(*records, a_record(4))
    deployed.stop()

    effects = world.effects()
    assert effects.decisions[:2] == decided_first.decisions
    versions = dict.fromkeys((1, 2), SCORER.model_version) | {4: "paranoid-1"}
    assert {int(row.values["sequence_number"]): row.values["model_version"] for row in effects.lake} == versions
    assert {entry.payload["transaction_id"] for entry in effects.outbox} == {"t-2", "t-4"}
    assert [letter.versions["model_version"] for letter in effects.letters.values()] == [SCORER.model_version]
    assert world.audit() == []
