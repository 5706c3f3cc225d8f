"""kinesis-local, the emulator that others wrote, as a second subject of the conformance suite: ours is not its own judge."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.ports import HOST, free_port
from infra.local.tether import tethered

VERSION = "0.6.2"
"""Pinned, so that the list of differences stays true."""
_ONLY_THIS_MACHINE = """
const { Server } = require("net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, done) { return listen.call(this, port, "127.0.0.1", done); };
"""
"""By itself it listens on every interface: it calls ``listen(port, done)``."""
_OPERATIONS = ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")
_NPM = ("--no-save", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=0", "--fetch-timeout=20000")
_START_TIMEOUT_S = 20.0


@contextmanager
def kinesis_local(folder: Path) -> Iterator[int]:
    """Install and run it in ``folder``; gives its port without TLS. Skips the test where it cannot be had."""
    node = _path_of("node")
    package = _install(folder)
    port = free_port()
    with (folder / "kinesis-local.log").open("wb") as log:
        command = [node, "-r", str(folder / "bind.js"), str(package / "main.js")]
        server = subprocess.Popen(
            tethered(command, death_signal=signal.SIGKILL), env=_environment(package, port), stdout=log, stderr=log
        )
    try:
        _wait_until_it_listens(server, port, folder)
        yield port
    finally:
        server.kill()  # it does not end on SIGTERM
        server.wait()


def _path_of(program: str) -> str:
    return shutil.which(program) or pytest.skip(f"{program} is missing: kinesis-local, the second subject, needs Node")


def _install(folder: Path) -> Path:
    command = [_path_of("npm"), "install", *_NPM, "--prefix", str(folder), f"kinesis-local@{VERSION}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not get kinesis-local within a minute")
    if done.returncode:
        pytest.skip(f"npm could not get kinesis-local: {done.stderr.strip()[-300:]}")
    (folder / "bind.js").write_text(_ONLY_THIS_MACHINE)
    return folder / "node_modules" / "kinesis-local"


def _environment(package: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "KINESIS_MOCK_CERT_PATH": str(package / "server.json"),
        "KINESIS_MOCK_PLAIN_PORT": str(port),
        "KINESIS_MOCK_TLS_PORT": str(free_port()),
        "SHARD_LIMIT": "500",
        **{f"{operation}_DURATION": "20ms" for operation in _OPERATIONS},
    }


def _wait_until_it_listens(server: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("kinesis-local did not start: " + json.dumps((folder / "kinesis-local.log").read_text()[-500:]))
