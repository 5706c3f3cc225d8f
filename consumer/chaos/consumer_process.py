"""One consumer as its orchestrator sees it: a process with a state folder of its own, started, stopped, killed and paused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL, SIGTERM

from consumer.chaos.processes import family, pause, resume, signal_to
from consumer.chaos.waiting import PATIENCE_S, WaitedInVainError
from consumer.telemetry.health import HostHealth, read_health

_TAIL_CHARACTERS = 3000


class ConsumerProcess:
    """Started again in the same state folder it is the same KCL worker, as a container that is restarted in place."""

    def __init__(self, state_dir: Path, variables: Callable[[], Mapping[str, str]]) -> None:
        """`variables` are asked for at each start: a deploy changes them."""
        state_dir.mkdir(parents=True, exist_ok=True)
        self.state_dir, self._variables = state_dir, variables
        self.process: subprocess.Popen[bytes] | None = None
        self._paused: list[int] = []

    @property
    def log_path(self) -> Path:
        """What it writes to stdout and stderr."""
        return self.state_dir / "consumer.log"

    @property
    def pid(self) -> int:
        """The host's pid, also when it has ended."""
        if self.process is None:
            raise RuntimeError("the consumer was never started")
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def start(self, output: Path | None = None) -> None:
        """Start it in a session of its own; `output` takes the place of its log."""
        with (output or self.log_path).open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "consumer"],
                env={**os.environ, **self._variables(), "FRAUDSTREAM_STATE_DIR": str(self.state_dir)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, patience_s: float = PATIENCE_S) -> int:
        """Send SIGTERM and return the exit code. Raises WaitedInVainError."""
        if self.process is None:
            return 0
        self.process.send_signal(SIGTERM)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise WaitedInVainError(f"the consumer did not stop within {patience_s:.0f} s: {self.tail()}") from None

    def kill(self) -> None:
        """Leave nothing of it running."""
        if self.process is None:
            return
        members = family(self.process.pid)
        for pid in members:
            signal_to(pid, SIGKILL)
        self.resume()
        self.process.wait()

    def pause(self) -> list[int]:
        """Stop the whole process tree, as a frozen virtual machine would; return who was stopped."""
        self._paused = pause(self.pid)
        return self._paused

    def resume(self) -> None:
        """Let the paused tree go on."""
        resume(self._paused)
        self._paused = []

    def log(self) -> str:
        """Everything that it wrote."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self) -> str:
        """The last of what it wrote."""
        return self.log()[-_TAIL_CHARACTERS:]

    def health(self) -> HostHealth | None:
        """What the health file says of this process; None until it has written one."""
        health = read_health(self.state_dir / "health.json", datetime.now(UTC)).health
        return health if health and self.process and health.host_pid == self.process.pid else None

    def worker_id(self) -> str | None:
        """The KCL worker id, None before the first start."""
        path = self.state_dir / "worker-id"
        return path.read_text().strip() if path.exists() else None

    def worker_pids(self) -> list[int]:
        """The forked workers that have a shard."""
        health = self.health()
        return [worker.pid for worker in health.workers if "shard_id" in worker.facts] if health else []

    def daemon_pid(self) -> int | None:
        """Java's pid, None while there is none."""
        health = self.health()
        return health.daemon_pid if health else None

    def housekeeping_pid(self) -> int | None:
        """The pid of housekeeping, None while there is none."""
        health = self.health()
        return health.housekeeping.pid if health and health.housekeeping else None

    def launcher_pids(self) -> list[int]:
        """The launchers: Java's children."""
        daemon = self.daemon_pid()
        return family(daemon)[1:] if daemon else []

    def lag_ms(self) -> int | None:
        """The greatest lag that a worker reported, None where no worker did."""
        health = self.health()
        lags = [worker.facts.get("millis_behind_latest") for worker in health.workers] if health else []
        return max((int(lag) for lag in lags if lag is not None), default=None)
