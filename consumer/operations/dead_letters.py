"""`fraudstream dead-letters list` and `show`: what was refused, and all that explains it. What the ledger says counts, not the bucket."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing

from consumer.batch import Reader
from consumer.clients import AwsClients
from consumer.operations.dead_letters_where import Where
from consumer.operations.terminal import printable
from consumer.settings import Settings
from schemas.dead_letter import DeadLetter, FieldError
from schemas.position import StreamPosition, StreamRecord
from schemas.timestamps import format_timestamp
from schemas.transaction import Received
from sinks.dead_letters.keys import letter_id, letter_key
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.ledger.reader import LedgerReader
from sinks.ledger.rows import StoredRefusal
from sinks.port import Delivery

_HEADER = f"{'arrived':<24}  {'stage':<7}  {'reason':<24}  {'resolved':<8}  dead letter"
_RAW_SHOWN = 8_192


def run_list(settings: Settings, where: Where, *, as_json: bool) -> None:
    """Print every letter that `where` selects, oldest arrival first: a table, or one JSON document a line. Counts go to stderr."""
    reasons, resolved = Counter[str](), 0
    with closing(LedgerReader(settings.dsn(), application_name="fraudstream-dead-letters")) as reader:
        for stored in filter(where, reader.refusals_by_arrival()):
            if not as_json and not reasons:
                print(_HEADER)
            for line in [json.dumps(_document(stored))] if as_json else _row(stored):
                print(line)
            reasons[stored.refusal.reason] += 1
            resolved += stored.resolved_at is not None
    print(counted(reasons, resolved), file=sys.stderr)


def counted(reasons: Counter[str], resolved: int) -> str:
    """Return the last line of a list."""
    if not reasons:
        return "no dead letter"
    by_reason = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"{letters(reasons.total())}: {by_reason}; {resolved:,} resolved"


def letters(count: int) -> str:
    """Return so many dead letters in words."""
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def told_errors(errors: Iterable[FieldError]) -> str:
    """Return the first error in words and how many more there are; empty for none."""
    told = [f"{error.field}: {error.message}" if error.field else error.message for error in errors]
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return printable(told[0] + more) if told else ""


def run_show(settings: Settings, position: StreamPosition, *, is_raw: bool) -> bool:
    """Print the letter of the record at `position`, or just its bytes; return whether there is one."""
    with closing(LedgerReader(settings.dsn(), application_name="fraudstream-dead-letters")) as reader:
        stored = reader.find_refusal(position)
    if stored is None:
        print(f"the ledger knows no refusal at {letter_id(position)}: `fraudstream dead-letters list`", file=sys.stderr)
        return False
    delivery = Delivery(position, stored.refusal.arrival_time)
    letter = S3DeadLetters(AwsClients(settings).s3, settings.dead_letter_bucket).find(delivery)
    if letter is None:
        print(
            f"no letter at s3://{settings.dead_letter_bucket}/{letter_key(*delivery)}: it is written a moment after the "
            "verdict; if the consumer was killed in between, its restart writes it",
            file=sys.stderr,
        )
        return False
    if is_raw:
        sys.stdout.buffer.write(letter.raw)
    else:
        print("\n".join(_lines(letter, stored, settings.dead_letter_bucket)))
    return True


def _row(stored: StoredRefusal) -> Iterator[str]:
    refusal, is_resolved = stored.refusal, "yes" if stored.resolved_at else "begun" if stored.replayed_at else "no"
    arrived = format_timestamp(refusal.arrival_time)
    name = printable(letter_id(refusal.position))
    yield f"{arrived:<24}  {refusal.stage:<7}  {refusal.reason:<24}  {is_resolved:<8}  {name}"
    if refusal.errors:
        yield f"{'':<24}  {told_errors(refusal.errors)}"


def _document(stored: StoredRefusal) -> dict[str, object]:
    refusal, resolved_at = stored.refusal, stored.resolved_at
    return {
        "id": letter_id(refusal.position),
        "arrival_time": format_timestamp(refusal.arrival_time),
        "stage": refusal.stage,
        "reason": refusal.reason,
        "errors": [error.model_dump() for error in refusal.errors],
        "refused_at": format_timestamp(stored.refused_at),
        "resolved_at": None if resolved_at is None else format_timestamp(resolved_at),
    }


def _lines(letter: DeadLetter, stored: StoredRefusal, bucket: str) -> Iterator[str]:
    yield f"dead letter  {letter_id(letter.position)}"
    yield f"object       s3://{bucket}/{letter_key(letter.position, letter.arrival_time)}"
    yield f"arrived      {format_timestamp(letter.arrival_time)}, partition key {printable(letter.partition_key)}"
    yield f"verdict      refused in {letter.stage}: {letter.reason}, at {format_timestamp(stored.refused_at)}"
    for error in letter.errors:
        yield f"error        {told_errors([error])}"
    yield f"versions     {', '.join(f'{name} {version}' for name, version in sorted(letter.versions.items()))}"
    yield f"state        {_state(letter, stored)}"
    yield from _raw(letter.raw)


def _state(letter: DeadLetter, stored: StoredRefusal) -> str:
    if stored.resolved_at is not None:
        read = Reader(bounds=None).read(
            StreamRecord(letter.raw, letter.partition_key, letter.position, letter.arrival_time)
        )
        see = f": `fraudstream show {read.transaction.transaction_id}`" if isinstance(read, Received) else ""
        return printable(f"resolved at {format_timestamp(stored.resolved_at)} by a replay{see}")
    if letter.is_masked:
        return (
            "unresolved; a card number in it was masked, so it cannot be replayed: publish the event anew from upstream"
        )
    if stored.replayed_at is not None:
        return "a replay of it has not ended: run `fraudstream dead-letters replay` again unless one is running"
    return "unresolved"


def _raw(raw: bytes) -> Iterator[str]:
    try:
        text, kind = raw.decode(), "UTF-8"
    except UnicodeDecodeError:
        text, kind = raw.decode("ascii", "backslashreplace"), "not UTF-8, other bytes as \\x.."
    rest = "; the beginning, --raw gives all" if len(text) > _RAW_SHOWN else ""
    yield f"raw          {len(raw):,} bytes, {kind}{rest}"
    yield printable(text[:_RAW_SHOWN])
