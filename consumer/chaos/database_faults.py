"""Faults of PostgreSQL and of the way to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGQUIT
from typing import ClassVar

import psycopg
from psycopg import sql

from consumer.chaos.fault import Fault, FaultNotFiredError, Scene, between, last
from infra.local.postgres import EmbeddedPostgres

WORKER, RELAY = "fraudstream-worker", "fraudstream-relay"
_UNAVAILABLE, _LEDGER = "sink_unavailable", "ledger: "


@dataclass(frozen=True, slots=True)
class PostgresStopped(Fault):
    """PostgreSQL is stopped for some seconds and started again."""

    seconds: float = between(2, 8)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        server = embedded(scene)
        server.stop()
        scene.begins()
        last(self.seconds, time.monotonic())
        server.start()
        scene.ends()
        return seen_unavailable(scene)


@dataclass(frozen=True, slots=True)
class PostgresCrashed(Fault):
    """PostgreSQL is shut down in immediate mode, as a crash would, and recovers."""

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        server = embedded(scene)
        os.kill(server.pid or 0, SIGQUIT)
        scene.begins()
        server.stop()
        server.start()
        scene.ends()
        return seen_unavailable(scene)


@dataclass(frozen=True, slots=True)
class PostgresReadOnly(Fault):
    """The database takes no writes for some seconds, as a former primary does."""

    seconds: float = between(3, 8)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        self._set(scene, "on")
        scene.begins()
        last(self.seconds, time.monotonic())
        self._set(scene, "off")
        scene.ends()
        return seen_unavailable(scene)

    def _set(self, scene: Scene, value: str) -> None:
        with psycopg.connect(scene.deployment.environment.database_url, autocommit=True) as connection:
            name, text = sql.Identifier(scene.deployment.name), sql.Literal(value)
            connection.execute(sql.SQL("alter database {} set default_transaction_read_only = {}").format(name, text))
            terminate(connection, scene.deployment.name)


@dataclass(frozen=True, slots=True)
class CommitAnswerLost(Fault):
    """A worker's connection is cut inside COMMIT, which landed."""

    application: ClassVar[str] = WORKER

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        proxy = scene.deployment.proxy
        before = proxy.answers_lost
        proxy.lose_next_answer(self.application)
        scene.require(lambda: proxy.answers_lost > before, f"a COMMIT of {self.application}")
        scene.begins()
        return f"the answer to a COMMIT of {self.application} was lost"


@dataclass(frozen=True, slots=True)
class RelayAnswerLost(CommitAnswerLost):
    """The alert relay's connection is cut inside COMMIT, which landed."""

    application: ClassVar[str] = RELAY
    sign = "alerts"
    recovers_within_s = 150.0


@dataclass(frozen=True, slots=True)
class CommitCut(Fault):
    """A worker's connection is cut inside COMMIT, which did not land."""

    application: ClassVar[str] = WORKER

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        proxy = scene.deployment.proxy
        before = proxy.commits_cut
        proxy.cut_next_commit(self.application)
        scene.require(lambda: proxy.commits_cut > before, f"a COMMIT of {self.application}")
        scene.begins()
        return f"a COMMIT of {self.application} never reached the server"


@dataclass(frozen=True, slots=True)
class RelayCommitCut(CommitCut):
    """The alert relay's connection is cut inside COMMIT, which did not land."""

    application: ClassVar[str] = RELAY
    sign = "alerts"
    recovers_within_s = 150.0


@dataclass(frozen=True, slots=True)
class LockTimeout(Fault):
    """Another session holds a lock on the ledger for longer than lock_timeout (10 s)."""

    seconds: float = between(11, 14)

    usual_s = 20.0

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        with psycopg.connect(scene.deployment.database_url) as connection:
            connection.execute("lock table fraudstream.decision, fraudstream.refused in exclusive mode")
            scene.begins()
            last(self.seconds, time.monotonic())
        scene.ends()
        return seen_unavailable(scene)


@dataclass(frozen=True, slots=True)
class PostgresBlackHole(Fault):
    """The way to PostgreSQL swallows every byte for some seconds and closes nothing."""

    seconds: float = between(5, 15)

    usual_s = 20.0

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        proxy = scene.deployment.proxy
        before = proxy.bytes_held
        proxy.fall_silent()
        scene.begins()
        last(self.seconds, time.monotonic())
        proxy.resume()
        scene.ends()
        if proxy.bytes_held == before:
            raise FaultNotFiredError("nobody spoke while the proxy was silent")
        return f"{proxy.bytes_held - before} bytes were held back for {self.seconds} s"


def embedded(scene: Scene) -> EmbeddedPostgres:
    """Return the server, of which we are the master."""
    if scene.deployment.environment.postgres is None:
        raise FaultNotFiredError("this PostgreSQL is not ours to stop")
    return scene.deployment.environment.postgres


def seen_unavailable(scene: Scene) -> str:
    """Return the proof that a worker met the fault: it logged that it waits."""
    scene.require(lambda: scene.seen(_UNAVAILABLE, _LEDGER) > 0, "a worker that says that the ledger is away")
    return f"workers waited {scene.seen(_UNAVAILABLE, _LEDGER)} times"


def terminate(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    """End every session of the database."""
    connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database,))


@contextmanager
def stopped(server: EmbeddedPostgres) -> Iterator[None]:
    """Keep the server down while the context lasts."""
    server.stop()
    try:
        yield
    finally:
        server.start()
