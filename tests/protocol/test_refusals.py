"""What a worker must never acknowledge, and what must never reach its protocol."""

from __future__ import annotations

import pytest

from tests.protocol.conftest import WorkerUnderTest


@pytest.mark.parametrize(
    ("word", "exit_code"), [("raise", 74), ("exhaust", 74), ("quarantine", 78), ("refuse", 78), ("killed", -9)]
)
def test_a_batch_whose_processing_fails_gets_no_status(worker: WorkerUnderTest, word: str, exit_code: int) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("fine", word)

    assert worker.daemon.hear() is None
    assert worker.exit_code() == exit_code


def test_the_launcher_gets_the_same_code(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("raise")

    assert worker.code_for_launcher() == bytes([74])
    assert worker.exit_code() == 74


def test_an_error_is_logged_and_reported_by_its_first_line_without_the_record(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("raise secret-payload")

    assert worker.exit_code() == 74
    assert worker.facts()["stop_reason"] == "RuntimeError: a bug"
    assert "RuntimeError: a bug" in worker.log
    assert "secret-payload" not in worker.log
    assert "row values" not in worker.log


def test_a_stray_print_reaches_stderr_and_not_the_protocol(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.process("print")
    worker.daemon.process("print", "fine")

    assert worker.log.count("a stray print") == 2


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"\n",
        b"[]\n",
        b'{"action":"dance"}\n',
        b'{"action":"processRecords"}\n',
        b'{"action":"processRecords","records":[{"data":"%%","partitionKey":"k","sequenceNumber":"1"}]}\n',
        b'{"action":"initialize","shardId":"s","sequenceNumber":"-5"}\n',
        b'{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":0,"error":null}\n',
        b'{"action":"initialize","shardId":"\xff"}\n',
    ],
)
def test_a_line_that_the_protocol_does_not_know_ends_the_worker(worker: WorkerUnderTest, line: bytes) -> None:
    worker.daemon.initialize()
    worker.daemon.say_raw(line)

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 73


def test_a_batch_larger_than_any_pipe_arrives_whole(worker: WorkerUnderTest) -> None:
    payloads = [f"{number} {'x' * 10_000}" for number in range(1000)]
    worker.daemon.initialize()
    worker.daemon.process(*payloads)

    assert worker.journal.of("process")[0]["data"] == payloads
