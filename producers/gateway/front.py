"""All that the app needs of the world, in one value. `open_front` makes it of ledger handles, a publisher, keys and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from producers.gateway.answers import ReasonText
from producers.gateway.batcher import Batcher
from producers.gateway.desk import Desk, Publishing
from producers.gateway.keys import KeyRing
from producers.gateway.limits import RateLimits
from producers.gateway.metrics import Measure, measure_nothing
from producers.gateway.readiness import Probe, Readiness
from producers.gateway.reading import STREAM_BOUNDS
from producers.gateway.watcher import Watcher
from schemas.decode import EventTimeBounds
from schemas.label import Label
from schemas.position import StreamEpoch
from sinks.feedback import LabelOutcome, Labels
from sinks.front import Found, FrontLedger

LabelBatch = tuple[Label, ...]
_LABEL_REQUESTS = 4
"""In one transaction, of at most 500 labels each."""
_FIND_REQUESTS = 50


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """How a gateway behaves. `cors_origins`: whose pages may call; none: no page may. `has_docs`: serve `/docs` and `/openapi.json`.

    `bounds`: those that the consumer holds event times against, None where it does not: what lies outside is refused before it is
    published, so that no client fills the dead letters.
    """

    deadline_s: float = 2.0
    poll_s: float = 0.015
    linger_s: float = 0.005
    most_waiting: int = 2_000
    most_lag_s: float = 10.0
    has_docs: bool = True
    cors_origins: tuple[str, ...] = ()
    event_bytes: int = 64 * 1024
    batch_bytes: int = 2 * 1024 * 1024
    bounds: EventTimeBounds | None = STREAM_BOUNDS


class FrontLedgers(NamedTuple):
    """Handles of the ledger: each of the first four is used by another thread, so each has its own connection; so has `labels`."""

    reserving: FrontLedger
    watching: FrontLedger
    finding: FrontLedger
    checking: FrontLedger
    labels: Labels


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return f"gw-{uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Front:
    """The collaborators of one app, for one event loop. `now` gives aware UTC, `new_id` ids that nobody had before."""

    desk: Desk
    finder: Batcher[str, Found]
    labels: Batcher[LabelBatch, Sequence[LabelOutcome]]
    keys: KeyRing
    limits: RateLimits
    readiness: Readiness
    reason_text: ReasonText
    measure: Measure = measure_nothing
    settings: FrontSettings = FrontSettings()
    now: Callable[[], datetime] = _now
    new_id: Callable[[], str] = _new_id

    async def close(self, timeout_s: float = 10.0) -> None:
        """End all threads, the publisher's, the key ring's and the limits' among them; call it after the last request.

        Ledger handles are left open: who made them closes them afterwards.
        """
        self.desk.close(timeout_s)
        self.finder.close(timeout_s)
        self.labels.close(timeout_s)
        self.readiness.close()
        self.keys.close()
        await self.limits.close()


def open_front(
    ledgers: FrontLedgers,
    publisher: Publishing,
    keys: KeyRing,
    limits: RateLimits,
    *,
    epoch: StreamEpoch,
    check_stream: Callable[[], None],
    reason_text: ReasonText,
    measure: Measure = measure_nothing,
    settings: FrontSettings | None = None,
    now: Callable[[], datetime] = _now,
    new_id: Callable[[], str] = _new_id,
) -> Front:
    """Return a front whose threads run. Nothing is asked of ledger or stream yet, so it starts also while they are away.

    `epoch` is that of the stream that `publisher` publishes to; `check_stream` raises where it cannot be reached.
    """
    chosen = settings or FrontSettings()
    desk = _open_desk(ledgers, publisher, epoch, chosen)
    return Front(
        desk=desk,
        finder=Batcher(_finding(ledgers.finding), name="gateway-finder", linger_s=0, most_items=_FIND_REQUESTS),
        labels=Batcher(_storing(ledgers.labels), name="gateway-labels", most_items=_LABEL_REQUESTS),
        keys=keys,
        limits=limits,
        readiness=Readiness(
            Probe("stream", check_stream),
            Probe("ledger", ledgers.checking.check),
            desk.oldest_pending_s,
            most_lag_s=chosen.most_lag_s,
        ),
        reason_text=reason_text,
        measure=measure,
        settings=chosen,
        now=now,
        new_id=new_id,
    )


def _open_desk(ledgers: FrontLedgers, publisher: Publishing, epoch: StreamEpoch, settings: FrontSettings) -> Desk:
    reservations = Batcher(ledgers.reserving.reserve, name="gateway-reservations", linger_s=settings.linger_s)
    return Desk(
        reservations,
        publisher,
        Watcher(ledgers.watching, poll_s=settings.poll_s),
        epoch=epoch,
        deadline_s=settings.deadline_s,
        most_waiting=settings.most_waiting,
    )


def _finding(ledger: FrontLedger) -> Callable[[list[str]], list[Found]]:
    return lambda transaction_ids: [ledger.find(transaction_id) for transaction_id in transaction_ids]


def _storing(labels: Labels) -> Callable[[list[LabelBatch]], list[Sequence[LabelOutcome]]]:
    """Several requests in one transaction, each whole in it."""

    def store(batches: list[LabelBatch]) -> list[Sequence[LabelOutcome]]:
        outcomes = iter(labels.put([label for batch in batches for label in batch]))
        return [[next(outcomes) for _ in batch] for batch in batches]

    return store
