"""The audit of a bench's system, by the command that operators have, in a process of its own: it holds everything in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from consumer.bench.deployment import System
from consumer.chaos.waiting import BrokenPromiseError

_BYTES_A_RECORD = 13_000
_COMMAND = "from consumer.cli import main; main()"
_PATIENCE_S = 1_800


class Audited(NamedTuple):
    """What the audit said, in a word or two, and whether that proves that every event had its effects exactly once."""

    verdict: str
    is_proof: bool


def audit_apart(system: System, beside: int = 0) -> Audited:
    """Wait until every alert is told, stop the consumer and audit all that was sent; nothing is left to be dealt with before.

    `beside`: how many events were published by others than the loader.

    Where memory would not do, nothing is audited, and the verdict says so. Raises WaitedInVainError where an alert is not told, and
    BrokenPromiseError where the consumer does not stop as it should, and where the audit fails.
    """
    deployment = system.deployment
    deployment.wait_told()  # by housekeeping, which ends with the consumer
    if (code := deployment.consumer.stop()) != 0:
        raise BrokenPromiseError(f"the consumer ended with {code}: {deployment.consumer.tail()}")
    sent = system.loader.sent + beside
    needed, free = sent * _BYTES_A_RECORD, _free_bytes()
    if needed > free:
        return Audited(f"not done: needs {needed >> 30} GiB, {free >> 30} are free", is_proof=False)
    return _read(_run_audit(system), sent)


def _run_audit(system: System) -> bytes:
    deployment = system.deployment
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, "audit", "--json"],
        env={**os.environ, **deployment.variables},
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if not done.stdout:
        raise BrokenPromiseError(
            f"the audit ended with {done.returncode}: {done.stderr[-1500:].decode(errors='replace')}"
        )
    return done.stdout


def _read(report: bytes, sent: int) -> Audited:
    """A report is a proof where it is clean and complete, and where it saw every event that was sent."""
    document = json.loads(report)
    if not document["is_clean"]:
        return Audited(f"NOT CLEAN: {document['findings'][:1]}", is_proof=False)
    if not document["is_complete"] or document["decided"] != sent:
        return Audited(f"clean, but {document['decided']:,} of {sent:,} decided", is_proof=False)
    return Audited(f"clean, {sent:,}", is_proof=True)


def _free_bytes() -> int:
    """Return what Linux can give without swapping, caches that it would drop included."""
    [line] = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:")]
    return int(line.split()[1]) * 1024
