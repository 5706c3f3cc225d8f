"""The host gives KCL's leader lock back whenever no daemon can hold it: before each start, and when all is over."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.integration.host_control import LivingDaemon, RunningHost, wait_until


def _released(host: RunningHost) -> int:
    return len(host.journal.of("leader_released"))


def test_the_lead_is_given_back_at_each_start_of_a_daemon_and_at_the_end(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state") as host:
        first = LivingDaemon(host.state_dir)
        wait_until(lambda: _released(host) == 1, "the lead given back at the start")
        os.kill(first.pid, signal.SIGKILL)
        LivingDaemon(host.state_dir, not_pid=first.pid)
        wait_until(lambda: _released(host) == 2, "the lead given back at the restart")

        host.terminate()

        assert host.exit_code() == 0, host.log
        assert _released(host) == 3
        assert len({line["pid"] for line in host.journal.of("leader_released")} - {host.process.pid}) == 3


def test_an_errand_that_hangs_keeps_nobody_from_starting_or_from_ending(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", hangs_in_errand=True) as host:
        LivingDaemon(host.state_dir)
        host.wait_for_health(lambda health: health.housekeeping, "a host at work")

        host.terminate()

        assert host.exit_code() == 0, host.log
