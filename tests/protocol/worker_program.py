"""A worker process on its own stdin and stdout: `worker_program.py JOURNAL CONNECTION_FD HEARTBEAT_FD`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from consumer.kinesis.gate import Arrival
from consumer.kinesis.heartbeat import DatagramHeartbeat
from consumer.kinesis.shard_process import run_shard_process
from consumer.telemetry.log_stream import protect_stderr
from consumer.telemetry.logs import configure_logs
from tests.protocol.scripted import Journal, scripted


def main() -> int:
    protect_stderr()
    configure_logs()
    journal, connection_fd, heartbeat_fd = sys.argv[1:]
    arrival = Arrival(os.dup(0), os.dup(1), os.dup(2), socket.socket(fileno=int(connection_fd)))
    heartbeat = DatagramHeartbeat(socket.socket(fileno=int(heartbeat_fd)))
    return run_shard_process(arrival, scripted(Journal(Path(journal))), heartbeat)


if __name__ == "__main__":
    sys.exit(main())
