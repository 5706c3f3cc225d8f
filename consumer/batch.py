"""One batch of records on its way to verdicts: what is readable, known, new or refused. Pure; the pipeline does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from consumer.policies.quarantine import Verdict
from schemas.alert import Alert
from schemas.dead_letter import FieldError, RefusalReason, Stage
from schemas.decision import Decision, Identity
from schemas.decode import EventTimeBounds, InvalidRecord, Unknown, decode
from schemas.position import StreamPosition, StreamRecord
from schemas.transaction import Received, Transaction
from sinks.lake.chunks import Consumed, row_of
from sinks.port import Candidate, Delivery, Known, Refusal


@dataclass(frozen=True, slots=True)
class Reader:
    """Decodes records and holds event time against the arrival (`bounds` None: history, every time is welcome)."""

    bounds: EventTimeBounds | None = field(default_factory=EventTimeBounds)
    unknown: Unknown = field(default_factory=Unknown)

    def read(self, record: StreamRecord) -> Received | Refusal:
        """Return the transaction, or the refusal with every field error. Whatever a decoder bug raises refuses this record alone."""
        try:
            transaction = decode(record.data, self.unknown)
            if self.bounds is not None:
                self.bounds.check(transaction.event_time, record.arrival_time)
            return Received(transaction, record)
        except InvalidRecord as refused:
            return refusal_of(record, "decode", refused.reason, refused.errors)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a record that breaks the decoder must not stop the shard
            return refusal_of(record, "decode", "processing_failed", failure(error))


def refusal_of(
    record: StreamRecord, stage: Stage, reason: RefusalReason, errors: tuple[FieldError, ...] = ()
) -> Refusal:
    """Return the verdict that refuses `record`."""
    return Refusal(record.position, record.arrival_time, stage, reason, errors)


def failure(error: BaseException) -> tuple[FieldError, ...]:
    """Return the error's type as the only field error: its message might hold the payload."""
    return (FieldError(field="", message=type(error).__name__),)


class Proposal(NamedTuple):
    """One new event with its score: the decision and, where it may alert, the alert."""

    record: StreamRecord
    decision: Decision
    alert: Alert | None


# A named tuple's own constructor costs three times as much, for each record of the stream.
_identity = partial(tuple.__new__, Identity)
_candidate = partial(tuple.__new__, Candidate)
_consumed = partial(tuple.__new__, Consumed)


def identity_of(transaction: Transaction) -> Identity:
    """Return what first write wins on."""
    return Identity(transaction.transaction_id, transaction.event_time)


def readable(read: Iterable[Received | Refusal]) -> Iterator[Received]:
    """Yield what could be read."""
    return (one for one in read if isinstance(one, Received))


def candidates(
    read: Iterable[Received | Refusal], *, by_position: bool = False
) -> tuple[list[Candidate], list[Delivery]]:
    """Return what to ask the ledger: the identities of readable records, the places of unreadable ones (`by_position`: of all)."""
    everything = tuple(read)
    found = [one for one in everything if isinstance(one, Received)]
    identified = [_candidate((_identity(one.transaction[:2]), one.record.position)) for one in found]
    if by_position:
        return identified, [_delivery(one) for one in everything]
    if len(found) == len(everything):
        return identified, []
    return identified, [_delivery(one) for one in everything if isinstance(one, Refusal)]


def _delivery(one: Received | Refusal) -> Delivery:
    at = one.record if isinstance(one, Received) else one
    return Delivery(at.position, at.arrival_time)


@dataclass(slots=True)
class Batch:
    """The verdicts on one batch. `new` waits for its score: one round's events, in stream order, each transaction id once."""

    horizon: timedelta
    new: list[Received] = field(default_factory=list)
    refused_now: dict[StreamPosition, Refusal] = field(default_factory=dict)
    refused_before: dict[StreamPosition, Refusal] = field(default_factory=dict)
    effective: dict[StreamPosition, Decision] = field(default_factory=dict)
    """The row that decides a record, by the record's position: its own, or the one that it repeats."""
    own: dict[StreamPosition, Decision] = field(default_factory=dict)
    """Those of them that stand at the record's position: `row_of` for every record of the batch."""
    made: int = 0
    """How many records were decided now, by rows of their own."""

    def sort(self, read: Sequence[Received | Refusal], known: Known) -> Sequence[Received | Refusal]:
        """Give each record its verdict where it has one; return those to look up again after this round's commit, in stream order.

        The first verdict on a position stands; a decided record is never refused later. A second event with the transaction id of a
        new one has to wait: what it is depends on what becomes of the first. Later events of its user wait with it, so that each one
        finds the past of its user as the stream has it; but not for a mere repetition, which adds nothing to that past.
        """
        if self._is_all_new(read, known):
            self.new = [one for one in read if isinstance(one, Received)]
            return ()
        self.new = []
        decided = {row.position: row for row in known.decisions}
        rows_by_id = _by_id(known.decisions)
        queue = _Queue()
        for one in read:
            position = one.record.position if isinstance(one, Received) else one.position
            if (verdict := known.refusals.get(position)) is not None:
                self.refused_before[position] = verdict
            elif position in decided:
                self._take(position, decided[position])
            elif isinstance(one, Refusal):
                self.refused_now[position] = one
            elif not queue.holds(one) and self._is_new(one, rows_by_id.get(one.transaction.transaction_id, ())):
                self.new.append(one)
                queue.new[one.transaction.transaction_id] = one.transaction
        return queue.waiting

    def settle(self, proposals: Iterable[Proposal], effective: Mapping[Identity, Decision]) -> None:
        """Take the effective rows of a commit of `proposals`; an event whose identity was meanwhile given to other content is refused."""
        for record, decision, _ in proposals:
            position, row = record.position, effective.get(_identity(decision[:2]))
            if row is None:
                continue  # a replay that another one overtook
            if row is decision:
                self.effective[position] = self.own[position] = row
                self.made += 1
            elif row.content_hash == decision.content_hash or row.position == position:
                self._take(position, row)
                self.made += row.position == position
            else:
                self.refused_now[position] = _conflict(record, _OTHER_CONTENT)

    def known(self, records: int) -> int:
        """Return how many of the batch's `records` had their verdict before, or repeat one that had."""
        return records - self.made - len(self.refused_now)

    def consumed(self, records: Iterable[StreamRecord]) -> list[Consumed]:
        """Return what each delivery puts into the lake: the effective row, if its position is this very one."""
        find = self.own.get
        return [_consumed((record.position, record.arrival_time, find(record.position))) for record in records]

    def verdicts(self, records: Iterable[StreamRecord]) -> list[Verdict]:
        """Return the verdicts so far in stream order; what is not refused counts as decided."""
        known = self.refused_before
        return [
            Verdict(r.position in self.refused_now or r.position in known, r.position not in known) for r in records
        ]

    def _take(self, position: StreamPosition, row: Decision) -> None:
        """Let `row` decide the record at `position`."""
        self.effective[position] = row
        if (own := row_of(position, row)) is not None:
            self.own[position] = own

    def _is_all_new(self, read: Sequence[Received | Refusal], known: Known) -> bool:
        """Whether nothing is known of any of these, all are readable and none has another's transaction id: almost always."""
        if known.refusals or known.decisions or self.refused_now:
            return False
        ids = {one.transaction.transaction_id for one in read if isinstance(one, Received)}
        return len(ids) == len(read)

    def _is_new(self, one: Received, rows: Sequence[Decision]) -> bool:
        """Whether nothing is known of the event; else its verdict is given here. The very same event comes before any conflict."""
        transaction, record = one
        same_time = next((row for row in rows if row.event_time == transaction.event_time), None)
        if same_time is not None and same_time.content_hash == transaction.content_hash:
            self._take(record.position, same_time)
        elif same_time is not None:
            self.refused_now[record.position] = _conflict(record, _OTHER_CONTENT)
        elif any(abs(row.event_time - transaction.event_time) <= self.horizon for row in rows):
            self.refused_now[record.position] = _conflict(record, _OTHER_TIME)
        else:
            return True
        return False


@dataclass(slots=True)
class _Queue:
    """Which events of a round have to wait for the next one."""

    new: dict[str, Transaction] = field(default_factory=dict)
    waiting: list[Received] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)

    def holds(self, one: Received) -> bool:
        """Whether this event waits, behind one with its id or one of its user."""
        transaction = one.transaction
        first = self.new.get(transaction.transaction_id)
        if first is None and transaction.transaction_id not in self.ids and transaction.user_id not in self.users:
            return False
        is_repetition = first is not None and _content_of(first) == _content_of(transaction)
        if not is_repetition:
            self.users.add(transaction.user_id)
            self.ids.add(transaction.transaction_id)
        self.waiting.append(one)
        return True


def _content_of(transaction: Transaction) -> tuple[datetime, bytes]:
    return transaction.event_time, transaction.content_hash


_OTHER_CONTENT = "an event with the same id and time but other content was decided first"
_OTHER_TIME = "an event with the same id but another time was decided first"


def _by_id(rows: Iterable[Decision]) -> dict[str, list[Decision]]:
    by_id: dict[str, list[Decision]] = {}
    for row in rows:
        by_id.setdefault(row.transaction_id, []).append(row)
    return by_id


def _conflict(record: StreamRecord, why: str) -> Refusal:
    return refusal_of(record, "look_up", "conflicting_resend", (FieldError(field="transaction_id", message=why),))
