"""Life signs from the forked processes to their host, one small datagram each. Apart: both ends agree here on the format."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from consumer.kinesis.port import Fact, Heartbeat
from consumer.telemetry.metrics import Meter

_MAX_DATAGRAM_BYTES = 8192
_MAX_TEXT = 500


class Beat(msgspec.Struct, frozen=True):
    """One life sign: who, and every fact that it has reported so far."""

    pid: int
    facts: dict[str, Fact]


_decoder = msgspec.json.Decoder(Beat)


class DatagramHeartbeat:
    """Sends beats over the sending end of `heartbeat_pair`. A full queue drops the beat: the next one repeats its facts."""

    def __init__(self, sender: socket.socket) -> None:
        self._sender = sender
        self._pid = os.getpid()
        self._facts: dict[str, Fact] = {}

    def beat(self, **facts: Fact) -> None:
        """See `port.Heartbeat`. Texts are cut at 500 characters, so that a datagram stays small."""
        for name, fact in facts.items():
            self._facts[name] = fact[:_MAX_TEXT] if isinstance(fact, str) else fact
        with suppress(OSError):
            self._sender.send(msgspec.json.encode(Beat(self._pid, self._facts)))


class MeteredHeartbeat:
    """A heartbeat that also lets metrics out: whoever waits for something beats, so they leave on time whatever it is."""

    def __init__(self, heartbeat: Heartbeat, meter: Meter) -> None:
        self._heartbeat, self._meter = heartbeat, meter

    def beat(self, **facts: Fact) -> None:
        """See `port.Heartbeat`."""
        self._meter.tick()
        lost: dict[str, Fact] = {"log_lines_lost": self._meter.lines_lost} if self._meter.lines_lost else {}
        self._heartbeat.beat(**facts, **lost)


def heartbeat_pair() -> tuple[socket.socket, socket.socket]:
    """Return the receiving and the sending end, both non-blocking. Every child inherits the same sending end."""
    receiver, sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    sender.setblocking(False)
    return receiver, sender


def received_beats(receiver: socket.socket) -> Iterator[Beat]:
    """Yield the beats that wait in the queue. An unreadable datagram (a child killed halfway) is skipped."""
    while True:
        try:
            datagram = receiver.recv(_MAX_DATAGRAM_BYTES)
        except BlockingIOError:
            return
        with suppress(msgspec.MsgspecError):
            yield _decoder.decode(datagram)
