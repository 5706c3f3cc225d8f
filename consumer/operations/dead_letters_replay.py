"""`fraudstream dead-letters replay`: refused records through the pipeline once more. Interruptible: run it again to go on."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from consumer.clients import AwsClients
from consumer.deciding import Decider
from consumer.operations.dead_letters import letters, told_errors
from consumer.operations.dead_letters_where import Where
from consumer.operations.terminal import printable
from consumer.patience import Patience
from consumer.replay import SETTLED, Outcome, Rehearsal, Replayed, Replayer
from consumer.settings import Settings
from consumer.telemetry.logs import configure_logs
from consumer.wiring import reader_of, scorer_of
from sinks.dead_letters.keys import letter_id
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.lake.replays import S3ReplayLake
from sinks.ledger.reader import LedgerReader
from sinks.ledger.replays import PostgresReplayLedger
from sinks.port import Delivery

_PROGRESS_EVERY_S = 5.0
_INTERRUPTED = 130
_WORDS: Mapping[Outcome, str] = {
    "decided": "decided",
    "repeated": "repeated",
    "settled_before": "settled before",
    "refused_again": "refused again",
    "masked": "masked",
    "missing": "missing",
    "damaged": "damaged",
    "overtaken": "overtaken",
}
_EXPLANATIONS: Mapping[Outcome, str] = {
    "settled_before": "another replay settled it meanwhile",
    "masked": "a card number in it was masked, so these are not the event's bytes: publish the event anew from upstream",
    "missing": "there is no letter in the bucket; if the consumer was killed after the verdict, its restart writes it",
    "damaged": "the object in the bucket is not the letter of this record: see `fraudstream audit`",
    "overtaken": "another release replays it at this moment: run this again to finish it",
}


def run_replay(settings: Settings, where: Where, *, is_dry_run: bool) -> int:
    """Replay every unresolved letter that `where` selects, oldest arrival first.

    Returns 0 if each was settled (or would be, in a dry run, which writes nothing), 1 if some stay dead letters, 130 after Ctrl-C.
    Raises sink errors where the ledger cannot be read at the beginning or a sink refuses; what is away later is waited for.
    """
    configure_logs("error")
    chosen = _chosen(settings, where)
    if not chosen:
        print("no unresolved dead letter to replay", file=sys.stderr)
        return 0
    with ExitStack() as stack:
        replayer = _replayer(settings, stack, is_dry_run=is_dry_run)
        return _replay_all(replayer, chosen, _Tally(is_dry_run))


def _chosen(settings: Settings, where: Where) -> list[Delivery]:
    with closing(LedgerReader(settings.dsn(), application_name="fraudstream-replay")) as reader:
        unresolved = (stored for stored in reader.refusals_by_arrival() if stored.resolved_at is None)
        return [Delivery(one.refusal.position, one.refusal.arrival_time) for one in unresolved if where(one)]


def _replayer(settings: Settings, stack: ExitStack, *, is_dry_run: bool) -> Replayer:
    s3, horizon = AwsClients(settings).s3, settings.dedup_horizon
    ledger = stack.enter_context(closing(PostgresReplayLedger(settings.dsn(), dedup_horizon=horizon)))
    rehearsal = Rehearsal(ledger) if is_dry_run else None
    return Replayer(
        ledger=rehearsal or ledger,
        lake=rehearsal or S3ReplayLake(s3, settings.lake_bucket),
        letters=S3DeadLetters(s3, settings.dead_letter_bucket),
        decider=Decider(scorer_of(settings), version("fraudstream"), horizon),
        reader=reader_of(settings),
        retry=Patience(_Waiting().say),
        now=lambda: datetime.now(UTC),
    )


def _replay_all(replayer: Replayer, chosen: Sequence[Delivery], tally: _Tally) -> int:
    print(f"{'rehearsing' if tally.is_dry_run else 'replaying'} {letters(len(chosen))}", file=sys.stderr)
    try:
        for number, delivery in enumerate(chosen, start=1):
            tally.take(replayer.replay(delivery))
            tally.say_progress(number, len(chosen))
    except KeyboardInterrupt:
        done = tally.outcomes.total()
        print("\n".join(tally.lines()))
        print(f"stopped after {done:,} of {len(chosen):,}: run the same command again to go on", file=sys.stderr)
        return _INTERRUPTED
    print("\n".join(tally.lines()))
    return 0 if tally.outcomes.keys() <= SETTLED else 1


@dataclass(slots=True)
class _Tally:
    """What became of the letters so far, told one by one and in sum."""

    is_dry_run: bool
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    alerts: int = 0
    out_of_bounds: int = 0
    _told_s: float = field(default_factory=time.monotonic)

    def take(self, replayed: Replayed) -> None:
        self.outcomes[replayed.outcome] += 1
        self.alerts += replayed.alert is not None
        reason = replayed.refusal.reason if replayed.refusal else None
        self.out_of_bounds += reason == "event_time_out_of_bounds"
        told = f"{_WORDS[replayed.outcome]:<14}  {letter_id(replayed.delivery.position)}  {_detail(replayed)}"
        print(told, flush=True)  # what was done is on paper, however this process ends

    def say_progress(self, number: int, total: int) -> None:
        """Say how far it is, every few seconds: the lines above may go to a file."""
        if time.monotonic() - self._told_s >= _PROGRESS_EVERY_S:
            self._told_s = time.monotonic()
            print(f"{number:,} of {total:,}", file=sys.stderr)

    def lines(self) -> list[str]:
        counts = ", ".join(f"{count:,} {_WORDS[outcome]}" for outcome, count in self.outcomes.most_common())
        what = "dry run, nothing was written; it would have been" if self.is_dry_run else "replayed"
        lines = [f"{what}: {counts or 'nothing'}"]
        if self.alerts:
            lines.append(f"alerts kept and not sent, because nobody is paged for what is replayed: {self.alerts:,}")
        if staying := sum(count for outcome, count in self.outcomes.items() if outcome not in SETTLED):
            lines.append(f"{staying:,} stay dead letters, and nothing is written for them")
        if self.out_of_bounds:
            lines.append("for events of any time, run this with FRAUDSTREAM_EVENT_TIME_CHECK=false")
        return lines


class _Waiting:
    """Says what is waited for, once each."""

    def __init__(self) -> None:
        self._said = ""

    def say(self, waits_for: str) -> None:
        if waits_for != self._said:
            print(f"waiting: {waits_for} (Ctrl-C ends this; run it again to go on)", file=sys.stderr)
            self._said = waits_for


def _detail(replayed: Replayed) -> str:
    row, refusal = replayed.row, replayed.refusal
    if refusal is not None:
        why = told_errors(refusal.errors)
        return f"{refusal.reason} in {refusal.stage}{': ' if why else ''}{why}"
    if row is None:
        return _EXPLANATIONS[replayed.outcome]
    if replayed.outcome == "repeated":
        return printable(f"transaction {row.transaction_id} was decided at {letter_id(row.position)}")
    kept = "; its alert is kept, not sent" if replayed.alert else ""
    return printable(f"transaction {row.transaction_id}, {row.risk_level} risk{kept}")
