"""What an audit found: counts that must be zero, counts that inform, and the first findings in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, get_args

Fault = Literal["lost", "duplicated", "mismatched"]
Fact = Literal[
    "published",
    "decided",
    "refused",
    "repeated",
    "pending",
    "in_lake",
    "alerts",
    "received",
    "redelivered",
    "kept_alerts",
    "trimmed",
]
MEANINGS: dict[str, str] = {
    "lost": "published and checkpointed, but an effect is missing",
    "duplicated": "an effect that happened twice",
    "mismatched": "an effect that differs from the event or from the ledger",
    "published": "records in the stream",
    "decided": "decisions in the ledger",
    "refused": "records refused, each with its dead letter",
    "repeated": "resends of a decided event: no second effect",
    "pending": "beyond the checkpoint or still to be sent: judged later",
    "in_lake": "rows in the lake",
    "alerts": "alerts raised",
    "received": "different alerts received",
    "redelivered": "alerts received again with the same alert_id",
    "kept_alerts": "alerts kept and not sent (too old, parked)",
    "trimmed": "effects of records that the stream no longer holds: not judged",
}
_FINDINGS_KEPT = 20


@dataclass(slots=True)
class AuditReport:
    """Counts by name; `findings` holds the first 20 faults in words."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def fault(self, kind: Fault, what: str, count: int = 1) -> None:
        """Count a fault and keep its words."""
        self.counts[kind] += count
        if len(self.findings) < _FINDINGS_KEPT:
            self.findings.append(f"{kind}: {what}")

    def note(self, fact: Fact, count: int = 1) -> None:
        """Count a fact."""
        self.counts[fact] += count

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, duplicated or mismatched."""
        return not any(self.counts[fault] for fault in get_args(Fault))

    def document(self) -> dict[str, object]:
        """Return the report as a JSON document; every count is there, also where it is zero."""
        return {"is_clean": self.is_clean, **{name: self.counts[name] for name in MEANINGS}, "findings": self.findings}

    def lines(self) -> list[str]:
        """Return the report for a person."""
        rows = [f"  {name:<12} {self.counts[name]:>9,}  {meaning}" for name, meaning in MEANINGS.items()]
        verdict = "audit clean: every event had its effects exactly once" if self.is_clean else "AUDIT NOT CLEAN"
        return [*rows, *(f"  ! {finding}" for finding in self.findings), verdict]
