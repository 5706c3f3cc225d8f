"""A whole host as a program: `host_program.py CONFIG.json`. The daemon is Java, or for tests of the host alone a process that
only lives, while the test itself starts launchers and speaks the protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from consumer.kinesis.process import die_with_parent, prepare_process_environment

prepare_process_environment()

from consumer.kinesis.gate import make_runtime_directory  # noqa: E402 - the environment comes first, as in the real program
from consumer.kinesis.host import Host, run_host  # noqa: E402
from consumer.kinesis.host_settings import HostSettings  # noqa: E402
from consumer.kinesis.java import QUICK_JAVA_OPTIONS  # noqa: E402
from consumer.kinesis.lock import WorkerIdLock  # noqa: E402
from consumer.kinesis.port import Loaded  # noqa: E402
from consumer.kinesis.properties import KclSettings, local_profile  # noqa: E402
from consumer.policies.backoff import Backoff  # noqa: E402
from consumer.policies.restarts import RestartPolicy  # noqa: E402
from consumer.telemetry.log_stream import protect_stderr  # noqa: E402
from consumer.telemetry.logs import configure_logs  # noqa: E402
from tests.protocol.scripted import Journal, scripted  # noqa: E402


class LivingProcess:
    """Stands where Java would: dies with the host, ends on SIGTERM, and leaves the launching to the test."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    def start(self, executable: str) -> subprocess.Popen[bytes]:
        host_pid = os.getpid()
        process = subprocess.Popen(["sleep", "3600"], preexec_fn=lambda: die_with_parent(host_pid))  # noqa: PLW1509
        draft = self._state_dir / "daemon.draft"
        draft.write_text(json.dumps({"executable": executable, "pid": process.pid}))
        draft.replace(self._state_dir / "daemon.json")
        return process

    def log_tail(self, lines: int) -> list[str]:
        return [f"the last {lines} lines of nothing"]


def settings_of(config: dict[str, Any]) -> HostSettings:
    kcl = KclSettings(
        stream_name=config.get("stream", "none"),
        application_name=config.get("application", "none"),
        worker_id=config.get("worker_id", "worker-1"),
        region="us-east-1",
        endpoint_url=config.get("endpoint_url"),
    )
    return HostSettings(
        state_dir=Path(config["state_dir"]),
        kcl=local_profile(kcl),
        stuck_after_s=config.get("stuck_after_s", 60.0),
        lock_wait_s=config.get("lock_wait_s", 10.0),
        daemon_restarts=RestartPolicy(max_restarts=config.get("max_restarts", 5)),
        housekeeping_restarts=RestartPolicy(max_restarts=config.get("max_housekeeping_restarts", 5)),
        housekeeping_backoff=Backoff(base_s=0.01, cap_s=0.1),
        java_options=QUICK_JAVA_OPTIONS,
    )


def load_from(config: dict[str, Any]) -> Loaded:
    if config.get("starts_a_thread"):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    import numpy as np
    import onnxruntime
    import pyarrow.parquet

    assert all((np, onnxruntime, pyarrow.parquet))  # loaded, as in the real host, and still a single thread
    hangs = config.get("hangs_in_errand", False)
    return scripted(Journal(Path(config["journal"])), checkpoints_batches=True, hangs_in_errand=hangs)


def run_without_java(config: dict[str, Any]) -> int:
    settings = settings_of(config)
    lock = WorkerIdLock(settings.state_dir, settings.kcl.worker_id, settings.lock_wait_s)
    daemon = LivingProcess(settings.state_dir)
    return Host(settings, load_from(config), daemon, lock.fd, make_runtime_directory()).run()


def main() -> int:
    protect_stderr()
    configure_logs()
    config = json.loads(Path(sys.argv[1]).read_text())
    if config.get("java"):
        return run_host(settings_of(config), lambda: load_from(config))
    return run_without_java(config)


if __name__ == "__main__":
    sys.exit(main())
