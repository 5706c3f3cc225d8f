"""A worker process with a test in the daemon's place."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.kinesis.heartbeat import heartbeat_pair, received_beats
from tests.protocol.dialogue import PATIENCE_S, Dialogue
from tests.protocol.scripted import Journal

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = Path(__file__).with_name("worker_program.py")


class WorkerUnderTest:
    """The process, its journal, its log, and the dialogue with it."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal")
        self.log_path = directory / "log"
        self.launcher, theirs = socket.socketpair()
        self.beats, beat_sender = heartbeat_pair()
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, _PROGRAM, directory / "journal", str(theirs.fileno()), str(beat_sender.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=(theirs.fileno(), beat_sender.fileno()),
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
            )
        theirs.close()
        beat_sender.close()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.daemon = Dialogue(os.dup(self.process.stdin.fileno()), os.dup(self.process.stdout.fileno()))
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def exit_code(self) -> int:
        return self.process.wait(PATIENCE_S)

    def code_for_launcher(self) -> bytes:
        self.launcher.settimeout(PATIENCE_S)
        return self.launcher.recv(16)

    def facts(self) -> dict[str, object]:
        """The facts of the last heartbeat that is there."""
        return dict([beat.facts for beat in received_beats(self.beats)][-1])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.daemon.close()
        self.launcher.close()
        self.beats.close()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerUnderTest]:
    under_test = WorkerUnderTest(tmp_path)
    yield under_test
    under_test.close()
