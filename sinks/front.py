"""What the front door asks of the ledger: reservations, what was decided, who may ask. A port apart: the gateway never sees adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.decision import Decision, Identity
from schemas.position import StreamPosition
from sinks.port import Refusal


class Reservation(NamedTuple):
    """What a transaction id stands for: one event time (aware UTC, ms) and one content hash (16 bytes), as decoding made them."""

    transaction_id: str
    event_time: datetime
    content_hash: bytes


class Standing(NamedTuple):
    """What stood, or stands now, for a transaction id.

    `reservation` stands after the call; None where decisions stand that nobody reserved: then none was made. `is_new`: this call made
    it. `decisions`: every row of the id whose event time is within the de-duplication horizon of the standing reservation's, or of the
    one asked for where none stands; ascending by event time.
    """

    reservation: Reservation | None
    is_new: bool
    decisions: tuple[Decision, ...]


class Pending(NamedTuple):
    """An event that waits for its verdict. `position` is None where nobody knows at which it was published."""

    identity: Identity
    position: StreamPosition | None


class Found(NamedTuple):
    """All that is known of a transaction id: every decision, ascending by event time, and the reservation, if one is still kept."""

    decisions: tuple[Decision, ...]
    reservation: Reservation | None


Verdict = Decision | Refusal


class FrontLedger(Protocol):
    """The ledger as the gateway asks it. Every method may block; each handle is for one thread.

    Every method raises TransientSinkError (ask again: all of them may be repeated) or PermanentSinkError, SchemaVersionError among them.
    """

    def reserve(self, asked: Sequence[Reservation]) -> Sequence[Standing]:
        """Reserve in one transaction; return what stands for each, in the order asked.

        First write wins on the transaction id, also between gateways at once and inside one batch, where the first asked wins: exactly
        one of all callers is told `is_new`. Where an answer was lost, a second call is told that the reservation stood. A reservation
        lives until housekeeping forgets it, days later. Raises DataRefusedError, and nothing of the batch is written, where an id is
        no text for PostgreSQL (a lone surrogate, U+0000), has more than 128 characters, or a hash not 16 bytes: what decoding refuses.
        """
        ...

    def settled(self, pending: Sequence[Pending]) -> Mapping[Identity, Verdict]:
        """Return the verdicts that are there by now, in one round trip for all; two, where a record close by was refused.

        A decision of the identity wins over a refusal at the position. What is not there is not settled yet. Positions are compared
        whole: the same event refused at another position is not found.
        """
        ...

    def find(self, transaction_id: str) -> Found:
        """Return all that is known of this id; nothing and None for an unknown one, and for one that no text could be."""
        ...

    def check(self) -> None:
        """Connect and compare the schema's version. Raises TransientSinkError or SchemaVersionError."""
        ...

    def close(self) -> None:
        """Close the connection; the next call opens another. Never raises."""
        ...


class ApiKey(NamedTuple):
    """A client's key as it is stored: never the secret itself. Times are aware UTC, `rate_per_s` and `burst` count transactions."""

    key_id: str
    name: str
    salt: bytes
    secret_hash: bytes
    scopes: frozenset[str]
    rate_per_s: float
    burst: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeys(Protocol):
    """Where keys are kept. Every method may block and raises the errors of sinks; each handle is for one thread."""

    def add(self, key: ApiKey) -> None:
        """Store a new key. Raises DataRefusedError where the id is taken or a value breaks a bound: nothing is stored."""
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key, also one that expired or was revoked; None if there is none, and for an id that no text could be."""
        ...

    def all(self) -> Sequence[ApiKey]:
        """Return every key ever made, ascending by `created_at`."""
        ...

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Revoke a key as of `at`; False if there is no such key. One that was revoked before stays as it was: True."""
        ...

    def close(self) -> None:
        """Close the connection; the next call opens another. Never raises."""
        ...
