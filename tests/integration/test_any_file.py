"""The main job on input that nobody prepared: a file of valid events and every hostile kind, published with --force."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumer.chaos.deployment import Deployment, a_deployment
from consumer.chaos.waiting import wait_until
from infra.local.environment import LocalEnvironment
from producers.simulator.hostile import HostileEvent, hostile_events
from schemas.dead_letter import DeadLetter

pytestmark = [pytest.mark.real, pytest.mark.daemon]
VALID = 3000


def _command(system: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "consumer.cli", *arguments],
        env={**os.environ, **system.variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _write_file(path: Path, system: Deployment, hostile: list[HostileEvent]) -> None:
    """Bad lines among good ones; a record that holds a line feed cannot travel in a file of lines."""
    lines = [record.data for record in system.records(VALID)]
    for number, event in enumerate(hostile):
        lines.insert(number * 20, event.data)
    path.write_bytes(b"\n".join(lines) + b"\n")


def test_every_line_of_a_hostile_file_is_decided_or_set_aside_with_all_its_errors(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    hostile = [event for event in hostile_events(7, datetime.now(UTC)) if b"\n" not in event.data]
    assert len({event.kind for event in hostile if event.reason}) >= 30
    with a_deployment(local_environment, tmp_path, shards=4) as system:
        _write_file(tmp_path / "events.jsonl", system, hostile)
        published = _command(system, "publish", "--force", str(tmp_path / "events.jsonl"))
        assert published.returncode == 0, published.stdout + published.stderr
        system.consumer.start()
        refused = sum(event.reason is not None for event in hostile)
        wait_until(lambda: system.reader.counts().refusals >= refused, f"{refused} refusals")
        wait_until(lambda: system.reader.counts().decisions >= VALID, f"{VALID} decisions")
        system.wait_told()
        assert system.consumer.stop() == 0, system.consumer.log()[-3000:]

        audited = _command(system, "audit", "--json")
        assert audited.returncode == 0, audited.stdout + audited.stderr
        report = json.loads(audited.stdout)
        assert (report["lost"], report["duplicated"], report["mismatched"], report["pending"]) == (0, 0, 0, 0)
        assert report["published"] == VALID + len(hostile)
        _require_letters(hostile, list(system.evidence().dead_letters.values()))
        assert "4111111111111111" not in system.consumer.log()

        again = json.loads(_command(system, "audit", "--json").stdout)
        assert again == report, "a second audit sees the same, received alerts included"


def _require_letters(hostile: list[HostileEvent], letters: list[DeadLetter]) -> None:
    expected = Counter((event.reason, event.fields) for event in hostile if event.reason)
    found = Counter((letter.reason, tuple(error.field for error in letter.errors)) for letter in letters)
    assert {reason: n for (reason, _), n in found.items()}.keys() == {reason for (reason, _) in expected}
    assert sum(found.values()) == sum(expected.values())
    by_raw = {letter.raw: letter for letter in letters}
    for event in hostile:
        letter = by_raw.get(event.data)
        if event.reason and event.reason != "conflicting_resend" and letter is not None:
            assert letter.reason == event.reason, event.kind
            assert {e.field for e in letter.errors} - {""} == set(event.fields) - {""}, event.kind


def test_show_explains_a_decision(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    with a_deployment(local_environment, tmp_path, shards=1) as system:
        system.consumer.start()
        system.publish(system.records(50))
        system.wait_decided(50)
        assert system.consumer.stop() == 0
        decision = system.evidence().decisions[0]
        shown = _command(system, "show", decision.transaction_id)
        assert shown.returncode == 0, shown.stderr
        for word in (decision.transaction_id, decision.model_version, decision.sequence_number, decision.risk_level):
            assert word in shown.stdout
        missing = _command(system, "show", "no-such-transaction")
        assert (missing.returncode, "no decision" in missing.stderr) == (1, True)


def test_a_restart_replays_nothing_that_was_flushed(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    with a_deployment(local_environment, tmp_path, shards=2) as system:
        system.consumer.start()
        system.publish(system.records(500))
        system.wait_decided(500)
        assert system.consumer.stop() == 0, system.consumer.log()[-3000:]
        before = system.evidence()
        assert {row.position for row in before.decisions if not before.is_checkpointed(row.position)} == set()
        system.consumer.start()
        system.publish(system.records(200))
        system.wait_decided(700)
        assert system.consumer.stop() == 0
        assert system.audit().is_clean
        replayed = [line for line in system.consumer.log().splitlines() if "chunk_adopted" in line]
        assert replayed == []
