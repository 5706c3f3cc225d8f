"""Publishing a file: every line is judged by the consumer's own decoder, good ones travel, bad ones are told with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from producers.keys import keyed_record, partition_key
from producers.kinesis import Publisher
from producers.lines import BLANK, BOM, Line, read_events
from producers.records import OutgoingRecord, Pause
from schemas.decode import InvalidRecord, Unknown, decode
from schemas.transaction import Transaction

REFUSALS_KEPT = 20
ACCEPTED = (
    "accepted are JSON lines (one event a line, UTF-8) and a file that is one JSON array of events; "
    "`jq -c . FILE` makes lines of other JSON"
)


class RefusedLine(NamedTuple):
    """A line that was not sent: its number in the file (in an array: its place), from 1, and why."""

    number: int
    reason: str


@dataclass(slots=True)
class PublishReport:
    """What became of a file. `refusals` holds the first 20 refused lines, `refused` counts all of them."""

    published: int = 0
    refused: int = 0
    refusals: list[RefusedLine] = field(default_factory=list)
    events_with_unknown_fields: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every line was sent: what decides the exit code."""
        return self.refused == 0

    def refuse(self, number: int, reason: str) -> None:
        """Count a line that is not sent."""
        self.refused += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(RefusedLine(number, reason))

    def describe(self) -> Iterator[str]:
        """Yield the lines that tell a person what was refused, bounded, and what to do; nothing if all was sent."""
        yield from (f"line {number}: {reason}" for number, reason in self.refusals)
        if self.refused > len(self.refusals):
            yield f"... and {self.refused - len(self.refusals)} more lines"
        if not self.is_complete:
            yield f"{self.refused} lines were not sent, {self.published} were; {ACCEPTED}"


Check = Callable[[Transaction], None]
"""Raises InvalidRecord for a transaction that the consumer would refuse, such as one outside its bounds of event time."""


def publish_file(
    source: IO[bytes], publisher: Publisher, *, is_forced: bool = False, check: Check = lambda _: None
) -> PublishReport:
    """Publish the events of `source` (read_events says which formats) in the order of the file and report.

    The source is streamed. Without `is_forced` every event must be one that the consumer's decoder and `check` accept: all
    else is refused, the good ones are sent all the same, and blank lines at the end are ignored. With it every line is sent as it
    is, empty ones too (Kinesis takes records of no bytes), but for those that are larger than a record may be. The key is the
    user_id where it can be read, else a hash of the line. Raises PublishError; `publisher.progress` then tells how far it came.
    """
    limit_bytes = publisher.settings.limits.record_bytes
    gate = _Gate(limit_bytes, check)
    admit = gate.admit_any if is_forced else gate.admit_valid
    for places in publisher.stream(_records(read_events(source, limit_bytes), admit)):
        gate.report.published += len(places)
    gate.report.events_with_unknown_fields = gate.unknown.events
    return gate.report


def _records(
    lines: Iterator[Line | Pause], admit: Callable[[Line], OutgoingRecord | None]
) -> Iterator[OutgoingRecord | Pause]:
    for line in lines:
        record = line if isinstance(line, Pause) else admit(line)
        if record is not None:
            yield record


@dataclass(slots=True)
class _Gate:
    """Turns lines into records, or refuses them into the report."""

    limit_bytes: int
    check: Check
    report: PublishReport = field(default_factory=PublishReport)
    unknown: Unknown = field(default_factory=Unknown)
    blank_lines: list[int] = field(default_factory=list)

    def admit_any(self, line: Line) -> OutgoingRecord | None:
        return self._fit(line, line.data if line.is_cut else keyed_record(line.data))

    def admit_valid(self, line: Line) -> OutgoingRecord | None:
        data = line.data.removeprefix(BOM) if line.number == 1 else line.data
        if not data.strip(BLANK):
            self.blank_lines.append(line.number)
            return None
        self._refuse_blank_lines()
        try:
            return self._fit(line, data if line.is_cut else self._valid_record(data))
        except InvalidRecord as refusal:
            self.report.refuse(line.number, _tell(refusal))
            return None

    def _valid_record(self, data: bytes) -> OutgoingRecord:
        transaction = decode(data, self.unknown)
        self.check(transaction)
        return OutgoingRecord(data, partition_key(transaction.user_id, data))

    def _fit(self, line: Line, record: OutgoingRecord | bytes) -> OutgoingRecord | None:
        if isinstance(record, OutgoingRecord) and record.size_bytes <= self.limit_bytes:
            return record
        self.report.refuse(
            line.number, f"is larger than {self.limit_bytes} bytes, key included: the stream cannot take it"
        )
        return None

    def _refuse_blank_lines(self) -> None:
        for number in self.blank_lines:
            self.report.refuse(number, "empty_record")
        self.blank_lines.clear()


def _tell(refusal: InvalidRecord) -> str:
    details = "; ".join(f"{error.field}: {error.message}" if error.field else error.message for error in refusal.errors)
    return f"{refusal.reason}: {details}" if details else refusal.reason
