"""Signals as bytes on a socket, so that the host's one event loop waits for them beside everything else."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class SignalWatch:
    """While open, SIGTERM, SIGINT and SIGCHLD do nothing but make `receiver` readable. One a process, main thread only."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()
        self.receiver.setblocking(False)
        self._sender.setblocking(False)
        self._previous = {number: signal.signal(number, _ignore) for number in _WATCHED}
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    def received(self) -> set[signal.Signals]:
        """Return what arrived since the last call; several of one kind count once."""
        numbers = b""
        with suppress(BlockingIOError):
            numbers = self.receiver.recv(4096)
        return {signal.Signals(number) for number in numbers}

    def close(self) -> None:
        """Put everything back as it was."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self.close_copies()

    def close_copies(self) -> None:
        """Close the sockets only: for a forked child, which has set its own handlers."""
        self.receiver.close()
        self._sender.close()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The byte on the wake-up socket says it all; SIG_IGN would not write one."""


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Hold the watched signals back: a child must not write its first ones to the host's wake-up socket."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_stop_signals() -> None:
    """For a worker: its stop comes through the daemon, also when Ctrl-C reaches the whole process group."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def release_signals() -> None:
    """For a forked child whose handlers are set: let in what `signals_held_back` kept out."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
