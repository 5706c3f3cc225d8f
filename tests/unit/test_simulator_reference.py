from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from consumer.operations.simulate import SimulationPlan, run_reference, run_simulate
from producers.simulator import reference
from producers.simulator.events import SimulatedEvent
from producers.simulator.fraud import LONGEST_DAYS, PATTERNS
from producers.simulator.output import Notebook, encode_event
from producers.simulator.people import Crowd
from producers.simulator.plot import STORIES
from producers.simulator.rhythm import DAY_MS
from producers.simulator.simulation import simulate, to_ms
from producers.simulator.stage import Stage, Story
from producers.simulator.tables import SCHEMA, write_table
from producers.simulator.world import make_world, seeded

_FIRST = 20_000
_DIGEST = "43a041520bf23987f2dfcb243ca95d8e568e159a6a8f5c8e8c58f59acb2549bd"
"""Of the first events. Should it change, the reference data set is another one: give it another name."""


def events_of(file: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]


def test_the_reference_data_set_is_the_frozen_one() -> None:
    digest = sha256()
    for simulated in simulate(reference.SETTINGS, _FIRST):
        digest.update(encode_event(simulated) + b"\n")

    assert digest.hexdigest() == _DIGEST


def test_the_reference_data_set_is_what_its_documentation_says() -> None:
    assert reference.START.weekday() == 0
    assert timedelta(weeks=16) == reference.END - reference.START == timedelta(days=reference.DAYS)
    assert reference.SETTINGS.events_per_second * reference.DAYS * 86_400 == pytest.approx(reference.MEAN_EVENTS)
    assert 0.9 < reference.MEAN_EVENTS / reference.DAYS / reference.CUSTOMERS < 1.1
    assert reference.SETTINGS.pace == 1.0
    assert 0.003 <= reference.FRAUD_SHARE <= 0.006
    assert max(story.share for story in PATTERNS) < 0.5


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_has_as_many_events_as_documented_and_is_over_in_time(story: Story) -> None:
    start_ms, world = to_ms(reference.START), make_world(reference.SETTINGS)
    stage = Stage(world.shops, world.people, Crowd(world.people), seeded("test"), Random(3), pace=1.0)
    plans = [story.plan(stage, start_ms) for _ in range(400)]

    assert fmean(map(len, plans)) == pytest.approx(story.mean_events, rel=0.12)
    assert all(0 <= intent.ms - start_ms <= LONGEST_DAYS * DAY_MS for plan in plans for intent in plan)


@pytest.fixture
def a_short_reference(monkeypatch: pytest.MonkeyPatch) -> datetime:
    end = reference.START + timedelta(days=2)
    monkeypatch.setattr("producers.simulator.reference.END", end)
    return end


@pytest.mark.usefixtures("a_short_reference")
def test_the_reference_is_written_as_events_labels_and_truth(tmp_path: Path) -> None:
    written = run_reference(tmp_path / "new" / "folder")

    files = {file.stem: events_of(file) for file in (tmp_path / "new" / "folder").iterdir()}
    assert files.keys() == {"events", "labels", "truth"}
    assert len(files["events"]) == written > 10_000
    ids = {event["transaction_id"] for event in files["events"]}
    assert {row["transaction_id"] for row in files["truth"]} | {row["transaction_id"] for row in files["labels"]} <= ids
    assert {row["is_fraud"] for row in files["truth"]} == {True, False}


@pytest.mark.usefixtures("a_short_reference")
def test_the_reference_as_a_table_holds_the_same_events(tmp_path: Path) -> None:
    run_reference(tmp_path)
    run_reference(tmp_path, is_table=True)

    table = pq.read_table(tmp_path / "events.parquet").to_pylist()
    assert [flat(event) for event in events_of(tmp_path / "events.jsonl")] == table


def flat(event: dict[str, Any]) -> dict[str, Any]:
    row = dict.fromkeys(SCHEMA.names)
    for name in row:
        outer, _, inner = name.partition(".")
        value = event.get(outer)
        row[name] = value.get(inner) if inner and value else value
    return {**row, "timestamp": datetime.fromisoformat(event["timestamp"])}


def test_a_table_of_many_blocks_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.simulator.tables._ROWS", 100)
    events = list(simulate(reference.SETTINGS, 950))

    assert write_table(events, tmp_path / "e.parquet", Notebook(1)) == 950
    ids = pq.read_table(tmp_path / "e.parquet", columns=["transaction_id"]).column(0).to_pylist()
    assert ids == [e.event["transaction_id"] for e in events]


def test_days_of_history_end_now_or_where_the_start_says_and_repeat_byte_for_byte(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    start = reference.START
    plan = SimulationPlan(days=3, customers=200, start=start, truth=tmp_path / "t", labels=tmp_path / "l")
    outputs = [_output(plan, capfdbinary) for _ in range(2)]

    assert outputs[0] == outputs[1]
    events = [msgspec.json.decode(line) for line in outputs[0].splitlines()]
    moments = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert start <= moments[0]
    assert start + timedelta(days=2, hours=20) < moments[-1] < start + timedelta(days=3)
    assert 450 < len(events) < 750
    assert (tmp_path / "t").exists()
    assert (tmp_path / "l").exists()


def test_without_days_as_many_events_as_asked_for_begin_now(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    now = datetime.now().astimezone()
    events = [msgspec.json.decode(line) for line in _output(SimulationPlan(count=50), capfdbinary).splitlines()]

    assert len(events) == 50
    assert abs(datetime.fromisoformat(events[0]["timestamp"]) - now) < timedelta(minutes=5)


def _output(plan: SimulationPlan, captured: pytest.CaptureFixture[bytes]) -> bytes:
    run_simulate(plan)
    return captured.readouterr().out


def test_the_beginning_does_not_depend_on_the_end() -> None:
    until = reference.START + timedelta(hours=30)
    short: list[SimulatedEvent] = list(simulate(reference.SETTINGS, until=until))

    assert short == list(islice(simulate(reference.SETTINGS, until=reference.END), len(short)))
