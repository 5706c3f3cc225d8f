"""Every record of the stream against its verdict, and every verdict against the stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from consumer.auditing.evidence import Checkpoints, Evidence, is_covered, name_of
from consumer.auditing.places import Places
from consumer.auditing.report import AuditReport
from consumer.batch import Reader, identity_of
from consumer.letters import letter_of
from schemas.dead_letter import DeadLetter, FieldError
from schemas.decision import Decision, Identity
from schemas.position import ShardId, StreamPosition, StreamRecord
from schemas.transaction import Received, Transaction
from sinks.ledger.rows import storable
from sinks.port import Refusal

_REMEDY = "if none is running, one was interrupted: run `fraudstream dead-letters replay` again"


def audit_records(evidence: Evidence, report: AuditReport) -> None:
    """Give every record read its place in the report: decided, refused, repeated, lost, or not to be judged yet."""
    audit = _Records(evidence, report)
    for record in evidence.published:
        report.note("published")
        audit.judge(record)
    report.without_checkpoint = sorted({r.position.shard_id for r in evidence.published} - evidence.checkpoints.keys())


def audit_origins(evidence: Evidence, places: Places, report: AuditReport) -> None:
    """Find verdicts on records that the stream does not have, and dead letters without a verdict."""
    for what, positions in (("decision", (d.position for d in evidence.decisions)), ("refusal", evidence.refusals)):
        for position in positions:
            _audit_origin(what, position, places, report)
    for position in evidence.dead_letters.keys() - evidence.refusals.keys():
        if places.may_be_in_flight(position):
            report.note("pending")
        else:
            report.fault("mismatched", f"a dead letter at {name_of(position)} that the ledger knows nothing of")


def audit_replays(evidence: Evidence, report: AuditReport) -> None:
    """Count the refusals that replays settled, and find the replays that have not ended."""
    report.note("replayed", len(evidence.resolved))
    if begun := len(set(evidence.replayed).difference(evidence.resolved)):
        report.remark("pending", f"{begun} replays of dead letters have not ended: {_REMEDY}", begun)


def silent_identities(
    published: Iterable[StreamRecord],
    checkpoints: Checkpoints,
    decisions: Iterable[Decision],
    refusals: Iterable[StreamPosition],
) -> Iterator[Identity]:
    """Yield the identities of checkpointed records that this epoch gave no verdict and no decision: another epoch may have."""
    rows = list(decisions)
    verdicts, identities = {*(row.position for row in rows), *refusals}, {row.identity for row in rows}
    for record in published:
        if record.position in verdicts or not is_covered(checkpoints, record.position):
            continue
        transaction = _read(record)
        if transaction is not None and (identity := identity_of(transaction)) not in identities:
            yield identity


class _Records:
    def __init__(self, evidence: Evidence, report: AuditReport) -> None:
        self._evidence, self._report = evidence, report
        self._by_position = {row.position: row for row in evidence.decisions}
        self._by_identity = {row.identity: row for row in (*evidence.decided_elsewhere, *evidence.decisions)}
        self._starts = _first_effects(evidence) if evidence.starts_at_latest else {}

    def judge(self, record: StreamRecord) -> None:
        decided = self._by_position.get(record.position)
        refused = self._evidence.refusals.get(record.position)
        if refused is not None and self._evidence.is_replayed(record.position):
            self._judge_replayed(record, refused, decided)
        elif decided is not None and refused is not None:
            self._report.fault("mismatched", f"{name_of(record.position)} is decided and refused")
        elif decided is not None:
            self._judge_decided(record, decided)
        elif refused is not None:
            self._judge_refused(record, refused)
        else:
            self._judge_silent(record)

    def _judge_decided(self, record: StreamRecord, row: Decision) -> None:
        self._report.note("decided")
        transaction, name = _read(record), name_of(record.position)
        if transaction is None or transaction != row[: len(transaction)]:
            self._report.fault("mismatched", f"the decision of {name} is not about the event that was published")
        elif row.arrival_time != record.arrival_time:
            self._report.fault("mismatched", f"the decision of {name} tells another arrival than the stream")

    def _judge_refused(self, record: StreamRecord, refusal: Refusal) -> None:
        self._report.note("refused")
        letter, name = self._judge_letter(record, refusal), name_of(record.position)
        if letter is not None and self._is_wrong(refusal, record, letter):
            self._report.fault("mismatched", f"{name} was refused as {refusal.reason}, which it is not")

    def _judge_replayed(self, record: StreamRecord, refusal: Refusal, row: Decision | None) -> None:
        """Refused first, and decided by a replay: at its own position, or as the repetition of an event decided elsewhere."""
        self._judge_letter(record, refusal)
        if row is not None:
            self._judge_decided(record, row)
        elif record.position not in self._evidence.replayed and self._is_repeated(record):
            self._report.note("repeated")
        else:
            self._report.fault("mismatched", f"{name_of(record.position)} was replayed, but its decision is not there")

    def _judge_letter(self, record: StreamRecord, refusal: Refusal) -> DeadLetter | None:
        name, letter = name_of(record.position), self._evidence.dead_letters.get(record.position)
        if letter is not None:
            if different := _differences(letter, refusal, record):
                self._report.fault("mismatched", f"the dead letter of {name} has another {', '.join(different)}")
        elif self._evidence.is_checkpointed(record.position):
            self._report.fault("lost", f"{name} was refused without a dead letter")
        else:
            self._report.note("pending")
        return letter

    def _is_wrong(self, refusal: Refusal, record: StreamRecord, letter: DeadLetter) -> bool:
        """Whether decoding again tells otherwise. Bounds on the event time are a setting, so only the decoding before them is judged."""
        is_same_version = self._evidence.consumer_version in {None, letter.versions.get("consumer")}
        if refusal.stage != "decode" or refusal.reason == "processing_failed" or not is_same_version:
            return False
        again = Reader(bounds=None).read(record)
        is_about_time = refusal.reason == "event_time_out_of_bounds"
        if isinstance(again, Received) or is_about_time:
            return isinstance(again, Received) != is_about_time
        return (again.reason, _fields(again.errors)) != (refusal.reason, _fields(refusal.errors))

    def _judge_silent(self, record: StreamRecord) -> None:
        if self._is_repeated(record):
            self._report.note("repeated")
        elif self._is_before_start(record):
            self._report.note("before_start")
        elif self._evidence.is_checkpointed(record.position):
            self._report.fault("lost", f"{name_of(record.position)} has neither a decision nor a refusal")
        else:
            self._report.note("pending")

    def _is_repeated(self, record: StreamRecord) -> bool:
        """Whether the very same event is decided, whatever its position."""
        transaction = _read(record)
        row = self._by_identity.get(identity_of(transaction)) if transaction is not None else None
        return transaction is not None and row is not None and row.content_hash == transaction.content_hash

    def _is_before_start(self, record: StreamRecord) -> bool:
        """Whether the consumer, who began at a moment or at the end of the shard, began later; a shard without effects tells nothing."""
        position, reads_from = record.position, self._evidence.reads_from
        if not self._evidence.starts_at_latest:
            return reads_from is not None and record.arrival_time < reads_from
        start = self._starts.get(position.shard_id)
        return self._evidence.is_checkpointed(position) if start is None else position < start


def _audit_origin(what: str, position: StreamPosition, places: Places, report: AuditReport) -> None:
    place = places.of(position)
    if place == "nowhere":
        report.fault("mismatched", f"a {what} at {name_of(position)}, where the stream has no record")
    elif place == "trimmed":
        report.note("trimmed")
    elif place == "beyond":
        report.note("pending")


def _first_effects(evidence: Evidence) -> Mapping[ShardId, StreamPosition]:
    first: dict[ShardId, StreamPosition] = {}
    for position in (*(row.position for row in evidence.decisions), *evidence.refusals):
        first[position.shard_id] = min(position, first.get(position.shard_id, position))
    return first


def _differences(letter: DeadLetter, refusal: Refusal, record: StreamRecord) -> list[str]:
    """Return the fields in which the letter differs from what verdict and record make; the ledger keeps messages as PostgreSQL can."""
    expected = letter_of(refusal._replace(arrival_time=record.arrival_time), record, letter.versions)
    found = letter.model_copy(update={"errors": storable(refusal._replace(errors=letter.errors)).errors})
    different = [name for name in DeadLetter.model_fields if getattr(found, name) != getattr(expected, name)]
    return [*different, *(["arrival_time in the ledger"] if refusal.arrival_time != record.arrival_time else [])]


def _fields(errors: Iterable[FieldError]) -> list[str]:
    return [error.field for error in errors]


def _read(record: StreamRecord) -> Transaction | None:
    read = Reader(bounds=None).read(record)
    return read.transaction if isinstance(read, Received) else None
