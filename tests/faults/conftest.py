"""Collects what struck in the whole run: the table at the end, and the same as JSON where FRAUDSTREAM_FAULT_SUMMARY names a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from consumer.chaos.deployment import a_deployment
from consumer.chaos.engine import Outcome, run_schedule
from consumer.chaos.fault import Fault
from consumer.chaos.summary import summarise, table
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from infra.local.environment import LocalEnvironment
from tests.faults.vectors import judge_vectors

Prove = Callable[[Sequence[Fault], int], Outcome]


class Run:
    """Every outcome of this run."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def lines(self) -> list[str]:
        published = sum(sum(outcome.made.values()) for outcome in self.outcomes)
        head = f"{len(self.outcomes)} schedules, {published:,} records; recovery in seconds, least / median / most:"
        return [head, *table(summarise(self.outcomes))]

    def document(self) -> dict[str, object]:
        return {
            "schedules": len(self.outcomes),
            "is_proof": all(outcome.is_proof for outcome in self.outcomes),
            "seeds": [outcome.seed for outcome in self.outcomes],
            "recovery": [summary._asdict() for summary in summarise(self.outcomes)],
        }


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Iterator[Run]:
    """The run; told when it is over."""
    gathered = Run()
    yield gathered
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + "\n".join(gathered.lines()))
    if path := os.environ.get("FRAUDSTREAM_FAULT_SUMMARY"):
        Path(path).write_text(json.dumps(gathered.document(), indent=2) + "\n")


@pytest.fixture
def prove(local_environment: LocalEnvironment, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> Prove:
    """Runs a schedule in a deployment of its own, says what happens, and demands the proof."""

    def say(what: str) -> None:
        with capsys.disabled():
            print(f"  {what}", flush=True)

    def prove_it(faults: Sequence[Fault], seed: int) -> Outcome:
        kinds = ",".join(sorted({fault.kind() for fault in faults}))
        say(f"\n  the same again: fraudstream chaos --seed {seed} --kinds {kinds}")
        with a_deployment(local_environment, tmp_path, shards=2) as deployment:
            outcome = run_schedule(deployment, faults, seed, say=say)
            run.outcomes.append(outcome)
            assert outcome.failures == [], deployment.consumer.tail()
            judged, differences = judge_vectors(deployment)
            say(f"{judged:,} vectors held against the oracle: {len(differences)} differences")
        assert outcome.report is not None
        assert outcome.is_proof, outcome.report.lines()
        assert differences == []
        assert judged or not load_bundle(DEFAULT_BUNDLE).feature_set.needs_memory
        return outcome

    return prove_it
