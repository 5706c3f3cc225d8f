"""The command as a user runs it, at the scale that takes seconds: what comes out, never how quick it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from consumer.bench.parts import PARTS
from consumer.bench.pipe import SIZES as PIPE_SIZES
from consumer.bench.stages import SIZES as STAGE_SIZES
from consumer.planning.figures import read_figures
from consumer.planning.measured import Measured

_TIMEOUT_S = 170
_ROOT = Path(__file__).parents[2]


class Run(NamedTuple):
    """What a run left behind."""

    code: int
    shown: str
    told: str
    out: Path

    def document(self, name: str) -> dict[str, Any]:
        """What it wrote."""
        found: dict[str, Any] = json.loads((self.out / name).read_text())
        return found


def _run(out: Path, *arguments: str) -> Run:
    command = [sys.executable, "-m", "consumer.cli", "bench", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "COLUMNS": "100"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_TIMEOUT_S, env=environment, check=False, cwd=out
    )
    return Run(done.returncode, done.stdout, done.stderr, out / ".fraudstream" / "bench")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Stages and pipe, one after the other, into the default folder."""
    return _run(tmp_path_factory.mktemp("bench"), "stages", "pipe", "--scale", "smoke", "--seed", "5")


def _figures(document: dict[str, Any]) -> list[float]:
    """Every measured value."""
    return [value for row in document["rows"] for cell in row["cells"].values() for value in cell["values"]]


def test_several_parts_run_one_after_the_other_and_leave_tables_documents_and_charts(both: Run) -> None:
    assert both.code == 0, both.told
    assert sorted(path.name for path in both.out.iterdir()) == [
        "bench.json", "pipe.json", "pipe.svg", "stages.json", "stages.svg", "summary.svg",
    ]  # fmt: skip
    assert both.shown.index("each stage alone") < both.shown.index("A worker process")
    assert "\x1b[" not in both.shown
    assert "round 1 of 1" in both.told


def test_every_stage_is_measured_at_every_batch_size(both: Run) -> None:
    stages = both.document("stages.json")
    assert [column["name"] for column in stages["columns"]] == [f"batch {size}" for size in STAGE_SIZES]
    labels = [row["label"] for row in stages["rows"]]
    for stage in ("protocol line", "decode", "features of the event", "features, velocity, warm", "model", "policy"):
        assert stage in labels
    for asked in ("features, velocity, cold", "ledger commit"):
        assert {f"{asked}: CPU here", f"{asked}: CPU of PostgreSQL", f"{asked}: on the clock"} <= set(labels)
    assert all(len(row["cells"]) == len(STAGE_SIZES) for row in stages["rows"])
    assert min(_figures(stages)) > 0


def test_the_worker_is_measured_with_and_without_velocity_at_every_batch_size(both: Run) -> None:
    pipe = both.document("pipe.json")
    wanted = [f"{model}, batch {size}" for model in ("velocity", "event") for size in PIPE_SIZES]
    assert [row["label"] for row in pipe["rows"]] == wanted
    assert {column["name"] for column in pipe["columns"]} == set(pipe["rows"][0]["cells"])
    assert min(_figures(pipe)) > 0
    for row in pipe["rows"]:
        assert row["cells"]["batch p50"]["middle"] <= row["cells"]["batch p99"]["middle"]
    assert pipe["targets"][0]["measure"] == "CPU per record with velocity, batch 500"
    assert (pipe["scale"], pipe["settings"]["seed"]) == ("smoke", 5)


def test_what_was_measured_is_also_put_together(both: Run) -> None:
    parts = both.document("bench.json")["parts"]
    assert parts == {name: both.document(f"{name}.json") for name in ("stages", "pipe")}


def test_a_plan_can_be_made_with_what_a_benchmark_wrote(both: Run) -> None:
    measured = read_figures((both.out / "bench.json").read_bytes(), "bench.json", Measured())
    assert measured.postgres_row_us != Measured().postgres_row_us


def test_a_profile_names_our_functions_and_replaces_no_figures(tmp_path: Path) -> None:
    run = _run(tmp_path, "pipe", "--profile", "--scale", "smoke")
    assert run.code == 0, run.told
    assert "schemas/decode.py" in run.shown
    assert sorted(path.name for path in run.out.iterdir()) == ["pipe-profile.json", "pipe-profile.svg"]
    rows = run.document("pipe-profile.json")["rows"]
    shares = [row["cells"]["share"] for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 100


def test_without_a_name_the_parts_are_listed_and_nothing_is_written(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert run.code == 0
    assert [name for name in PARTS if f"  {name} " not in run.shown] == []
    assert not run.out.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nonsense",), "there is no part 'nonsense'; choose among stages, pipe,"),
        (("stages", "--profile"), "only the worker can be profiled; say `fraudstream bench pipe --profile`"),
        (("--profile",), "only the worker can be profiled"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_remedy(
    arguments: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    run = _run(tmp_path, *arguments)
    assert run.code == 2
    assert run.told.startswith("fraudstream: ")
    assert complaint in run.told
    assert not run.out.exists()
