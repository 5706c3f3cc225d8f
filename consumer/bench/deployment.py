"""The whole system for a bench: environment, deployment, consumer and load generator, and what can be seen of them while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import psycopg

from consumer.bench.load import LoadFiles
from consumer.bench.loader import Loader, a_loader
from consumer.chaos.deployment import Deployment, a_deployment
from consumer.chaos.processes import family
from consumer.chaos.waiting import WaitedInVainError
from infra.local.environment import LocalEnvironment

_READY_S = 180.0
_DRAIN_S = 300.0
_LOOK_EVERY_S = 0.25
_PRODUCTION = {"FRAUDSTREAM_CHUNK_MAX_AGE_S": "60"}
"""A deployment of `consumer.chaos` closes chunks after three seconds; a bench does what production does."""


class Progress(NamedTuple):
    """How many records were dealt with at a moment, in seconds since 1970."""

    at_s: float
    records: int


class System:
    """One deployment under load."""

    def __init__(self, environment: LocalEnvironment, deployment: Deployment, loader: Loader) -> None:
        self.environment, self.deployment, self.loader = environment, deployment, loader

    def members(self) -> dict[str, list[int]]:
        """Return the processes of each kind, those that live: the container's (host to housekeeping) and what stands around it."""
        consumer, postgres = self.deployment.consumer, self.environment.postgres
        java = consumer.daemon_pid()
        return {
            "load": [self.loader.pid],
            "emulator": family(self.environment.aws.pid or 0),
            "java": [java] if java else [],
            "workers": consumer.worker_pids(),
            "other": self._rest_of_container(),
            "postgres": family(postgres.pid) if postgres and postgres.pid else [],
        }

    def _rest_of_container(self) -> list[int]:
        """Host, housekeeping, launchers and workers that have no shard yet."""
        consumer = self.deployment.consumer
        named = {consumer.daemon_pid(), *consumer.worker_pids()}
        return [pid for pid in family(consumer.pid) if pid not in named] if consumer.is_running else []

    def progress(self) -> Progress:
        """Return what the workers that live have dealt with, as the host's health file has it: it is written once a second."""
        health = self.deployment.consumer.health()
        if health is None:
            return Progress(time.time(), 0)
        records = sum(int(worker.facts.get("records") or 0) for worker in health.workers)
        return Progress(health.written_at.timestamp(), records)

    def start(self) -> float:
        """Start the consumer and return the seconds until each shard has a worker."""
        start_s, shards = time.monotonic(), len(self.deployment.open_shards())
        self.deployment.consumer.start()
        self.wait(lambda: len(self.deployment.consumer.worker_pids()) >= shards, "a worker for every shard", _READY_S)
        return time.monotonic() - start_s

    def drain(self) -> float:
        """Wait until all that was ordered is sent and dealt with; return the seconds."""
        start_s = time.monotonic()
        self.loader.wait_sent()
        self.wait(lambda: self.progress().records >= self.loader.ordered, "every record dealt with", _DRAIN_S)
        return time.monotonic() - start_s

    def wait(self, is_so: Callable[[], bool], what: str, patience_s: float) -> None:
        """Wait for something. Raises WaitedInVainError with the consumer's last words, and at once where a process has ended."""
        start_s = time.monotonic()
        while not is_so():
            self.environment.check()
            consumer = self.deployment.consumer
            if not consumer.is_running or time.monotonic() - start_s > patience_s:
                raise WaitedInVainError(
                    f"waited {patience_s:.0f} s in vain: {what}; the consumer says: {consumer.tail()}"
                )
            time.sleep(_LOOK_EVERY_S)


@contextmanager
def a_system(
    folder: Path,
    load: LoadFiles,
    shards: int,
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    keeps_commit_times: bool = False,
) -> Iterator[System]:
    """Give a system that is not started yet; nothing of it outlives the context. Its PostgreSQL writes durably (fsync).

    `keeps_commit_times`: PostgreSQL remembers when each row was committed (`pg_xact_commit_timestamp`) and times its flushes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with LocalEnvironment(folder / "local", fsync=True) as environment:
        if keeps_commit_times:
            _keep_commit_times(environment)
        with a_deployment(environment, folder / "consumer", shards=shards, **{**_PRODUCTION, **settings}) as deployment:
            deployment.variables["DATABASE_URL"] = deployment.database_url  # without the proxy, which would cost time
            stream = deployment.resources.stream_name
            with a_loader(environment.aws_port, stream, load, folder) as loader:
                yield System(environment, deployment, loader)


def _keep_commit_times(environment: LocalEnvironment) -> None:
    with psycopg.connect(environment.database_url, autocommit=True) as connection:
        for setting in ("track_commit_timestamp", "track_wal_io_timing"):
            connection.execute(f"alter system set {setting} = on")
    if environment.postgres:
        environment.postgres.restart()
