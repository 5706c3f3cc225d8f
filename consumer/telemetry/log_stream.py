"""Where the log goes, line by line: it neither raises nor waits for long, because no log line is worth a record.

A line is one write to the descriptor, so that the lines of several processes do not mix: always in files that are appended to, up to
4,096 bytes (PIPE_BUF) in pipes. What cannot be written (ENOSPC, EPIPE, a reader that does not read) is lost, and counted.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import time

_STDERR = 2
_PATIENCE_S = 1.0
_END = b"\n"


class LogStream:
    """Writes lines to a descriptor that it shares with other processes, and counts those that it could not write."""

    def __init__(self, fd: int = _STDERR) -> None:
        self.fd = _own_end(fd)
        self._is_cut = False
        self._is_patient = True
        self.lines_lost = 0

    def write_line(self, line: bytes) -> bool:
        """Write a line, without its end, in one piece. False if it is lost; a line that was cut short is lost, too.

        Waits up to a second for a pipe that is full; while its reader does not read on, later lines are lost without waiting.
        """
        data = (_END if self._is_cut else b"") + line + _END
        rest = self._write(data)
        self._is_patient = not rest
        if rest != data:
            self._is_cut = bool(rest)
        self.lines_lost += bool(rest)
        return not rest

    def _write(self, data: bytes) -> bytes:
        """Return what could not be written."""
        rest = data
        deadline_s = time.monotonic() + (_PATIENCE_S if self._is_patient else 0.0)
        while rest and self._is_writable(deadline_s - time.monotonic()):
            try:
                rest = rest[os.write(self.fd, rest) :]
            except OSError:  # BlockingIOError, too: another process was quicker than our `poll`
                break
        return rest

    def _is_writable(self, patience_s: float) -> bool:
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        return bool(poll.poll(max(0.0, patience_s) * 1000))


class StreamAsText(io.TextIOBase):
    """The log as `sys.stderr`: for what others print there, tracebacks and warnings. It never fails, at exit neither."""

    def __init__(self, stream: LogStream) -> None:
        super().__init__()
        self._stream = stream
        self._begun = ""

    def write(self, text: str, /) -> int:
        """Write the lines that `text` completes; keep the one that it begins."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._stream.write_line(line.encode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Write what is left, as a line."""
        if self._begun:
            self.write("\n")

    def fileno(self) -> int:
        """See `io.IOBase.fileno`: for a traceback that faulthandler writes."""
        return _STDERR

    def isatty(self) -> bool:
        """See `io.IOBase.isatty`."""
        return os.isatty(_STDERR)

    def writable(self) -> bool:
        """See `io.IOBase.writable`."""
        return True


_stream: LogStream | None = None


def log_stream() -> LogStream:
    """Return the log of this process; a forked child goes on with its parent's, the count of lost lines included."""
    global _stream  # noqa: PLW0603 - a process has one stderr
    if _stream is None:
        _stream = LogStream()
    return _stream


def protect_stderr() -> None:
    """Send what is printed to stderr through the log stream: a full disk must not change an exit code.

    What native libraries write there, past Python, at least never waits for a reader: descriptor 2 is our own end from now on.
    """
    stream = log_stream()
    os.dup2(stream.fd, _STDERR, inheritable=True)
    sys.stderr = StreamAsText(stream)


def _own_end(fd: int) -> int:
    """Return a descriptor for the same pipe or terminal that does not block; the flag on a shared one would hurt those who share it.

    Files do not block for long, and cannot be opened again without losing the place in them.
    """
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            return os.open(f"/proc/self/fd/{fd}", flags)
    except OSError:
        pass  # no permission on it, or no /proc: then writes may wait for the reader, after `poll` said that they would not
    return fd
