"""`fraudstream audit`: gather what was published and every effect, compare, and say whether each happened exactly once."""

from __future__ import annotations

import json
import sys

from consumer.auditing.compare import audit
from consumer.auditing.gather import gather
from consumer.auditing.report import AuditReport
from consumer.settings import Settings


def run_audit(settings: Settings, *, as_json: bool = False) -> bool:
    """Print the report and return whether it is clean."""
    return report_audit(settings, as_json=as_json).is_clean


def report_audit(settings: Settings, *, as_json: bool = False) -> AuditReport:
    """Print the report and return it."""
    report = audit(gather(settings, _say))
    print_report(report, as_json=as_json)
    return report


def print_report(report: AuditReport, *, as_json: bool = False) -> None:
    """Print the report for a person, or as one JSON document."""
    print(json.dumps(report.document(), indent=2) if as_json else "\n".join(report.lines()))


def _say(progress: str) -> None:
    print(f"audit: {progress}", file=sys.stderr)
