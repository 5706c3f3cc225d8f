"""The embedded AWS as a child process: started on a socket of ours, proven by real requests, gone when we are."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import infra
from infra.local.errors import EmbeddedAwsError
from infra.local.ports import HOST, bind_port
from infra.local.tether import tethered

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0
_IMPORT_ROOT = str(Path(infra.__file__).resolve().parents[1])


class AwsProcess:
    """A context manager; ``port`` 0 takes a free one. Its state is in memory and ends with it."""

    def __init__(self, log_path: Path, *, port: int = 0) -> None:
        self.log_path = log_path
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        """Start, and wait until Kinesis and moto answer. Raises ``PortBusyError`` or ``EmbeddedAwsError``."""
        with bind_port(self.port) as listener:
            listener.listen()  # from now on the port is ours
            self.port = listener.getsockname()[1]
            self._process = self._run(listener.fileno())
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._stop()

    def _run(self, listener: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "infra.local.aws", "--fd", str(listener)]
        paths = [_IMPORT_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                tethered(command, death_signal=signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listener],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                process_group=0,  # Ctrl-C is for the command, which then stops us in order
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _answers(self.port):
            if not self.is_running:
                raise self._failure("The embedded AWS stopped while it was starting")
            if time.monotonic() > deadline:
                raise self._failure(f"The embedded AWS did not answer within {_START_TIMEOUT_S:.0f} s")
            time.sleep(0.02)

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _failure(self, what: str) -> EmbeddedAwsError:
        tail = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
        return EmbeddedAwsError(f"{what}. The end of its log, {self.log_path}:\n{tail}")


def _answers(port: int) -> bool:
    """Ask Kinesis for its streams and moto (unsigned, so S3) for its buckets."""
    kinesis = {"X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"}
    connection = http.client.HTTPConnection(HOST, port, timeout=_START_TIMEOUT_S)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        for method, headers in (("POST", kinesis), ("GET", {})):
            connection.request(method, "/", headers=headers)
            response = connection.getresponse()
            response.read()
            if response.status != http.client.OK:
                return False
        return True
    return False
