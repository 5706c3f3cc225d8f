"""A processor that does what its records say, and writes down what it was asked. For whole processes: no test looks inside."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from consumer.kinesis.port import Checkpointer, Heartbeat, Loaded
from consumer.policies.quarantine import QuarantineLimitExceeded
from consumer.telemetry.log_stream import log_stream
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.process_meter import open_meter
from schemas.position import Position, ShardId, StreamEpoch, StreamRecord
from sinks.errors import LeaseLost, PermanentSinkError

EPOCH = StreamEpoch("20250101T000000Z")


class Journal:
    """A file of JSON lines that several processes append to; each line is one write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, "at_s": time.time(), "pid": os.getpid(), **facts}) + "\n"
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)

    def lines(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == event]


class ScriptedProcessor:
    """The first word of a record's data is what to do with it; unknown words do nothing."""

    def __init__(self, journal: Journal, heartbeat: Heartbeat, *, checkpoints_batches: bool) -> None:
        self._journal, self._heartbeat, self._checkpoints_batches = journal, heartbeat, checkpoints_batches
        self._last: Position | None = None

    def initialize(self, shard_id: ShardId, checkpoint: Position | None) -> None:
        self._journal.note("initialize", shard=shard_id, checkpoint=checkpoint)

    def process(self, records: Sequence[StreamRecord], millis_behind_latest: int, checkpointer: Checkpointer) -> None:
        if not records:
            return
        self._journal.note("process", data=[_text(one) for one in records], behind_ms=millis_behind_latest)
        for record in records:
            self._last = record.position.within_shard
            _obey(_text(record).split(" ")[0], self._last, checkpointer)
        if self._checkpoints_batches and self._last:
            checkpointer.checkpoint(self._last)

    def lease_lost(self) -> None:
        self._journal.note("lease_lost")

    def shard_ended(self, checkpointer: Checkpointer) -> None:
        checkpointer.checkpoint_shard_end()
        self._journal.note("shard_ended")

    def shutdown_requested(self, checkpointer: Checkpointer) -> None:
        if self._last is not None:
            checkpointer.checkpoint(self._last)
        self._journal.note("shutdown_requested", checkpoint=self._last)


def _text(record: StreamRecord) -> str:
    return record.data.decode()


def _obey(word: str, position: Position, checkpointer: Checkpointer) -> None:
    match word:
        case "checkpoint":
            checkpointer.checkpoint(position)
        case "print":
            print("a stray print", flush=True)
            os.write(1, b'{"action":"status","responseFor":')
        case "mutter":
            print("a stray print", flush=True)
            with suppress(OSError):  # as a native library does, which looks at no result
                os.write(1, b"native words\n" * 1000)
        case "hang":
            time.sleep(3600)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case _ if word in _ERRORS:
            raise _ERRORS[word]


_ERRORS = {
    "raise": RuntimeError("a bug\nwith row values below"),
    "exhaust": MemoryError(),
    "quarantine": QuarantineLimitExceeded("too many refused"),
    "refuse": PermanentSinkError("no such table"),
    "lose": LeaseLost(),
}


def scripted(journal: Journal, *, checkpoints_batches: bool = False, hangs_in_errand: bool = False) -> Loaded:
    """Everything that a host or worker loads, with housekeeping that waits until it should stop."""

    def keep_house(heartbeat: Heartbeat, _metrics: Metrics, should_stop: Callable[[], bool]) -> None:
        journal.note("housekeeping")
        while not should_stop():
            heartbeat.beat(rounds=1)
            time.sleep(0.05)
        journal.note("housekeeping_stopped")

    def release_leader() -> None:
        journal.note("leader_released")
        if hangs_in_errand:
            time.sleep(3600)

    return Loaded(
        EPOCH,
        lambda beat, _: ScriptedProcessor(journal, beat, checkpoints_batches=checkpoints_batches),
        keep_house,
        partial(open_meter, "tests", 0.5, log_stream()),
        release_leader,
    )
