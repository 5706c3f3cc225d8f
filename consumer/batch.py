"""One batch of records on its way to verdicts: what is readable, known, new or refused. Pure; the pipeline does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from schemas.dead_letter import FieldError, RefusalReason, Stage
from schemas.decision import Decision, Identity
from schemas.decode import EventTimeBounds, InvalidRecord, Unknown, decode
from schemas.position import StreamPosition, StreamRecord
from schemas.transaction import Received, Transaction
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


def identity_of(transaction: Transaction) -> Identity:
    """Return what first write wins on."""
    return Identity(transaction.transaction_id, transaction.event_time)


def candidates(read: Iterable[Received | Refusal]) -> tuple[list[Candidate], list[Delivery]]:
    """Return what to ask the ledger: the identities of readable records, the places of unreadable ones."""
    readable: list[Candidate] = []
    unreadable: list[Delivery] = []
    for one in read:
        if isinstance(one, Received):
            readable.append(Candidate(identity_of(one.transaction), one.record.position))
        else:
            unreadable.append(Delivery(one.position, one.arrival_time))
    return readable, unreadable


@dataclass(slots=True)
class Batch:
    """The verdicts on one batch. `new` has distinct identities in stream order and waits for its score; `refused_now` are new refusals."""

    horizon: timedelta
    new: list[Received] = field(default_factory=list)
    refused_now: list[Refusal] = field(default_factory=list)
    refused_before: list[Refusal] = field(default_factory=list)
    effective: dict[Identity, Decision] = field(default_factory=dict)
    identities: dict[StreamPosition, Identity] = field(default_factory=dict)
    duplicates: int = 0
    _new_by_id: dict[str, list[Transaction]] = field(default_factory=dict)

    def sort(self, read: Sequence[Received | Refusal], known: Known) -> None:
        """Give each record its verdict. The first verdict on a position stands; a decided record is never refused later."""
        decided = {row.position: row for row in known.decisions}
        rows_by_id: dict[str, list[Decision]] = {}
        for row in known.decisions:
            rows_by_id.setdefault(row.transaction_id, []).append(row)
        for one in read:
            position = one.record.position if isinstance(one, Received) else one.position
            if (verdict := known.refusals.get(position)) is not None:
                self.refused_before.append(verdict)
            elif position in decided:
                self._take_effective(position, decided[position])
            elif isinstance(one, Refusal):
                self.refused_now.append(one)
            else:
                self._sort_readable(one, rows_by_id.get(one.transaction.transaction_id, ()))

    def settle(self, effective: Mapping[Identity, Decision]) -> list[Refusal]:
        """Take the effective rows of a commit; return refusals of those whose identity was meanwhile given to other content."""
        conflicts: list[Refusal] = []
        for transaction, record in self.new:
            row = effective.get(identity_of(transaction))
            if row is None:
                continue  # refused by the ledger, one by one
            if row.position != record.position and row.content_hash != transaction.content_hash:
                conflicts.append(
                    _conflict(record, "an event with the same id and time but other content was decided first")
                )
            else:
                self._take_effective(record.position, row)
        return conflicts

    def row_at(self, position: StreamPosition) -> Decision | None:
        """Return the decision that this delivery puts into the lake: the effective row, if its position is this very one."""
        identity = self.identities.get(position)
        row = self.effective.get(identity) if identity is not None else None
        return row if row is not None and row.position == position else None

    def _take_effective(self, position: StreamPosition, row: Decision) -> None:
        self.effective[row.identity] = row
        self.identities[position] = row.identity
        self.duplicates += row.position != position

    def _sort_readable(self, one: Received, rows: Sequence[Decision]) -> None:
        transaction, record = one
        if (conflict := self._conflict(transaction, rows)) is not None:
            self.refused_now.append(_conflict(record, conflict))
        elif (row := next((r for r in rows if r.event_time == transaction.event_time), None)) is not None:
            self._take_effective(record.position, row)
        elif any(t.event_time == transaction.event_time for t in self._new_by_id.get(transaction.transaction_id, ())):
            self.duplicates += 1
        else:
            self._new_by_id.setdefault(transaction.transaction_id, []).append(transaction)
            self.new.append(one)

    def _conflict(self, transaction: Transaction, rows: Sequence[Decision]) -> str | None:
        earlier: list[Decision | Transaction] = [*rows, *self._new_by_id.get(transaction.transaction_id, ())]
        for other in earlier:
            if other.event_time == transaction.event_time:
                if other.content_hash != transaction.content_hash:
                    return "an event with the same id and time but other content was decided first"
            elif abs(other.event_time - transaction.event_time) <= self.horizon:
                return "an event with the same id but another time was decided first"
        return None


def _conflict(record: StreamRecord, why: str) -> Refusal:
    return refusal_of(record, "look_up", "conflicting_resend", (FieldError(field="transaction_id", message=why),))
