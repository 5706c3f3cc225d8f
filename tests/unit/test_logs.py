from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from consumer.telemetry.log_stream import LogStream, StreamAsText
from consumer.telemetry.logs import configure_logs

ROOT = Path(__file__).parents[2]


class Pipe:
    """A pipe with a log at one end."""

    def __init__(self) -> None:
        self.read_fd, self._write_fd = os.pipe()
        self.stream = LogStream(self._write_fd)

    def fill(self) -> int:
        """Write until no reader is patient enough; returns how many lines fitted."""
        lines = 0
        while self.stream.write_line(b"x" * 1000):
            lines += 1
        return lines

    def read(self) -> list[bytes]:
        return os.read(self.read_fd, 1 << 20).split(b"\n")[:-1]

    def close(self) -> None:
        os.close(self.read_fd)


@pytest.fixture
def unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_full_disk_loses_lines_and_hurts_nobody() -> None:
    stream = LogStream(os.open("/dev/full", os.O_WRONLY))
    assert [stream.write_line(b"one"), stream.write_line(b"two")] == [False, False]
    assert stream.lines_lost == 2


def test_a_pipe_that_nobody_holds_any_more_loses_lines_and_hurts_nobody() -> None:
    pipe = Pipe()
    pipe.close()
    assert not pipe.stream.write_line(b"one")
    assert pipe.stream.lines_lost == 1


def test_a_reader_that_does_not_read_is_waited_for_once_and_served_again_when_it_does() -> None:
    pipe = Pipe()
    fitted = pipe.fill()
    assert not pipe.stream._is_patient
    assert not any(pipe.stream.write_line(b"lost") for _ in range(100))
    assert pipe.read() == [b"x" * 1000] * fitted
    assert pipe.stream.write_line(b"told")
    assert pipe.read() == [b"told"]
    assert pipe.stream.lines_lost == 101


def test_a_terminal_that_stands_still_is_not_waited_for_either() -> None:
    """As after Ctrl-S, or when nobody reads a container's terminal any more."""
    screen_fd, terminal_fd = os.openpty()
    stream = LogStream(terminal_fd)
    while stream.write_line(b"x" * 1000):
        pass
    assert stream.lines_lost == 1
    assert os.get_blocking(terminal_fd)
    os.close(screen_fd)
    os.close(terminal_fd)


def test_a_line_that_was_cut_short_does_not_spoil_the_next_one() -> None:
    pipe = Pipe()
    assert not pipe.stream.write_line(b"y" * 1_000_000)  # more than a pipe holds
    pipe.read()
    assert pipe.stream.write_line(b"whole")
    assert pipe.read()[-2:] == [b"", b"whole"]


def test_a_shared_descriptor_stays_as_it_is() -> None:
    read_fd, write_fd = os.pipe()
    LogStream(write_fd).write_line(b"one")
    assert os.get_blocking(write_fd)
    assert os.read(read_fd, 10) == b"one\n"


def test_lines_of_many_processes_do_not_mix() -> None:
    pipe = Pipe()
    children = []
    for letter in b"abcd":
        if (pid := os.fork()) == 0:
            for _ in range(200):
                pipe.stream.write_line(bytes([letter]) * 4000)
            os._exit(0)
        children.append(pid)
    seen: set[bytes] = set()
    rest = b""
    for _ in range(20):
        rest += os.read(pipe.read_fd, 1 << 16)
        *lines, rest = rest.split(b"\n")
        seen |= {bytes({*line}) + str(len(line)).encode() for line in lines}
    pipe.close()
    for pid in children:
        os.waitpid(pid, 0)
    assert seen <= {b"a4000", b"b4000", b"c4000", b"d4000"}
    assert seen


def test_what_is_printed_to_stderr_becomes_whole_lines() -> None:
    pipe = Pipe()
    text = StreamAsText(pipe.stream)
    print("half a line, ", end="", file=text)
    print("the other half, a surrogate \ud800", file=text)
    text.write("the end")
    text.flush()
    text.flush()
    assert pipe.read() == [b"half a line, the other half, a surrogate \\ud800", b"the end"]
    assert (text.writable(), text.fileno(), text.isatty()) == (True, 2, os.isatty(2))


@pytest.mark.usefixtures("unconfigured")
def test_every_level_is_one_json_line_with_its_facts() -> None:
    pipe = Pipe()
    configure_logs("info", pipe.stream)
    log = structlog.get_logger("a name")
    log.debug("below_the_level")
    for level in ("info", "warning", "error", "critical"):
        getattr(log, level)("something_happened", shard_id="s-1", odd="\ud800", obj=object())
    lines = [json.loads(line) for line in pipe.read()]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "critical"]
    assert {line["event"] for line in lines} == {"something_happened"}
    assert all(line["shard_id"] == "s-1" and line["timestamp"].endswith("Z") for line in lines)


@pytest.mark.usefixtures("unconfigured")
def test_an_exception_is_logged_in_one_line() -> None:
    pipe = Pipe()
    configure_logs("info", pipe.stream)
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        structlog.get_logger().exception("it_failed")
    [line] = pipe.read()
    assert "\nUnicodeDecodeError: " in json.loads(line)["exception"]


_PROGRAM = """
import sys, warnings
from consumer.telemetry.log_stream import protect_stderr
protect_stderr()
print("a word", file=sys.stderr)
warnings.warn("a warning")
sys.stderr.write("no end")
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 2])
def test_a_full_disk_does_not_change_the_exit_code(code: int) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([sys.executable, "-c", _PROGRAM, str(code)], cwd=ROOT, stderr=full, check=False)
    assert ended.returncode == code


def test_a_consumer_that_cannot_start_says_so_by_its_code_even_without_a_log() -> None:
    clean = {name: value for name, value in os.environ.items() if "DATABASE" not in name}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "consumer"], cwd=ROOT, env=clean, stdout=full, stderr=full, check=False
        )
    assert ended.returncode == 2
