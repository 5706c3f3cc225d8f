"""Starting, stopping and reaching the embedded server."""

import contextlib
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from infra.local.errors import PostgresError
from infra.local.ports import HOST, check_port_is_free, free_port
from infra.local.postgres.account import server_account
from infra.local.postgres.binaries import bundled_binaries, shared_binaries
from infra.local.postgres.folder import ClusterFolder
from infra.local.tether import tethered

USER = DATABASE = "fraudstream"
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_PORT_ATTEMPTS = 3
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    # A user's history is an index that is written all over: with 64 MB a million decisions cost a sixth more time of the server's.
    "shared_buffers": "256MB",
    # A checkpoint makes every page be logged whole once more: with 512 MB, a million decisions make a fifth more log.
    "max_wal_size": "2GB",
}
_FAST_BUT_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A fresh cluster with one database; UTF8, locale C, UTC, passwords by SCRAM. A context manager that starts it.

    As root it runs as ``user``. Its end: ``close`` (fast and clean), or the death of the thread that started it, even by
    kill -9. ``fsync`` off is for tests: a crash of the machine, not of the server, may then spoil the cluster.
    """

    def __init__(
        self, log_path: Path, *, port: int = 0, fsync: bool = False, user: str = "nobody", major: int = 18
    ) -> None:
        self.log_path = log_path
        self.port = port
        self._settings = {**_SETTINGS, **({} if fsync else _FAST_BUT_FORGETFUL)}
        self._account = server_account(user)
        self._binaries = shared_binaries(major) if self._account.is_another else bundled_binaries(major)
        self._password = secrets.token_hex(12)
        self._folder: ClusterFolder | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The connection URL of the database's owner, a superuser."""
        return self._url(DATABASE)

    @property
    def is_running(self) -> bool:
        """Whether the server process lives."""
        return self._server is not None and self._server.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's main process."""
        return self._server.pid if self._server else None

    def __enter__(self) -> Self:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def start(self) -> None:
        """Start the server and wait until it answers; the first time, make the cluster. Raises ``PostgresError``."""
        is_new = self._folder is None
        if is_new:
            self._make_cluster()
        if self.port:
            check_port_is_free(self.port)
            self._serve(self.port)
        else:
            self._serve_on_a_free_port()
        if is_new:
            with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                connection.execute(f"create database {DATABASE}")

    def stop(self) -> None:
        """End the server: clean where it obeys in time, else by force. The data stays; nothing to do where it is down."""
        if self._server is None:
            return
        for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._server.send_signal(order)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(_STOP_TIMEOUT_S)
                break
        self._server = None

    def restart(self) -> None:
        """Stop and start again on the same port with the same data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop and delete the cluster."""
        self.stop()
        if self._folder:
            self._folder.remove()
            self._folder = None

    def _make_cluster(self) -> None:
        self._folder = ClusterFolder(self._account)
        password_file = self._folder.path / "password"
        password_file.write_text(self._password)
        self._account.own(password_file)
        command = [
            self._binaries.program("initdb"),
            f"--pgdata={self._folder.data}",
            f"--username={USER}",
            f"--pwfile={password_file}",
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        ]
        made = self._run(command)
        made.wait()
        password_file.unlink()
        if made.returncode:
            raise self._failure("initdb failed")

    def _serve_on_a_free_port(self) -> None:
        for attempts_left in reversed(range(_PORT_ATTEMPTS)):
            port = free_port()
            try:
                self._serve(port)
            except PostgresError:
                if not attempts_left:
                    raise
            else:
                self.port = port
                return

    def _serve(self, port: int) -> None:
        data = self._folder.data if self._folder else None
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(port)}.items()]
        self._server = self._run([self._binaries.program("postgres"), "-D", str(data), *settings])
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _answers(self._url("postgres", port)):
            if not self.is_running:
                raise self._failure(f"PostgreSQL stopped while it was starting on port {port}")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failure(f"PostgreSQL did not answer on port {port} within {_START_TIMEOUT_S:.0f} s")
            time.sleep(0.02)

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        account = self._account
        line = tethered(command, death_signal=signal.SIGQUIT, uid=account.uid, gid=account.gid)
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_ENVIRONMENT,
                process_group=0,  # Ctrl-C is for the command, which then stops us in order
            )

    def _failure(self, what: str) -> PostgresError:
        tail = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
        return PostgresError(
            f"{what}. The end of its log, {self.log_path}:\n{tail}\n"
            "Or give DATABASE_URL of a PostgreSQL that runs already."
        )

    def _url(self, database: str, port: int | None = None) -> str:
        return f"postgresql://{USER}:{self._password}@{HOST}:{port or self.port}/{database}"


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
