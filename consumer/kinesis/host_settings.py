"""What the host needs to know, as one frozen value; `consumer.settings` makes it from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consumer.kinesis.java import JAVA_OPTIONS
from consumer.kinesis.properties import KclSettings
from consumer.policies.backoff import Backoff
from consumer.policies.restarts import RestartPolicy


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Where the host keeps its files, when it loses patience, and how the daemon runs.

    `state_dir` belongs to one worker id. `java_environment` is the daemon's whole environment, credentials included.
    """

    state_dir: Path
    kcl: KclSettings
    stuck_after_s: float = 300.0
    stop_margin_s: float = 15.0
    housekeeping_stop_s: float = 10.0
    lock_wait_s: float = 10.0
    daemon_restarts: RestartPolicy = field(default_factory=RestartPolicy)
    housekeeping_restarts: RestartPolicy = field(default_factory=RestartPolicy)
    housekeeping_backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.5, cap_s=10.0))
    java_options: tuple[str, ...] = JAVA_OPTIONS
    java_environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def health_path(self) -> Path:
        """The file that `fraudstream health` reads."""
        return self.state_dir / "health.json"

    @property
    def stop_after_s(self) -> float:
        """How long a graceful stop may take: the daemon's grace, the failover that it waits for, and a margin."""
        return (self.kcl.shutdown_grace_ms + self.kcl.failover_ms) / 1000 + self.stop_margin_s
