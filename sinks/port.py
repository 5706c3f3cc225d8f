"""What the pipeline asks of its sinks: one Protocol a kind. Adapters do not inherit; the contract suites hold them to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter, FieldError, RefusalReason, Stage
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, MerchantHour, MerchantWindows, PastTransaction, Wanted
from schemas.position import ShardId, StreamEpoch, StreamPosition

T = TypeVar("T")


class Retry(Protocol):
    """Calls a sink until it answers: TransientSinkError is waited out, everything else passes through."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return what `call` returns in the end."""
        ...


class Candidate(NamedTuple):
    """A readable event that asks what is known of it."""

    identity: Identity
    position: StreamPosition


class Delivery(NamedTuple):
    """A record that could not be read: only its place and arrival are known."""

    position: StreamPosition
    arrival_time: datetime


class Refusal(NamedTuple):
    """The verdict that a record is no decision. The first verdict on a position stands, whatever is deployed later."""

    position: StreamPosition
    arrival_time: datetime
    stage: Stage
    reason: RefusalReason
    errors: tuple[FieldError, ...] = ()


class Known(NamedTuple):
    """What the ledger knew before a batch.

    `refusals`: verdicts on the positions asked for. `decisions`: every row whose transaction_id was asked for, with an event time
    within the de-duplication horizon of the one asked for, and every row that stands at the position of an unreadable delivery.
    """

    refusals: Mapping[StreamPosition, Refusal]
    decisions: Sequence[Decision]
    histories: Mapping[str, Sequence[PastTransaction]] = MappingProxyType({})
    """Every user asked for: the `NEWEST` newest transactions after the time asked for, ascending by (event time, transaction id)."""
    merchants: Mapping[MerchantHour, MerchantWindows] = MappingProxyType({})
    """Every merchant and hour asked for; zeros where nothing is known."""


class Ledger(Protocol):
    """The ledger decides: first write wins on the identity, first verdict wins on the position."""

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """Return what is known of a batch and the past that it wants, in one round trip; two, where records were refused before.

        Raises TransientSinkError or PermanentSinkError.
        """
        ...

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        """Write one batch in one transaction and return the effective row of every decision given, by identity.

        `decisions` have distinct identities. An alert enters the outbox only if its decision was inserted by this call. A refusal
        of a position that has the very same one is ignored. Nothing is written if it raises: TransientSinkError (also when the
        connection died inside COMMIT: call again with the same batch), DataRefusedError (bisect), OvertakenError (a record to be
        decided was refused since it was looked up, or the other way round, or refused for another reason: look up again) or
        PermanentSinkError.
        """
        ...


class OutboxAlert(NamedTuple):
    """An alert claimed from the outbox; `payload` is the JSON document, ready to send."""

    alert_id: UUID
    payload: str
    attributes: Mapping[str, str | float]
    attempts: int


class Outbox(Protocol):
    """Alerts born in ledger transactions, waiting to be told. Claims expire, so a crashed relay loses nothing."""

    def claim(self, limit: int) -> Sequence[OutboxAlert]:
        """Claim up to `limit` alerts that are due, oldest first, for this relay alone."""
        ...

    def mark_sent(self, message_ids: Mapping[UUID, str]) -> None:
        """Record that these left, with the message id the topic gave."""
        ...

    def mark_failed(self, errors: Mapping[UUID, str]) -> None:
        """Record why these did not leave; they become due again with backoff."""
        ...

    def park(self, errors: Mapping[UUID, str]) -> None:
        """Record that the topic refuses these for good (SenderFault): they wait for an operator."""
        ...

    def pending(self) -> int:
        """Return how many alerts are neither sent nor parked."""
        ...

    def oldest_pending_s(self) -> float:
        """Return how long ago the oldest of their records arrived in Kinesis, by the outbox' clock; 0 where there is none."""
        ...


class PublishResult(NamedTuple):
    """What became of one batch: message ids of what left, errors of what may be tried again, errors of what is refused for good."""

    sent: Mapping[UUID, str]
    failed: Mapping[UUID, str]
    refused: Mapping[UUID, str]


class AlertTopic(Protocol):
    """Where alerts are published."""

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """Publish alerts, which are distinct; every one appears in exactly one part of the result.

        `failed` may have left all the same, if only the answer was lost. Raises TransientSinkError, or PermanentSinkError if the topic
        is not there or not ours, only where a request failed as a whole and none is known to have left or been refused.
        """
        ...


class ChunkFooter(NamedTuple):
    """What an object's metadata says of the chunk in it: where it ends (last record consumed), how many rows, whose it is."""

    chunk_id: str
    end: StreamPosition
    rows: int
    schema_version: str


class ChunkObject(NamedTuple):
    """A sealed chunk, ready to be stored: key, metadata and rows in the order consumed. It never changes under its chunk id."""

    key: str
    footer: ChunkFooter
    rows: Sequence[Decision]


class Lake(Protocol):
    """The lake is a chain of chunks: an object is written once, and its metadata names the only possible next key."""

    def put(self, chunk: ChunkObject) -> ChunkFooter:
        """Store `chunk` unless its key is taken; return the footer of the object that now stands at the key.

        The caller compares chunk ids: its own means stored (also by an earlier try whose answer was lost), another's means taken.
        Raises TransientSinkError when it is not known what stands there; call again with the same chunk.
        """
        ...

    def footer(self, key: str) -> ChunkFooter | None:
        """Return the footer of the object at `key`, None if there is none."""
        ...

    def keys(self, arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> Sequence[str]:
        """Return every key of the shard's chunks of that day, in order."""
        ...


class DeadLetters(Protocol):
    """Where refused records are set aside."""

    def put(self, letter: DeadLetter) -> None:
        """Store the letter unless its position has one already (then nothing changes). Raises TransientSinkError or PermanentSinkError."""
        ...


class DeadLetterArchive(Protocol):
    """Where a refused record is read again."""

    def find(self, delivery: Delivery) -> DeadLetter | None:
        """Return the letter of the record, None if there is none.

        Raises DamagedLetterError if what stands there is not its letter, TransientSinkError or PermanentSinkError.
        """
        ...


class ReplayLedger(Protocol):
    """The one way by which a refused record is decided after all. Every method raises TransientSinkError or PermanentSinkError.

    A refusal is unresolved, then resolved, never back. All that a replay does to a record happens under a lock on its refusal, so that
    at most one decision ever stands at a refused position, whoever replays it, how often and with whichever release.
    """

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `Ledger.look_up`."""
        ...

    def decide(self, delivery: Delivery, decision: Decision, alert: Alert | None) -> Decision | None:
        """Write the decision of a refused record and return the effective one; None if the refusal is resolved: nothing is written.

        A decision that stands at the record's position comes back as it is (an earlier replay did not end), and so does one with the
        same identity. The alert is born with its decision and kept (state `suppressed`, reason `replayed`), never sent: nobody is
        paged for what an operator looks at long afterwards. Raises DataRefusedError too, and PermanentSinkError if there is no refusal.
        """
        ...

    def resolve(self, delivery: Delivery, row: Decision) -> bool:
        """Record that the refusal ended in `row`: its own, which stands in the lake by now, or that of the event that it repeats.

        False, and nothing is recorded, where another decision stands at the position: another replay came first, and is to be finished.
        True where it is resolved already. Raises PermanentSinkError if there is no refusal.
        """
        ...


class ReplayLake(Protocol):
    """Where the row of a replayed letter stands: in an object of its own, because the chain never holds a row of a refused record."""

    def put(self, row: Decision) -> None:
        """Store the row unless its object stands already; that holds the same row, because both came from the ledger.

        Raises TransientSinkError when it is not known what stands there, PermanentSinkError if something else does.
        """
        ...
