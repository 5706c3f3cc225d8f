from __future__ import annotations

from consumer.auditing.report import AuditReport
from consumer.chaos.engine import Outcome, Strike
from consumer.chaos.summary import summarise, table


def a_strike(kind: str, from_fault_s: float, from_end_s: float | None = None) -> Strike:
    return Strike(kind, "decisions", {}, "seen", from_fault_s, from_end_s)


def an_audit() -> AuditReport:
    report = AuditReport()
    report.note("published")
    return report


def test_recoveries_are_told_a_kind_with_least_median_and_most() -> None:
    first = Outcome(1, strikes=[a_strike("kill", 5.04), a_strike("away", 12.0, 2.0)])
    second = Outcome(2, strikes=[a_strike("kill", 7.0), a_strike("kill", 6.0)])
    away, kill = summarise([first, second])
    assert (away.kind, away.strikes, away.from_fault_s, away.from_end_s) == ("away", 1, (12.0,) * 3, (2.0,) * 3)
    assert (kill.kind, kill.strikes, kill.from_fault_s, kill.from_end_s) == ("kill", 3, (5.0, 6.0, 7.0), None)
    head, *rows = table([away, kill])
    assert "from its end" in head
    assert [row.split() for row in rows][1] == ["kill", "decisions", "3", "5.0", "/", "6.0", "/", "7.0", "-"]


def test_a_schedule_proves_something_only_if_every_fault_fired_and_the_audit_is_clean_and_complete() -> None:
    clean, lost, open_, spared = (an_audit() for _ in range(4))
    lost.fault("lost", "a record")
    open_.note("pending")
    spared.note("before_start")
    assert Outcome(1, report=clean).is_proof
    assert not Outcome(1, report=clean, failures=["kill_worker: it never began"]).is_proof
    assert not any(Outcome(1, report=report).is_proof for report in (lost, open_, spared, AuditReport(), None))
