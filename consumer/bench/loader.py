"""The load generator: a process of its own that sends prepared bodies at a rate, in an open loop, over one connection.

Open loop: a group of events is due when the schedule says, whatever became of the groups before it; the notes keep that moment, so that
a stall of the system lengthens the latency of everything that was due meanwhile (no coordinated omission). One connection, as a
producer's: the events of a user keep their order.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from consumer.bench.load import LoadFiles
from infra.local.ports import HOST
from infra.local.tether import tethered

NOTE = np.dtype([("first", "i8"), ("end", "i8"), ("intended_s", "f8"), ("sent_s", "f8"), ("answered_s", "f8")])
"""A group: the numbers of its events [first, end), and when it was due, sent and answered, in seconds since 1970."""
_RECORDS_AT_MOST = 500
_ROUNDING = 1e-6
_ANSWER_TIMEOUT_S = 60.0
_STOP_S = 5.0
_HEADERS = {"X-Amz-Target": "Kinesis_20131202.PutRecords", "Content-Type": "application/x-amz-json-1.1"}


class LoaderError(OSError):
    """The load generator ended; the message has its last words."""


class Order(NamedTuple):
    """Send `rate` events a second for `seconds`, a group every `every_s`; a rate of 0 sends `events` as fast as they are taken."""

    rate: float
    seconds: float
    every_s: float = 0.01
    events: int = 0

    @property
    def number(self) -> int:
        """How many events that is."""
        return round(self.rate * self.seconds) if self.rate else self.events


class Loader:
    """The process as its owner sees it; `sent` and `notes` may be read while it works."""

    def __init__(self, port: int, stream: str, load: LoadFiles, folder: Path) -> None:
        self._notes, self._log = folder / "loader.notes", folder / "loader.log"
        self._notes.write_bytes(b"")
        self.load, self.ordered = load, 0
        arguments = [str(port), stream, str(load.pieces), str(load.offsets), str(self._notes)]
        command = [sys.executable, "-m", "consumer.bench.loader", *arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tethered(command, death_signal=signal.SIGKILL),
                stdin=subprocess.PIPE,
                stderr=log,
                process_group=0,
                text=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def sent(self) -> int:
        """How many events the stream has acknowledged. Raises LoaderError where the process has ended."""
        self._require_life()
        whole = self._notes.stat().st_size // NOTE.itemsize
        if not whole:
            return 0
        return int(np.fromfile(self._notes, NOTE, count=1, offset=(whole - 1) * NOTE.itemsize)["end"][0])

    def order(self, order: Order) -> None:
        """Prepare the events and let it send them; what was ordered before comes to its end first.

        Preparing takes 12 µs an event. Raises LoaderError where the process has ended, ValueError where events run out.
        """
        self._require_life()
        self.ordered += order.number
        self.load.extend_to(self.ordered)
        if self._process.stdin is None:
            raise LoaderError("the load generator takes no orders")
        self._process.stdin.write(f"{order.rate} {order.number} {order.every_s}\n")
        self._process.stdin.flush()

    def notes(self) -> npt.NDArray[np.void]:
        """Return the groups that were answered so far, of the type NOTE, in order."""
        return np.fromfile(self._notes, NOTE, count=self._notes.stat().st_size // NOTE.itemsize)

    def wait_sent(self) -> None:
        """Wait until all that was ordered is acknowledged. Raises LoaderError where the process has ended."""
        while self.sent < self.ordered:
            time.sleep(0.05)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def _require_life(self) -> None:
        if self._process.poll() is not None:
            tail = self._log.read_text(errors="replace")[-1500:]
            raise LoaderError(f"the load generator ended with {self._process.returncode}: {tail}")


@contextmanager
def a_loader(port: int, stream: str, load: LoadFiles, folder: Path) -> Iterator[Loader]:
    """Give a load generator that does not outlive the context."""
    loader = Loader(port, stream, load, folder)
    try:
        yield loader
    finally:
        loader.close()


class Group(NamedTuple):
    """Events that are due together, so many seconds after the start."""

    events: int
    after_s: float


def schedule(rate: float, number: int, every_s: float) -> Iterator[Group]:
    """Yield the groups of `number` events, none larger than a request; without a rate everything is due at once."""
    given, turn = 0, 0
    while given < number:
        turn += 1
        until = min(number, ceil(rate * every_s * turn - _ROUNDING)) if rate else number
        while given < until:
            count = min(until - given, _RECORDS_AT_MOST)
            yield Group(count, (turn - 1) * every_s)
            given += count


class _Sender:
    """Sends groups one request after the other; whatever is overdue travels together."""

    def __init__(
        self, connection: http.client.HTTPConnection, stream: str, pieces: int, offsets: Path, notes: int
    ) -> None:
        self._connection, self._pieces, self._offsets_path, self._notes = connection, pieces, offsets, notes
        self._head = b'{"StreamName":"%b","Records":[' % stream.encode()
        self._offsets, self._next = [0], 0

    def carry_out(self, rate: float, number: int, every_s: float) -> None:
        """Send all groups of an order, each as soon as it is due and its predecessors are answered."""
        self._offsets += np.fromfile(self._offsets_path, np.int64, offset=8 * (len(self._offsets) - 1)).tolist()
        groups, start_s = deque(schedule(rate, number, every_s)), time.time()
        while groups:
            time.sleep(max(0.0, start_s + groups[0].after_s - time.time()))
            self._send(take_overdue(groups, time.time() - start_s), start_s)

    def _send(self, groups: list[Group], start_s: float) -> None:
        end = self._next + sum(group.events for group in groups)
        sent_s = time.time()
        first_byte, end_byte = self._offsets[self._next], self._offsets[end]
        self._put(os.pread(self._pieces, end_byte - first_byte - 1, first_byte))
        answered_s, notes = time.time(), []
        for group in groups:
            first, self._next = self._next, self._next + group.events
            notes.append((first, self._next, start_s + group.after_s, sent_s, answered_s))
        os.write(self._notes, np.array(notes, NOTE).tobytes())

    def _put(self, pieces: bytes) -> None:
        self._connection.request("POST", "/", self._head + pieces + b"]}", _HEADERS)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.client.OK or msgspec.json.decode(body, type=_Answer).failed:
            raise SystemExit(f"the stream refused records, with status {response.status}: {body[:300]!r}")


class _Answer(msgspec.Struct):
    failed: int = msgspec.field(name="FailedRecordCount", default=0)


def take_overdue(groups: deque[Group], now_s: float) -> list[Group]:
    """Take the first group, and those after it that are due at `now_s` and fit into the same request."""
    taken = [groups.popleft()]
    size = taken[0].events
    while groups and groups[0].after_s <= now_s and size + groups[0].events <= _RECORDS_AT_MOST:
        taken.append(groups.popleft())
        size += taken[-1].events
    return taken


def main(port: str, stream: str, pieces: str, offsets: str, notes: str) -> None:
    """Carry out the orders on stdin, `RATE NUMBER EVERY_S` a line, until it ends."""
    connection = http.client.HTTPConnection(HOST, int(port), timeout=_ANSWER_TIMEOUT_S)
    with Path(pieces).open("rb") as body, Path(notes).open("ab") as told:
        sender = _Sender(connection, stream, body.fileno(), Path(offsets), told.fileno())
        for line in sys.stdin:
            rate, number, every_s = line.split()
            sender.carry_out(float(rate), int(number), float(every_s))


if __name__ == "__main__":
    main(*sys.argv[1:])
