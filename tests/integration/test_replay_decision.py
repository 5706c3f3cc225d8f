"""`fraudstream replay-decision` on a real ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from consumer.cli import app
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.compose import decision_of
from consumer.scoring.golden import read_event
from consumer.scoring.scorer import Scorer
from schemas.decision import Decision
from schemas.position import StreamRecord
from schemas.transaction import Received
from sinks.ledger.postgres import PostgresLedger
from tests.builders import NOW
from tests.contract.ledger_builders import a_position

pytestmark = pytest.mark.real

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("FRAUDSTREAM_STATE_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(app, ["replay-decision", *arguments])


def the_riskiest() -> Decision:
    """What the shipped bundle decides of the golden event with the highest score."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    scorer = Scorer(bundle)
    transactions = [read_event(golden) for golden in bundle.manifest.golden]
    pairs = zip(transactions, scorer.score(transactions), strict=True)
    transaction, scored = max(pairs, key=lambda pair: pair[1].score)
    record = StreamRecord(b"", transaction.user_id, a_position(), NOW)
    return decision_of(Received(transaction, record), scored, scorer.made_by, NOW, NOW)


def test_a_decision_is_reproduced_and_todays_model_agrees(run: Run, ledger: PostgresLedger) -> None:
    decision = the_riskiest()
    ledger.commit([decision], [], [])
    result = run(decision.transaction_id)
    assert result.exit_code == 0, result.output
    assert "reproduced   bit for bit" in result.output
    assert f"today        model {decision.model_version}: score {decision.score:.9g}" in result.output


def test_a_row_that_somebody_changed_is_told_and_ends_with_one(run: Run, ledger: PostgresLedger) -> None:
    decision = the_riskiest()._replace(amount=Decimal("7.77"))
    ledger.commit([decision], [], [])
    result = run(decision.transaction_id, "--json")
    assert result.exit_code == 1
    document = json.loads(result.output)
    assert not document["is_reproduced"]
    assert "content hash" in {difference["what"] for difference in document["differences"]}


def test_a_model_that_is_nowhere_is_named_with_what_to_do(run: Run, ledger: PostgresLedger) -> None:
    ledger.commit([the_riskiest()._replace(model_version="lost-1")], [], [])
    result = run(the_riskiest().transaction_id)
    assert result.exit_code == 2
    assert "model lost-1, which decided, is neither the shipped one nor in the store" in result.output
    assert "--bundle" in result.output


def test_an_id_that_nobody_decided_is_told(run: Run, database_url: str) -> None:
    assert database_url
    result = run("t-unknown")
    assert result.exit_code == 1
    assert "no decision of transaction t-unknown" in result.output
