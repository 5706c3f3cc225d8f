"""`fraudstream labels` as a person runs it, with a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schemas.history import MerchantHour, Wanted
from sinks.ledger.feedback_rules import hour_of
from sinks.ledger.labels import PostgresLabels
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.roll_up import PostgresRollUp
from tests.contract.feedback_builders import NOW, THIS_HOUR, a_decision_at

pytestmark = pytest.mark.real

WHEN = THIS_HOUR - 8 * 24
HEAD = "transaction_id,is_fraud,reported_at,timestamp\n"


def run(database_url: str, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FRAUDSTREAM_DATABASE_URL": database_url}
    command = (sys.executable, "-m", "consumer.cli", "labels", *arguments)
    return subprocess.run(command, env=environment, input=text, capture_output=True, text=True, timeout=60, check=False)


def decide(ledger: PostgresLedger) -> None:
    ledger.commit([a_decision_at(WHEN, name) for name in ("t-1", "t-2", "t-3")], [], [])
    ledger.commit([a_decision_at(WHEN + 1, "t-3")], [], [])


def frauds_seen(ledger: PostgresLedger, known_at: datetime) -> int:
    asked = MerchantHour("m-1", hour_of(known_at) + 1)
    return ledger.look_up([], [], Wanted({}, [asked])).merchants[asked].frauds[2]


def test_labels_of_a_file_are_stored_and_counted_for_the_features(
    ledger: PostgresLedger, database_url: str, tmp_path: Path
) -> None:
    decide(ledger)
    file = tmp_path / "chargebacks.csv"
    file.write_text(
        f"{HEAD}t-1,1,2026-03-19T08:00:00Z,\nt-2,0,2026-03-19T08:00:00Z,\nt-3,1,2026-03-19T08:00:00Z,\n"
        "t-4,1,yesterday,\n"
    )

    tried = run(database_url, "import", str(file), "--source", "chargeback", "--dry-run")
    shown_before = run(database_url, "show", "t-1")
    done = run(database_url, "import", str(file), "--source", "chargeback")
    again = run(database_url, "import", str(file), "--source", "chargeback")
    shown = run(database_url, "show", "t-1")

    assert (tried.returncode, done.returncode, again.returncode) == (1, 1, 1)
    assert "line 5: reported_at: Not an RFC 3339 date" in done.stderr
    assert "line 4: several events have the id t-3" in done.stderr
    assert tried.stdout.startswith("dry run, nothing is stored; would be stored: 2 labels of 4 lines")
    assert (shown_before.returncode, shown_before.stderr) == (1, "no label of transaction t-1\n")
    assert done.stdout.startswith("stored: 2 labels of 4 lines")
    assert again.stdout.startswith("stored: 0 labels of 4 lines")
    assert "repeated" in again.stdout
    assert shown.returncode == 0
    assert shown.stdout.startswith("fraud      says chargeback, 2026-03-19T08:00:00.000Z\n")

    roll_up = PostgresRollUp(database_url)
    roll_up.take_step(NOW + timedelta(hours=1))
    roll_up.close()
    labels = PostgresLabels(database_url)
    [label] = labels.find("t-1")
    labels.close()
    assert frauds_seen(ledger, label.known_at) == 1


def test_labels_come_through_a_pipe_too(ledger: PostgresLedger, database_url: str) -> None:
    decide(ledger)
    rows = [
        {"transaction_id": name, "is_fraud": True, "source": "analyst", "reported_at": "2026-03-19T08:00:00Z"}
        for name in ("t-1", "t-2")
    ]

    done = run(database_url, "import", "-", text="\n".join(map(json.dumps, rows)))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stored: 2 labels of 2 lines")


def test_a_file_that_is_not_there_is_told_in_one_line(database_url: str) -> None:
    done = run(database_url, "import", "no-such-file.jsonl")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no-such-file.jsonl" in done.stderr
