"""Replays a dead letter through the pipeline's own steps: decode, look up, score, commit, with the record's position and arrival.

The invariant: at most one decision stands at a refused position, its row stands in the object of its letter alone, and the refusal is
resolved last. Ledger, PUT, `resolved_at`: each step changes nothing where it was done before, so that a replay which ended anywhere is
finished by running it again, by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Literal, NamedTuple

from consumer.batch import Batch, Reader, candidates, readable
from consumer.deciding import Decider, Deciding
from consumer.policies.quarantine import QuarantineBrake, QuarantinePolicy
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, Wanted, past_of
from schemas.position import StreamRecord
from sinks.errors import DamagedLetterError
from sinks.port import (
    Candidate,
    DeadLetterArchive,
    Delivery,
    Known,
    Refusal,
    ReplayLake,
    ReplayLedger,
    Retry,
)

Outcome = Literal[
    "decided",
    "repeated",
    "settled_before",
    "refused_again",
    "masked",
    "missing",
    "damaged",
    "overtaken",
]
"""`decided`: it has its decision and its row. `repeated`: it is an event that was decided elsewhere; no row. `settled_before`: another
replay resolved it meanwhile. All others leave the refusal as it is: `refused_again`, with the reason; `masked`: its bytes are not those
of the event; `missing`: there is no letter (yet); `damaged`: what stands there is not the letter; `overtaken`: another replay is at it."""
SETTLED: frozenset[Outcome] = frozenset({"decided", "repeated", "settled_before"})


class Replayed(NamedTuple):
    """What became of one letter. `refusal`: why it was refused again. `row`: the effective decision. `alert`: born in this replay, kept."""

    delivery: Delivery
    outcome: Outcome
    refusal: Refusal | None = None
    row: Decision | None = None
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays letters one at a time with today's code and settings; whatever refuses one again leaves everything as it was.

    Bounds on event time are held against the original arrival, as at the first delivery.
    """

    ledger: ReplayLedger
    lake: ReplayLake
    letters: DeadLetterArchive
    decider: Decider
    reader: Reader
    retry: Retry
    now: Callable[[], datetime]

    def replay(self, delivery: Delivery) -> Replayed:
        """Give the refused record its effects, once. Raises PermanentSinkError where a sink refuses; TransientSinkError is waited out."""
        try:
            letter = self.retry(partial(self.letters.find, delivery))
        except DamagedLetterError:
            return Replayed(delivery, "damaged")
        if letter is None:
            return Replayed(delivery, "missing")
        if letter.arrival_time != delivery.arrival_time:
            return Replayed(delivery, "damaged")
        if letter.is_masked:
            return Replayed(delivery, "masked")
        return self._decide(delivery, StreamRecord(letter.raw, letter.partition_key, *delivery))

    def _decide(self, delivery: Delivery, record: StreamRecord) -> Replayed:
        batch, ledger = Batch(self.decider.horizon), _Reopened(self.ledger, delivery)
        read, memory = self.reader.read(record), self.decider.new_memory()
        wanted = memory.wanted(readable([read]))
        known = self.retry(partial(ledger.look_up, *candidates([read]), wanted))
        memory.load(wanted, known.histories, known.merchants)
        batch.sort([read], known)
        brake = QuarantineBrake(QuarantinePolicy())  # never pulled by one record, and nothing is quarantined here
        self.decider.decide(batch, Deciding([record], self.now(), ledger, self.retry, brake, memory))
        if (row := batch.effective.get(delivery.position)) is not None:
            return self._settle(delivery, row, ledger.alert)
        refusal = batch.refused_now.get(delivery.position)
        return Replayed(delivery, "refused_again" if refusal else "settled_before", refusal)

    def _settle(self, delivery: Delivery, row: Decision, alert: Alert | None) -> Replayed:
        is_own = row.position == delivery.position
        if is_own:
            self.retry(partial(self.lake.put, row))
        if not self.retry(partial(self.ledger.resolve, delivery, row)):
            return Replayed(delivery, "overtaken")
        return Replayed(delivery, "decided" if is_own else "repeated", row=row, alert=alert)


@dataclass(slots=True)
class _Reopened:
    """The ledger as the pipeline's steps see it for one letter: without its refusal, and refusing it again writes nothing."""

    ledger: ReplayLedger
    delivery: Delivery
    alert: Alert | None = None

    def look_up(self, readable: Sequence[Candidate], _: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED) -> Known:
        """See `sinks.port.Ledger.look_up`. Asks for the record's position whether it can be read or not: a replay may have begun."""
        return self.ledger.look_up(readable, [self.delivery], wanted)._replace(refusals={})

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        """See `sinks.port.Ledger.commit`. Without a row: another replay resolved the refusal meanwhile."""
        del refusals
        if not decisions:
            return {}
        [decision] = decisions
        alert = alerts[0] if alerts else None
        row = self.ledger.decide(self.delivery, decision, alert)
        self.alert = alert if row == decision else None
        return {} if row is None else {decision.identity: row}


@dataclass(slots=True)
class Rehearsal:
    """Ledger and lake of a dry run: reads the real ledger, writes nothing, and remembers what it would have decided.

    It cannot tell what the ledger itself would refuse.
    """

    ledger: ReplayLedger
    decided: dict[str, list[Decision]] = field(default_factory=dict)

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger.look_up`; what was rehearsed before counts as decided."""
        known = self.ledger.look_up(readable, unreadable, wanted)
        before = [row for candidate in readable for row in self.decided.get(candidate.identity.transaction_id, ())]
        rehearsed = [row for rows in self.decided.values() for row in rows if row.user_id in wanted.users]
        histories = dict(known.histories)
        for row in rehearsed:
            histories[row.user_id] = sorted(
                {*histories[row.user_id], past_of(row)}, key=attrgetter("event_ms", "transaction_id")
            )
        return known._replace(decisions=[*known.decisions, *before], histories=histories)

    def decide(self, _: Delivery, decision: Decision, __: Alert | None) -> Decision:
        """See `sinks.port.ReplayLedger.decide`."""
        self.decided.setdefault(decision.transaction_id, []).append(decision)
        return decision

    def resolve(self, _: Delivery, __: Decision) -> bool:
        """See `sinks.port.ReplayLedger.resolve`."""
        return True

    def put(self, row: Decision) -> None:
        """See `sinks.port.ReplayLake.put`."""
