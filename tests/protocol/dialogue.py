"""The daemon's side of the multilang protocol, spoken by a test over real pipes."""

from __future__ import annotations

import base64
import json
import os
import select
import time
from collections.abc import Sequence
from typing import Any

PATIENCE_S = 30.0
ARRIVAL_MS = 1_735_689_600_123


class Dialogue:
    """Writes to the worker's stdin and reads its stdout; owns both file descriptors. EOF and silence are errors."""

    def __init__(self, to_worker_fd: int, from_worker_fd: int) -> None:
        self._to_worker_fd, self._from_worker_fd = to_worker_fd, from_worker_fd
        self._buffer = b""
        self._sequence_number = 100

    def say(self, action: str, **fields: Any) -> None:
        self.say_raw(json.dumps({"action": action, **fields}).encode() + b"\n")

    def say_raw(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._to_worker_fd, rest) :]

    def initialize(self, sequence_number: str = "TRIM_HORIZON", shard_id: str = "shardId-000000000000") -> None:
        self.say("initialize", shardId=shard_id, sequenceNumber=sequence_number, subSequenceNumber=0)
        self.expect_status("initialize")

    def send_records(self, *data: str, millis_behind_latest: int = 0) -> None:
        self.say("processRecords", records=[self._record(one) for one in data], millisBehindLatest=millis_behind_latest)

    def process(self, *data: str) -> None:
        self.send_records(*data)
        self.expect_status("processRecords")

    def _record(self, data: str) -> dict[str, Any]:
        self._sequence_number += 1
        return {
            "action": "record",
            "data": base64.b64encode(data.encode()).decode(),
            "partitionKey": "a user",
            "sequenceNumber": str(self._sequence_number),
            "subSequenceNumber": 0,
            "approximateArrivalTimestamp": ARRIVAL_MS,
        }

    def hear(self) -> dict[str, Any] | None:
        """Return the next message, None at the end of the worker's output."""
        deadline_s = time.monotonic() + PATIENCE_S
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._from_worker_fd], [], [], max(0.0, deadline_s - time.monotonic()))
            assert ready, "the worker says nothing"
            chunk = os.read(self._from_worker_fd, 65536)
            if not chunk:
                assert not self._buffer, "the worker stopped in the middle of a line"
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def expect_status(self, action: str) -> None:
        assert self.hear() == {"action": "status", "responseFor": action}

    def answer_checkpoint(self, *, error: str | None = None) -> dict[str, Any]:
        """Hear a checkpoint request and answer it; returns the request."""
        request = self.hear()
        assert request is not None
        assert request["action"] == "checkpoint"
        self.say("checkpoint", **{key: request[key] for key in ("sequenceNumber", "subSequenceNumber")}, error=error)
        return request

    def answer_checkpoints(self, errors: Sequence[str | None]) -> None:
        for error in errors:
            self.answer_checkpoint(error=error)

    def hang_up(self) -> None:
        """Close the worker's stdin, as the daemon does when the shard is over, or when it dies."""
        if self._to_worker_fd >= 0:
            os.close(self._to_worker_fd)
            self._to_worker_fd = -1

    def close(self) -> None:
        self.hang_up()
        os.close(self._from_worker_fd)
