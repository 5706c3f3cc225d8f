"""Backfill and the stream's own pipeline give the same vectors, byte for byte, for the same events in the same order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from consumer.batch import Reader
from consumer.policies.quarantine import QuarantinePolicy
from consumer.scoring.features import VELOCITY
from consumer.scoring.scorer import Scorer
from producers.simulator.output import encode_event
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from schemas.decode import Unknown, decode
from schemas.label import Label
from schemas.timestamps import format_timestamp, parse_timestamp
from sinks.ledger.feedback_rules import KNOWN_AFTER
from sinks.ledger.memory_feedback import MemoryLabels, MemoryRollUp
from tests.backfill_builders import run, velocity_bundle, write_lines
from tests.pipeline_builders import World, a_record

_HOUR = timedelta(hours=1)
_SETTINGS = SimulationSettings(seed=3, customers=40, merchants=8, events_per_second=1_100 / 40 / 86_400)
_START = _SETTINGS.start.replace(minute=0, second=0, microsecond=0)


def _events() -> list[bytes]:
    """Forty days as they arrive: a tenth is late by up to five days, some share their time, repeat another or conflict with it."""
    chance = random.Random(8)
    made = [encode_event(each) for each in simulate(_SETTINGS, until=_START + timedelta(days=40))]
    keyed = []
    for event in made:
        moment = decode(event, Unknown()).event_time
        delay = timedelta(hours=chance.uniform(0, 120)) if chance.random() < 0.1 else timedelta(0)
        keyed.append((moment + delay, event))
        if chance.random() < 0.05:
            keyed.append((moment + delay + timedelta(minutes=chance.randrange(300)), event))
        if chance.random() < 0.02:
            keyed.append((moment + timedelta(hours=1), event.replace(b'"amount":', b'"amount":1')))
        if chance.random() < 0.05:
            keyed.append((moment + delay, event.replace(b'"transaction_id":"', b'"transaction_id":"tie-')))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def _labels(events: Sequence[bytes]) -> list[dict[str, Any]]:
    chance = random.Random(9)
    seen = {t.transaction_id: t for t in (decode(event, Unknown()) for event in events)}
    return [
        {
            "transaction_id": t.transaction_id,
            "is_fraud": True,
            "source": "customer",
            "reported_at": format_timestamp(t.event_time + timedelta(hours=chance.uniform(130, 400))),
        }
        for t in seen.values()
        if chance.random() < 0.2
    ]


def _known(label: dict[str, Any]) -> dict[str, Any]:
    """The label with the time from which the ledger lets features know it, which is what history goes by."""
    return label | {"reported_at": format_timestamp(parse_timestamp(label["reported_at"]) + KNOWN_AFTER)}


def _stream(events: Sequence[bytes], labels: Sequence[dict[str, Any]]) -> dict[tuple[str, datetime], bytes]:
    """Run the pipeline on memory sinks, an hour of the stream's clock a batch, and its housekeeping between batches."""
    world, clock = World(), [_START]
    world.store.hours_until = int(_START.timestamp()) // 3600
    worker = world.worker(
        reader=Reader(bounds=None), quarantine=QuarantinePolicy(10**6, 1.0, 10**6), scorer=Scorer(velocity_bundle())
    )
    reports = sorted((Label.model_validate(label) for label in labels), key=lambda label: label.reported_at)
    reported, roll_up = MemoryLabels(world.store, lambda: clock[0]), MemoryRollUp(world.store)
    for number, batch in enumerate(_hours(events)):
        hour = max(clock[0], decode(batch[0], Unknown()).event_time).replace(minute=0, second=0, microsecond=0)
        while reports and reports[0].reported_at < hour:
            clock[0] = reports[0].reported_at
            reported.put([reports.pop(0)])
        clock[0] = hour
        while roll_up.take_step(hour):
            pass
        world.process(worker, [a_record(number * 10_000 + at, event) for at, event in enumerate(batch)])
    return {(d.transaction_id, d.event_time): d.features for d in world.store.decisions.values()}


def _hours(events: Sequence[bytes]) -> list[list[bytes]]:
    """Cut whenever an hour begins by the newest event so far."""
    batches: list[list[bytes]] = []
    newest = datetime.min.replace(tzinfo=UTC)
    for event in events:
        moment = decode(event, Unknown()).event_time
        if not batches or (moment > newest and moment.replace(minute=0, second=0) > newest):
            batches.append([])
        newest = max(newest, moment)
        batches[-1].append(event)
    return batches


def test_vectors_of_backfill_and_of_the_pipeline_are_equal_byte_for_byte(tmp_path: Path) -> None:
    events = _events()
    labels = _labels(events)
    streamed = _stream(events, labels)
    source = write_lines(tmp_path / "e.jsonl", [event.decode() for event in events])
    told = write_lines(tmp_path / "l.jsonl", [_known(label) for label in labels])
    summary = run(
        source, tmp_path / "out", labels=[told], is_as_arrived=True, allowed_refused=1, bundle=velocity_bundle()
    )
    table = pq.read_table(tmp_path / "out" / "features.parquet")
    matrix = np.stack([table[name].to_numpy() for name in VELOCITY.names], axis=1)
    filled = {
        (row["transaction_id"], row["event_time"]): vector.tobytes()
        for row, vector in zip(table.to_pylist(), matrix, strict=True)
    }
    assert len(streamed) >= 1_000
    assert summary.repeated >= 20
    assert summary.refused >= 5
    assert np.nansum(matrix[:, -3:]) > 0  # frauds were known
    assert filled.keys() == streamed.keys()
    assert [identity for identity in filled if filled[identity] != streamed[identity]] == []
