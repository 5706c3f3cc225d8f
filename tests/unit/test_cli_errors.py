"""A user's mistake ends in one line with the cause and the remedy, never in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOWHERE = "http://127.0.0.1:9"
CASES = {
    "no local environment": (["--local", "audit"], {}, "start one with `fraudstream up`"),
    "no ledger": (["audit"], {"AWS_ENDPOINT_URL": NOWHERE}, "set DATABASE_URL="),
    "an endpoint that is no address": (["audit"], {"AWS_ENDPOINT_URL": "nonsense"}, "must be an address such as"),
    "an endpoint where nobody answers": (
        ["audit"],
        {"AWS_ENDPOINT_URL": NOWHERE, "DATABASE_URL": "postgresql://x@127.0.0.1:9/x"},
        "is the local environment still running?",
    ),
    "a ledger where nobody answers": (["show", "t"], {"DATABASE_URL": "postgresql://x@127.0.0.1:9/x"}, "127.0.0.1"),
    "a file that is not there": (
        ["publish", "/no/such/file"],
        {"AWS_ENDPOINT_URL": NOWHERE},
        "fraudstream: /no/such/file: No such file",
    ),
    "a folder in place of a file": (["publish", "/"], {"AWS_ENDPOINT_URL": NOWHERE}, "fraudstream: /: Is a directory"),
    "a fault that is none": (
        ["chaos", "--kinds", "split,,x"],
        {},
        "no such fault: (empty), x; `fraudstream chaos --list`",
    ),
    "an id of no dead letter": (["dead-letters", "show", "x"], {}, "`fraudstream dead-letters list` prints them"),
    "a wrong setting": (["health"], {"FRAUDSTREAM_EVENT_TIME_BEFORE": "-P3D"}, "event_time_before"),
    "a bundle that is not there": (
        ["consume"],
        {"FRAUDSTREAM_MODEL_BUNDLE": "/no/bundle", "DATABASE_URL": "x"},
        "manifest.json",
    ),
    "a consumer without a ledger": (["consume"], {"AWS_ENDPOINT_URL": NOWHERE}, "set DATABASE_URL="),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_in_words(case: str, tmp_path: Path) -> None:
    arguments, variables, expected = CASES[case]
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("FRAUDSTREAM", "AWS", "DATABASE"))
    }
    told = subprocess.run(
        [sys.executable, "-m", "consumer.cli", *arguments],
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 2, told.stderr
    assert expected in told.stderr
    assert "Traceback" not in told.stderr
