"""What the stages work on: the same events in every form that they have on their way, made once by the code of the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from consumer.batch import Reader, identity_of
from consumer.bench.feed import EPOCH, SHARD, process_records, wire_records
from consumer.bench.sinks import InstantLedger
from consumer.deciding import truncated
from consumer.kinesis.protocol import ProcessRecords, decode_message, stream_records
from consumer.scoring.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from consumer.scoring.compose import alert_of, decision_of
from consumer.scoring.features import VELOCITY, Matrix, Memory
from consumer.scoring.scorer import Scored, Scorer
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.position import StreamRecord
from schemas.transaction import Received, Transaction

_STEP = 500
_LEDGER = InstantLedger()


class Materials(NamedTuple):
    """Events [N] in all their forms, in stream order, with the past that they find."""

    wire: Sequence[bytes]
    received: Sequence[Received]
    features: Matrix
    """Velocity vectors [N, F]."""
    scored: Sequence[Scored]
    decisions: Sequence[Decision]

    @property
    def records(self) -> list[StreamRecord]:
        """The records."""
        return [one.record for one in self.received]

    @property
    def transactions(self) -> list[Transaction]:
        """The transactions."""
        return [one.transaction for one in self.received]

    def cut(self, first: int, last: int) -> Materials:
        """Return the events from `first` to before `last`."""
        cut = slice(first, last)
        return Materials(self.wire[cut], self.received[cut], self.features[cut], self.scored[cut], self.decisions[cut])

    def batches(self, size: int, number: int) -> list[Materials]:
        """Return the first `number` events in batches of `size`."""
        return [self.cut(first, min(first + size, number)) for first in range(0, number, size)]


class Bench(NamedTuple):
    """The model, the events that came before, and those that are measured."""

    bundle: Bundle
    scorer: Scorer
    past: Materials
    now: Materials


def make_bench(past: int, now: int, seed: int) -> Bench:
    """Simulate `past` and then `now` events and take them through every stage, with the committed default model."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    scorer = Scorer(bundle)
    wire = wire_records(past + now, seed)
    received = read_all(wire)
    features = _vectors(received)
    scored = scorer.score_vectors(features, [one.transaction for one in received])
    decisions = compose(scorer, received, scored)
    everything = Materials(wire, received, features, scored, decisions)
    return Bench(bundle, scorer, everything.cut(0, past), everything.cut(past, past + now))


def read_line(line: bytes) -> list[StreamRecord]:
    """Return the records of one line of the protocol."""
    message = decode_message(line)
    if not isinstance(message, ProcessRecords):
        raise TypeError("not a line that delivers records")
    return stream_records(message.records, EPOCH, SHARD)


def read_all(wire: Sequence[bytes]) -> list[Received]:
    """Return the transactions of records that can all be read."""
    reader = Reader()
    read = [reader.read(record) for record in read_line(process_records(wire).rstrip())]
    return [one for one in read if isinstance(one, Received)]


def remember(memory: Memory, batch: Sequence[Received]) -> None:
    """Give the memory what it wants for the batch: nobody has a past but the one that it saw."""
    wanted = memory.wanted(batch)
    known = _LEDGER.look_up((), (), wanted)
    memory.load(wanted, known.histories, known.merchants)


def velocity(memory: Memory, batch: Sequence[Received], effective: Mapping[Identity, Decision | Transaction]) -> Matrix:
    """Return the vectors of one batch, and leave it in the memory, as a worker does whose ledger took everything."""
    remember(memory, batch)
    features = VELOCITY.compute([one.transaction for one in batch], memory)
    memory.settle(effective)
    memory.make_room()
    return features


def compose(scorer: Scorer, received: Sequence[Received], scored: Sequence[Scored]) -> list[Decision]:
    """Return the rows that a worker would propose."""
    now = truncated(datetime.now(UTC))
    return [decision_of(one, score, scorer.made_by, now, now) for one, score in zip(received, scored, strict=True)]


def alerts_of(scorer: Scorer, decisions: Sequence[Decision], scored: Sequence[Scored]) -> list[Alert]:
    """Return the alerts of those decisions that alert."""
    pairs = zip(decisions, scored, strict=True)
    return [alert_of(decision, score.threshold, scorer.reason_method) for decision, score in pairs if score.alerts]


def _vectors(received: Sequence[Received]) -> Matrix:
    memory = Memory()
    found = []
    for first in range(0, len(received), _STEP):
        batch = received[first : first + _STEP]
        taken: dict[Identity, Decision | Transaction] = {identity_of(one.transaction): one.transaction for one in batch}
        found.append(velocity(memory, batch, taken))
    return np.concatenate(found)
