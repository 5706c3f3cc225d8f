"""The whole system as its operators run it, for tests: own stream, buckets, database and consumer process in one local environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Self
from unittest.mock import patch

import msgspec
import psycopg

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence
from consumer.auditing.report import AuditReport
from consumer.operations.audit import gather
from consumer.settings import Settings, load_settings
from consumer.telemetry.health import HostHealth, read_health
from infra.local.environment import LocalEnvironment
from infra.local.provision import ResourceNames, provision
from infra.local.up import resource_variables
from producers.kinesis import Publisher
from producers.records import OutgoingRecord
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from sinks.ledger.migrations import migrate
from sinks.ledger.reader import LedgerReader

PATIENCE_S = 90.0


def wait_until(is_so: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> float:
    """Return the seconds it took; a wait without an end is a failed test that says what it waited for."""
    start_s = time.monotonic()
    while not is_so():
        if time.monotonic() - start_s > patience_s:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(0.05)
    return time.monotonic() - start_s


class System:
    """One deployment. The consumer is started, stopped and killed by the test; everything else outlives it."""

    def __init__(self, environment: LocalEnvironment, state_dir: Path, *, shards: int, **settings: str) -> None:
        self.environment, self.state_dir = environment, state_dir
        self.name = f"s{uuid.uuid4().hex[:10]}"
        parts = ("stream", "lake_bucket", "dead_letter_bucket", "topic", "queue")
        names = ResourceNames(**{part: f"{self.name}-{part.replace('_', '-')}" for part in parts})
        self.resources = provision(environment, names, shards=shards)
        database_url = _make_database(environment.database_url, self.name)
        migrate(database_url, datetime.now(UTC))
        self.variables = {
            **environment.environment(),
            **resource_variables(self.resources),
            "DATABASE_URL": database_url,
            "FRAUDSTREAM_APPLICATION_NAME": self.name,
            "FRAUDSTREAM_STATE_DIR": str(state_dir),
            "FRAUDSTREAM_WARM_START": "true",
            "FRAUDSTREAM_FAST_FAILOVER": "true",
            "FRAUDSTREAM_CHUNK_MAX_AGE_S": "3",
            "FRAUDSTREAM_MAX_RESTARTS": "20",
            **settings,
        }
        self.publisher = Publisher(environment.client("kinesis"), self.resources.stream_name)
        self.reader = LedgerReader(database_url)
        self.consumer: subprocess.Popen[bytes] | None = None
        self._events = simulate(SimulationSettings(run_id=self.name), clock=lambda: datetime.now(UTC))
        self._marks = count()

    @property
    def settings(self) -> Settings:
        """The settings that the consumer has."""
        with patch.dict(os.environ, self.variables):
            return load_settings()

    def start(self) -> None:
        """Start the consumer."""
        with (self.state_dir / "consumer.log").open("ab") as log:
            self.consumer = subprocess.Popen(
                [sys.executable, "-m", "consumer"],
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, patience_s: float = PATIENCE_S) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.consumer is not None
        self.consumer.send_signal(signal.SIGTERM)
        return self.consumer.wait(patience_s)

    def kill(self) -> None:
        """Leave nothing running."""
        if self.consumer is not None and self.consumer.poll() is None:
            self.consumer.kill()
            self.consumer.wait()

    def log(self) -> str:
        """What the consumer wrote."""
        return (self.state_dir / "consumer.log").read_text(errors="replace")

    def health(self) -> HostHealth | None:
        """What the health file says."""
        return read_health(self.state_dir / "health.json", datetime.now(UTC)).health

    def worker_pids(self) -> list[int]:
        """The forked workers that have a shard."""
        health = self.health()
        return [worker.pid for worker in health.workers] if health else []

    def events(self, number: int) -> list[OutgoingRecord]:
        """Simulated events, stamped now."""
        made = (next(self._events).event for _ in range(number))
        return [OutgoingRecord(msgspec.json.encode(event), str(event["user_id"])) for event in made]

    def publish(self, records: Sequence[OutgoingRecord]) -> None:
        """Publish records."""
        self.publisher.publish(records)

    def decided(self) -> int:
        """How many verdicts there are."""
        counts = self.reader.counts()
        return counts.decisions + counts.refusals

    def wait_decided(self, number: int) -> float:
        """Wait until there are so many verdicts."""
        return wait_until(lambda: self.decided() >= number, f"{number} verdicts; there are {self.decided()}")

    def wait_told(self) -> None:
        """Wait until the outbox is empty."""
        wait_until(lambda: (c := self.reader.counts()).alerts == c.alerts_sent, "every alert told")

    def wait_for_new_decision(self) -> float:
        """Publish never-seen events until one of them is decided; return the seconds from now."""
        start_s, transaction_ids = time.monotonic(), []

        def is_decided() -> bool:
            transaction_ids.append(f"{self.name}-mark-{next(self._marks)}")
            event = {
                "transaction_id": transaction_ids[-1],
                "timestamp": datetime.now(UTC).isoformat(),
                "user_id": transaction_ids[-1],
                "amount": 1,
            }
            self.publish([OutgoingRecord(msgspec.json.encode(event), transaction_ids[-1])])
            time.sleep(0.1)
            return any(self.reader.find(transaction_id) for transaction_id in transaction_ids)

        wait_until(is_decided, "a decision of a never-seen event")
        return time.monotonic() - start_s

    def evidence(self) -> Evidence:
        """Everything that an audit compares."""
        return gather(self.settings)

    def audit(self) -> AuditReport:
        """Compare everything."""
        return audit(self.evidence())


@contextmanager
def a_system(environment: LocalEnvironment, state_dir: Path, *, shards: int, **settings: str) -> Iterator[System]:
    """A system whose consumer does not outlive the test."""
    system = System(environment, state_dir, shards=shards, **settings)
    try:
        yield system
    finally:
        system.kill()
        system.reader.close()


class Load:
    """Publishes simulated events in the background, at a rate, until the context ends."""

    def __init__(self, system: System, per_second: int) -> None:
        self._system, self._per_second = system, per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._publisher = Publisher(system.environment.client("kinesis"), system.resources.stream_name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def published(self) -> int:
        """How many records are in the stream."""
        return self._publisher.progress.records

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self._publisher.publish(self._system.events(self._per_second // 10))


def _make_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"'.encode())
    base, _, _ = url.rpartition("/")
    return f"{base}/{name}"
