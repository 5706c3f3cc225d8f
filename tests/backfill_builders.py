"""Files of history and a bundle with a memory, for tests of backfill."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from onnx import TensorProto, helper

from consumer.backfill.run import Plan, backfill
from consumer.backfill.summary import Summary
from consumer.scoring.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from consumer.scoring.features import VELOCITY
from consumer.scoring.model import Model
from tests.scoring_builders import a_graph

HANDBOOK_MAPPING = Path(__file__).parent / "data" / "handbook_mapping.toml"
HANDBOOK_CSV = Path(__file__).parent / "data" / "handbook.csv"
DAY_S = 86_400


class Told:
    """Remembers how far a run said it was."""

    def __init__(self) -> None:
        self.events_read = 0
        self.decided: list[tuple[int, int]] = []

    def read(self, events: int) -> None:
        self.events_read = events

    def decide(self, done: int, total: int) -> None:
        self.decided.append((done, total))


def an_event(number: int, at: str = "2019-05-01T10:00:00Z", **changes: Any) -> dict[str, Any]:
    """A valid event of user u-1 at merchant m-1; None takes a field away."""
    event = {"transaction_id": f"t-{number}", "timestamp": at, "user_id": "u-1", "amount": 10.5, "merchant_id": "m-1"}
    return {name: value for name, value in (event | changes).items() if value is not None}


def write_lines(path: Path, documents: Iterable[Mapping[str, Any] | str]) -> Path:
    """Write JSON lines; texts as they are."""
    path.write_text("".join(f"{d if isinstance(d, str) else json.dumps(d)}\n" for d in documents))
    return path


def run(events: Path | Iterable[Path], out: Path, **changes: Any) -> Summary:
    """Backfill without decisions, unless told otherwise."""
    paths = (events,) if isinstance(events, Path) else tuple(events)
    return backfill(replace(Plan(paths, out), **changes), Told())[0]


def rows_of(out: Path) -> list[dict[str, Any]]:
    """The rows of features.parquet."""
    return pq.read_table(out / "features.parquet").to_pylist()


def velocity_bundle() -> Bundle:
    """The default bundle's policy on a model of velocity/1 whose score is the share of missing features."""
    nodes = [
        helper.make_node("IsNaN", ["features"], ["is_missing"]),
        helper.make_node("Cast", ["is_missing"], ["contributions"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["contributions"], ["probability"], axes=[1], keepdims=0),
    ]
    width = len(VELOCITY.names)
    default = load_bundle(DEFAULT_BUNDLE)
    manifest = default.manifest.model_copy(update={"baseline": (0.0,) * width, "feature_set": VELOCITY.name})
    return replace(default, manifest=manifest, feature_set=VELOCITY, model=Model(a_graph(nodes, width), width))
