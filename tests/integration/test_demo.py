"""The first thing a newcomer runs, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from consumer.chaos.waiting import wait_until

pytestmark = [pytest.mark.real, pytest.mark.daemon]
ROOT = Path(__file__).parents[2]


def start_demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("FRAUDSTREAM", "AWS_E", "DATABASE"))
    }
    return subprocess.Popen(
        [sys.executable, "-m", "consumer.cli", "demo", *arguments],
        env={**clean, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_demo_ends_with_a_clean_audit(tmp_path: Path) -> None:
    demo = start_demo(tmp_path, "--seconds", "5", "--rate", "200", "--shards", "1")
    told, _ = demo.communicate(timeout=180)
    assert demo.returncode == 0, told
    for words in (
        "first decision",
        "published    decided",
        "audit clean: every event",
        "the riskiest is",
        "gateway, request → decision, p50",
        "look around",
    ):
        assert words in told


def test_the_curl_that_the_demo_prints_gets_a_decision(tmp_path: Path) -> None:
    command, is_decided = list[str](), False
    with start_demo(tmp_path, "--seconds", "20", "--rate", "20", "--shards", "1") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("  curl ") or (command and command[-1].endswith("\\\n")):
                command.append(line)
            if command and "demo: first decision" in line:
                is_decided = any("fraud_score" in asked("".join(command)) for _ in range(5))
    assert demo.returncode == 0
    assert is_decided


def asked(command: str) -> dict[str, Any]:
    done = subprocess.run(command, shell=True, capture_output=True, check=True)  # noqa: S602
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_file_with_bad_lines_is_told_and_fails_with_the_reason(tmp_path: Path) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    good = f'{{"transaction_id": "mine", "timestamp": "{now}", "user_id": "u", "amount": 1}}\n'
    (tmp_path / "events.jsonl").write_text(good + "oops\n")
    demo = start_demo(tmp_path, "--events", "events.jsonl")
    told, _ = demo.communicate(timeout=180)
    assert demo.returncode == 1, told
    assert "line 2: invalid_json" in told
    assert "the riskiest is mine" in told
    assert told.splitlines()[-1] == "demo: FAILED: not every line of the file was published (see above)"


def test_a_demo_that_is_told_to_end_leaves_nothing_running(tmp_path: Path) -> None:
    demo = start_demo(tmp_path, "--seconds", "600")
    assert demo.stdout is not None
    for line in demo.stdout:
        if "first decision" in line:
            break
    family = psutil.Process(demo.pid).children(recursive=True)
    assert any("java" in process.name() for process in family)
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=120)
    assert demo.returncode == 130
    wait_until(lambda: not any(process.is_running() for process in family), "the end of every process of the demo")
