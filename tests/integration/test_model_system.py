"""A promoted model and an overriding policy on a whole consumer: who is blocked, who is allowed, and that the audit agrees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumer.chaos.deployment import Deployment, a_deployment, record_of
from consumer.operations.model import a_move, open_store, promote, push, push_policy
from consumer.scoring.bundle import DEFAULT_BUNDLE
from consumer.wiring import model_objects
from infra.local.environment import LocalEnvironment
from tests.contract.model_subjects import a_bundle

pytestmark = [pytest.mark.real, pytest.mark.daemon]
EVENTS = 400
BLOCKED, ALLOWED = "u-blocked", "u-allowed"


def _promote(system: Deployment, folder: Path) -> None:
    """Promote another model, and override its policy by one with a segment and both lists."""
    objects = model_objects(system.settings)
    assert objects is not None
    store = open_store(objects)
    digest = push(store, a_bundle(folder / "bundle", "promoted/1"), print)
    promote(store, digest, "production", a_move("test"), print)
    end = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy = folder / "policy.toml"
    policy.write_text(
        (DEFAULT_BUNDLE / "policy.toml").read_text().replace("default/1", "lists/1")
        + f'\n[[block]]\nuser_id = "{BLOCKED}"\nreason = "test"\nexpires = {end}\n'
        + f'\n[[allow]]\nuser_id = "{ALLOWED}"\nreason = "test"\nexpires = {end}\n'
        + '\n[[segments]]\nname = "large"\nmatch = { amount_from = 200 }\nalert_from = "medium"\n'
    )
    push_policy(store, policy, a_move("test"), print)


def test_a_promoted_model_and_an_overriding_policy_decide_and_the_audit_agrees(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_deployment(local_environment, tmp_path, shards=2) as system:
        _promote(system, tmp_path)
        system.consumer.start()
        events = system.events(EVENTS)
        for number, event in enumerate(events):
            if number % 4 < 2:
                event["user_id"] = (BLOCKED, ALLOWED)[number % 4]
            if number % 4 == 1:  # what alerts unless it is allowed
                event |= {"amount": 4999.99, "merchant_category": "money_transfer", "channel": "online", "hour": 3}
        system.publish([record_of(event) for event in events])
        system.wait_decided(EVENTS)
        system.wait_told()
        assert system.consumer.stop() == 0, system.consumer.log()[-3000:]

        evidence, report = system.evidence(), system.audit()
        assert report.is_clean, report.findings
        assert {(row.model_version, row.policy_version) for row in evidence.decisions} == {("promoted/1", "lists/1")}
        alerts = [entry.payload for entry in evidence.outbox]
        blocked = {row.transaction_id for row in evidence.decisions if row.user_id == BLOCKED}
        assert {alert["transaction_id"] for alert in alerts if alert["rule"] == "block_list"} == blocked
        assert len(blocked) == EVENTS // 4
        assert not [alert for alert in alerts if alert["user_id"] == ALLOWED]
        codes = {reason.code for row in evidence.decisions if row.user_id == ALLOWED for reason in row.reasons or ()}
        assert "ALLOW_LISTED" in codes
        assert report.counts["alerts"] == len(alerts) > len(blocked)
        assert alerts[0]["policy_version"] == "lists/1"
