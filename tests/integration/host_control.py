"""Starts hosts as processes, watches their files, and ends them whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from consumer.telemetry.health import HealthReport, HostHealth, read_health
from tests.protocol.dialogue import Dialogue
from tests.protocol.scripted import Journal

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = Path(__file__).with_name("host_program.py")


def wait_until(claim: Callable[[], Any], what: str, patience_s: float = 30.0) -> float:
    """Return the seconds until the claim held; fail where it does not in time."""
    start_s = time.monotonic()
    while not claim():
        assert time.monotonic() - start_s < patience_s, f"not in {patience_s:.0f} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - start_s


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def open_files(pid: int) -> set[str]:
    """Return what a process has open, as /proc names it: paths, pipe:[inode], socket:[inode]."""
    return {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}


class RunningHost:
    """A host process with its state directory; closing it kills what is left of it."""

    def __init__(
        self,
        state_dir: Path,
        environment: Mapping[str, str] | None = None,
        log: Path | int | None = None,
        **config: Any,
    ) -> None:
        """`log`: where its output goes instead of `host.log`, as a path or a descriptor."""
        self.state_dir = state_dir
        state_dir.mkdir(exist_ok=True)
        self.journal = Journal(state_dir / "journal")
        self._temporary = tempfile.TemporaryDirectory(
            prefix="host-"
        )  # a killed host leaves its runtime directory in it
        config_path = state_dir / "config.json"
        config_path.write_text(
            json.dumps({"state_dir": str(state_dir), "journal": str(state_dir / "journal"), **config})
        )
        self.started_at_s = time.time()
        with open(log or state_dir / "host.log", "ab", closefd=not isinstance(log, int)) as output:
            self.process = subprocess.Popen(
                [sys.executable, _PROGRAM, config_path],
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={
                    **os.environ,
                    **(environment or {}),
                    "PYTHONPATH": str(_ROOT),
                    "TMPDIR": self._temporary.name,
                },
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._temporary.cleanup()

    @property
    def log(self) -> str:
        return (self.state_dir / "host.log").read_text()

    def report(self) -> HealthReport:
        return read_health(self.state_dir / "health.json", datetime.now(UTC))

    def health(self) -> HostHealth:
        """Return the health file once it is there."""
        wait_until(lambda: self.report().health, "a health file")
        health = self.report().health
        assert health is not None
        return health

    def wait_for_health(self, claim: Callable[[HostHealth], Any], what: str, patience_s: float = 30.0) -> HostHealth:
        wait_until(lambda: claim(self.health()), what, patience_s)
        return self.health()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def interrupt_group(self) -> None:
        """Do what Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def exit_code(self, patience_s: float = 90.0) -> int:
        return self.process.wait(patience_s)


class LivingDaemon:
    """What the host believes to be Java, of the generation that runs now."""

    def __init__(self, state_dir: Path, not_pid: int | None = None) -> None:
        path = state_dir / "daemon.json"
        wait_until(lambda: path.exists() and json.loads(path.read_text())["pid"] != not_pid, "a new daemon")
        content = json.loads(path.read_text())
        self.executable: list[str] = content["executable"].split(" ")
        self.pid: int = content["pid"]


class LaunchedShard:
    """A launcher as the daemon starts it, with a test at the other end of its pipes."""

    def __init__(self, daemon: LivingDaemon) -> None:
        self.launcher = subprocess.Popen(
            daemon.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.launcher.stdin is not None
        assert self.launcher.stdout is not None
        self.daemon = Dialogue(os.dup(self.launcher.stdin.fileno()), os.dup(self.launcher.stdout.fileno()))
        self.launcher.stdin.close()
        self.launcher.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.launcher.kill()
        self.launcher.wait()
        self.daemon.close()

    def end_lease(self) -> None:
        """Take the shard away, as the daemon does; the worker ends by itself."""
        self.daemon.say("leaseLost")
        self.daemon.expect_status("leaseLost")
        self.daemon.hang_up()
        assert self.daemon.hear() is None
