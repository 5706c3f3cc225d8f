"""What loading a model does to a process: it stays fit to fork. In fresh interpreters, because pytest's has threads and imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

_LOAD = """
import json, os, sys
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.scorer import Scorer
bundle = load_bundle(DEFAULT_BUNDLE)
scorer = Scorer(bundle)
"""
_THREADS = (
    _LOAD
    + """
from consumer.scoring.golden import read_event
scorer.score([read_event(golden) for golden in bundle.manifest.golden])
print(len(os.listdir("/proc/self/task")))
"""
)
_FORKS = (
    _LOAD
    + """
from consumer.scoring.golden import read_event
batch = [read_event(golden) for golden in bundle.manifest.golden] * 20
expected = repr(scorer.score(batch)).encode()
for _ in range(20):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(writer, "wb") as out:
            out.write(repr(scorer.score(batch)).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        assert answer.read() == expected
    assert os.waitpid(child, 0)[1] == 0
print("equal")
"""
)
_IMPORTS = (
    _LOAD
    + """
heavy = ("onnx", "sklearn", "pandas", "catboost", "lightgbm", "consumer.training", "boto3", "psycopg")
print(json.dumps([sorted(set(heavy) & set(sys.modules)), os.environ["ORT_DISABLE_TELEMETRY"]]))
"""
)


_CONSUMER_IMPORTS = """
import json, sys
from importlib.util import find_spec
import consumer.__main__
from consumer.kinesis.process import prepare_process_environment
prepare_process_environment()
import consumer.operations.consume, consumer.wiring, consumer.kinesis.host, consumer.kinesis.worker, consumer.models.serving
from consumer.settings import Settings
consumer.wiring.scorer_of(Settings())
heavy = ("sklearn", "catboost", "lightgbm", "pandas", "onnx", "matplotlib", "scipy", "consumer.training", "consumer.backfill")
loaded = {name for name in sys.modules if name in heavy or name.startswith(tuple(f"{part}." for part in heavy))}
print(json.dumps([sorted(loaded), find_spec("catboost") is not None]))
"""


def run(script: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"
    } | ONE_BLAS_THREAD
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_process_that_loaded_the_model_and_scored_has_one_thread() -> None:
    assert run(_THREADS) == "1"


def test_forked_children_score_the_same_bits_as_their_parent() -> None:
    assert run(_FORKS) == "equal"


def test_the_consumer_loads_a_model_without_any_training_library_though_they_are_installed() -> None:
    assert run(_CONSUMER_IMPORTS) == "[[], true]"


def test_scoring_imports_no_training_library_and_turns_telemetry_off() -> None:
    assert run(_IMPORTS) == '[[], "1"]'


_ENCODES = """
import importlib.util, sys
from consumer.kinesis.process import do_without_pandas
assert importlib.util.find_spec("pandas") is not None  # else nothing is shown
do_without_pandas()
from sinks.lake.parquet import encode
from tests.builders import PLAIN_DECISION
encode([PLAIN_DECISION])
print([name for name in sys.modules if name.startswith("pandas")])
"""


def test_a_worker_writes_parquet_without_pandas_which_pyarrow_would_import() -> None:
    assert run(_ENCODES) == "[]"
