"""The daemon's side of a scripted conversation: one consumer of one shard, over real pipes."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from consumer.kinesis.pipe import DaemonPipe
from consumer.kinesis.port import Fact, ShardProcessor
from consumer.kinesis.worker import ShardWorker
from consumer.telemetry.metrics import NoMeter
from schemas.position import Position, StreamRecord
from tests.property.effects_leases import Lease, Violation, World
from tests.property.effects_process import Process
from tests.property.effects_stream import EPOCH


class Silence:
    """A heartbeat that nobody hears."""

    def beat(self, **facts: Fact) -> None:
        """See `port.Heartbeat`."""


class _Pipe(DaemonPipe):
    """The real pipe, suspended where it waits for the daemon."""

    process: Process

    def read_line(self) -> bytes | None:
        self.process.pause("reads")
        return super().read_line()

    def pause(self, seconds: float) -> None:  # noqa: ARG002 - waiting is for others to run
        self.process.pause("waits")


@dataclass(eq=False)
class Consumer:
    """A daemon's consumer of one shard and its worker: the owner of the lease at first, a zombie once another has taken it."""

    name: str
    world: World
    lease: Lease
    process: Process = field(init=False)
    start: int = 0
    next: int = 0
    """Index of the first record not delivered yet."""
    is_open: bool = False
    was_initialized: bool = False
    is_stopping: bool = False
    has_ended: bool = False
    """Whether the worker was told that its shard has been read to the end."""

    def start_worker(self, tell: Callable[[str], None], make_processor: Callable[[Process], ShardProcessor]) -> None:
        """Fork the worker. It runs when it is resumed."""
        to_worker, from_worker, launcher = os.pipe(), os.pipe(), socket.socketpair()
        self._stdin_fd, self._stdout_fd, self._launcher = to_worker[1], from_worker[0], launcher[0]
        self._fds, self._sockets = [*to_worker, *from_worker], [*launcher]
        os.set_blocking(self._stdout_fd, False)
        pipe = _Pipe(to_worker[0], from_worker[1], launcher[1], Silence())
        self._asked: str | None = None
        self._request: dict[str, Any] | None = None
        self._answer: dict[str, Any] | None = None
        self.process = Process(self.name, tell, lambda: self._serve(pipe, make_processor))
        pipe.process = self.process
        self.process.resume()

    def _serve(self, pipe: DaemonPipe, make_processor: Callable[[Process], ShardProcessor]) -> None:
        ShardWorker(pipe, make_processor(self.process), EPOCH, Silence(), NoMeter()).run()

    @property
    def is_owner(self) -> bool:
        """Whether DynamoDB says so."""
        return self.lease.owner is self

    @property
    def is_alive(self) -> bool:
        """Whether the worker runs."""
        return not self.process.is_over

    @property
    def is_idle(self) -> bool:
        """Whether the worker has answered everything and waits for a message."""
        return self.is_alive and self._asked is None

    @property
    def standing(self) -> str:
        """Where it would be killed."""
        if self.process.point != "reads":
            return self.process.point
        return "idle" if self.is_idle else "before checkpoint" if self._answer is None else "after checkpoint"

    @property
    def was_told_all(self) -> bool:
        """Whether nothing is left to send."""
        is_closed = self.world.is_closed(self.lease.shard_id)
        return self.has_ended or (self.is_open and self.next >= len(self.records) and not is_closed)

    @property
    def records(self) -> Sequence[StreamRecord]:
        """The records of its shard."""
        return self.world.shard(self.lease.shard_id)

    def advance(self) -> None:
        """Let the conversation go on by one call to the world; an idle worker gets no message by this."""
        if self._request is not None and self._answer is None:
            self._answer = self._carry_out(self._request)
            return
        if self._answer is not None:
            self._say(self._answer)
            self._request = self._answer = None
        self.process.resume()
        self._hear()

    def initialize(self) -> None:
        """Give the worker the shard from the lease's checkpoint on."""
        self.start = self.next = self.world.begin(self.lease)
        self.is_open, self.was_initialized, self.has_ended = True, True, False
        checkpoint = self.lease.checkpoint
        number, sub = checkpoint if isinstance(checkpoint, Position) else ("TRIM_HORIZON", 0)
        shard_id = self.lease.shard_id
        self._send("initialize", shardId=shard_id, sequenceNumber=str(number), subSequenceNumber=sub)

    def deliver(self, size: int) -> None:
        """Send the next records, or the tick of an empty batch."""
        batch = self.records[self.next : self.next + size]
        self.next += len(batch)
        self._send("processRecords", records=[_wire_record(record) for record in batch], millisBehindLatest=0)

    def end_shard(self) -> None:
        """Tell the worker that its shard has been read to the end."""
        self.has_ended = True
        self._send("shardEnded")

    def request_shutdown(self) -> None:
        """Ask for a graceful end; no more records follow."""
        self.is_stopping = True
        self._send("shutdownRequested")

    def lose_lease(self) -> None:
        """Tell the worker that the lease is gone; KCL lets go of it."""
        self.is_open = False
        if self.is_owner:
            self.lease.owner = None
        self._send("leaseLost")

    def hang_up(self) -> None:
        """End an idle worker in order: the daemon closes its pipe."""
        os.close(self._stdin_fd)
        self._fds.remove(self._stdin_fd)
        self.process.resume()

    def release(self) -> None:
        """End the worker wherever it is, and close what it held."""
        self.process.kill()
        for fd in self._fds:
            with suppress(OSError):
                os.close(fd)
        for end in self._sockets:
            end.close()
        self._fds, self._sockets = [], []

    def _send(self, action: str, **fields: Any) -> None:
        self._asked = action
        self._say({"action": action, **fields})
        self.process.tell(f"<- {action}{f' to {self.next}' if action == 'processRecords' else ''}")
        self.advance()

    def _say(self, message: dict[str, Any]) -> None:
        os.write(self._stdin_fd, json.dumps(message).encode() + b"\n")

    def _hear(self) -> None:
        if self.process.point != "reads" or self._asked is None:
            return
        for line in os.read(self._stdout_fd, 1 << 16).splitlines():
            message = json.loads(line)
            if message["action"] == "checkpoint":
                self._request = message
            elif message != {"action": "status", "responseFor": self._asked}:
                raise Violation(f"{self.name} answers {message} to {self._asked}")
            else:
                self._asked = None

    def _carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what KCL does with a checkpoint: refuse what it must, then one conditional write."""
        number, fault = request["sequenceNumber"], self.process.fault("checkpoint")
        error = self._error(fault)
        if error is None or fault == "lands all the same":
            self._checkpoint(None if number is None else Position(int(number), request["subSequenceNumber"]))
        self.process.tell(f"checkpoint {number or 'SHARD_END'}: {error or 'done'}")
        return request | {"error": error}

    def _error(self, fault: str | None) -> str | None:
        if not self.is_owner:
            self.world.fired("checkpoint: by a zombie")
            return "ShutdownException"
        if fault is None:
            return None
        self.world.fired(f"checkpoint: {fault}")
        if fault == "lease lost":
            self.lease.owner = None
        dependency = "software.amazon.kinesis.exceptions.KinesisClientLibDependencyException"
        return {"throttled": "ThrottlingException", "lease lost": "ShutdownException"}.get(fault, dependency)

    def _checkpoint(self, position: Position | None) -> None:
        records, last = self.records, self.lease.checkpoint
        if position is None:
            if not self.has_ended:
                raise Violation(f"{self.name} checkpoints the shard's end, which nobody told it")
            self.lease.checkpoint = "SHARD_END"
            self.world.owed.update(records[self.start :])
            return
        places = [record.position.within_shard for record in records[: self.next]]
        if position not in places or (isinstance(last, Position) and position < last):
            raise Violation(f"{self.name} checkpoints {position} after {last}, which was not delivered or lies before")
        if not self.world.is_end_of_chunk(self.lease.shard_id, position):
            raise Violation(f"{self.name} checkpoints {position}, and no object ends there")
        self.lease.checkpoint = position
        self.world.owed.update(records[self.start : places.index(position) + 1])


def _wire_record(record: StreamRecord) -> dict[str, Any]:
    return {
        "action": "record",
        "data": base64.b64encode(record.data).decode(),
        "partitionKey": record.partition_key,
        "sequenceNumber": str(record.position.sequence_number),
        "subSequenceNumber": record.position.sub_sequence,
        "approximateArrivalTimestamp": round(record.arrival_time.timestamp() * 1000),
    }
