"""Our own worker process, for the same pipes: usage `ours.py event|velocity`, DATABASE_URL set.

Wired as in production, with the real ledger; only S3 is a folder: objects are encoded and written whole, what is left out is the
network. `event` scores with the model that the ONNX peers run, `velocity` with the one that is shipped.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from consumer import wiring
from consumer.kinesis.gate import Arrival
from consumer.kinesis.heartbeat import DatagramHeartbeat, heartbeat_pair
from consumer.kinesis.port import Loaded
from consumer.kinesis.shard_count import ShardCount
from consumer.kinesis.shard_process import run_shard_process
from consumer.scoring.bundle import DEFAULT_BUNDLE
from consumer.settings import Settings, settings_from
from consumer.telemetry.log_stream import log_stream, protect_stderr
from consumer.telemetry.logs import configure_logs
from consumer.telemetry.process_meter import open_meter
from schemas.position import StreamEpoch

_EVENT_BUNDLE = Path(__file__).parents[2] / "data/event_bundle"
_EPOCH = StreamEpoch("20260101T000000Z")


class FolderS3:
    """What of S3's client the sinks call to write: an object is a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_object(self, **request: Any) -> None:
        path = self._folder / request["Bucket"] / request["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        body = request["Body"]
        path.write_bytes(body if isinstance(body, bytes) else memoryview(body))

    def get_paginator(self, _operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{}])  # nothing stands there yet


def load(settings: Settings) -> Loaded:
    """Load as the host does, but for what asks AWS."""
    clients: Any = SimpleNamespace(s3=FolderS3(settings.state_dir))
    scorer, shards = wiring.scorer_of(settings), ShardCount()
    return Loaded(
        _EPOCH,
        partial(wiring._make_processor, settings, clients, scorer=scorer, epoch=_EPOCH, shards=shards),
        run_housekeeping=lambda *_: None,
        open_meter=partial(open_meter, settings.application_name, settings.metrics_every_s, log_stream()),
    )


def main(model: str) -> int:
    protect_stderr()
    configure_logs()
    bundle = _EVENT_BUNDLE if model == "event" else DEFAULT_BUNDLE
    loaded = load(settings_from({"FRAUDSTREAM_MODEL_BUNDLE": str(bundle)}))
    gc.collect()
    gc.freeze()  # as the host does before it forks
    ours, _launcher = socket.socketpair()
    _receiver, sender = heartbeat_pair()
    arrival = Arrival(os.dup(0), os.dup(1), os.dup(2), ours)
    return run_shard_process(arrival, loaded, DatagramHeartbeat(sender))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
