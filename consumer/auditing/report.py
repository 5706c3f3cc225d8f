"""What an audit found: counts that must be zero, counts that inform, and the first findings in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from schemas.position import ShardId

Fault = Literal["lost", "duplicated", "mismatched"]
Fact = Literal[
    "published",
    "decided",
    "refused",
    "repeated",
    "replayed",
    "pending",
    "in_lake",
    "alerts",
    "received",
    "redelivered",
    "kept_alerts",
    "trimmed",
    "before_start",
    "not_judged",
    "foreign",
]
MEANINGS: dict[str, str] = {
    "lost": "published and checkpointed, but an effect is missing",
    "duplicated": "an effect that happened twice",
    "mismatched": "an effect that differs from the event or from the ledger",
    "published": "records in the stream",
    "decided": "decisions in the ledger",
    "refused": "records refused, each with its dead letter",
    "repeated": "resends of a decided event: no second effect",
    "replayed": "refused first, then settled by a replay of the dead letter (decided, or repeated)",
    "pending": "beyond the checkpoint, in flight or still to be sent: judged later",
    "in_lake": "rows in the lake",
    "alerts": "alerts raised",
    "received": "different alerts received",
    "redelivered": "alerts received again with the same alert_id",
    "kept_alerts": "alerts kept and not sent (too old, parked, replayed)",
    "trimmed": "effects of records that the stream no longer holds: not judged",
    "before_start": "records from before the consumer's first start at LATEST or AT_TIMESTAMP: not judged",
    "not_judged": "messages that the audit cannot read",
    "foreign": "objects in the buckets that are neither chunks, replays nor dead letters: ignored",
}
_FINDINGS_KEPT = 20
_SHARDS_NAMED = 3


@dataclass(slots=True)
class AuditReport:
    """Counts by name; `findings` holds the first 20 faults in words, `remarks` what is no fault but should be known."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    without_checkpoint: Sequence[ShardId] = ()
    """Shards with records that the consumer never checkpointed."""

    def fault(self, kind: Fault, what: str, count: int = 1) -> None:
        """Count a fault and keep its words."""
        self.counts[kind] += count
        if len(self.findings) < _FINDINGS_KEPT:
            self.findings.append(f"{kind}: {what}")

    def note(self, fact: Fact, count: int = 1) -> None:
        """Count a fact."""
        self.counts[fact] += count

    def remark(self, fact: Fact, what: str, count: int) -> None:
        """Count a fact and keep its words."""
        self.note(fact, count)
        self.remarks.append(f"{fact}: {what}")

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, duplicated or mismatched, of what could be judged."""
        return not any(self.counts[fault] for fault in get_args(Fault))

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be judged later: what a stopped system must be, and a running one seldom is."""
        return self.counts["pending"] == 0

    @property
    def verdict(self) -> str:
        """The last line; it claims no more than was judged."""
        if not self.is_clean:
            return "AUDIT NOT CLEAN"
        if not self.is_complete:
            return f"audit clean so far, {self.counts['pending']:,} pending{self._untouched()}"
        if not self.counts["published"]:
            return "audit clean: the stream holds no record"
        if self.counts["not_judged"]:
            return f"audit clean, but {self.counts['not_judged']:,} could not be judged"
        if not_owed := self.counts["before_start"]:
            return f"audit clean: every event had its effects exactly once, but for {not_owed:,} from before the start"
        return "audit clean: every event had its effects exactly once"

    def document(self) -> dict[str, object]:
        """Return the report as a JSON document; every count is there, also where it is zero."""
        return {
            "is_clean": self.is_clean,
            "is_complete": self.is_complete,
            **{name: self.counts[name] for name in MEANINGS},
            "findings": self.findings,
            "remarks": self.remarks,
            "without_checkpoint": list(self.without_checkpoint),
        }

    def lines(self) -> list[str]:
        """Return the report for a person."""
        rows = [f"  {name:<12} {self.counts[name]:>9,}  {meaning}" for name, meaning in MEANINGS.items()]
        words = [*(f"  - {remark}" for remark in self.remarks), *(f"  ! {finding}" for finding in self.findings)]
        return [*rows, *words, self.verdict]

    def _untouched(self) -> str:
        shards = self.without_checkpoint
        if not shards:
            return ""
        more = f" and {len(shards) - _SHARDS_NAMED} more" if len(shards) > _SHARDS_NAMED else ""
        named = ", ".join(shards[:_SHARDS_NAMED])
        return f"; no checkpoint yet of {named}{more}: a chunk closes within a minute, if the consumer runs under this application name"
