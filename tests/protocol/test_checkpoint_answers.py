"""How a worker takes each of the daemon's answers to a checkpoint."""

from __future__ import annotations

import pytest

from tests.protocol.conftest import WorkerUnderTest


def test_a_checkpoint_names_the_position_and_the_status_comes_after_its_answer(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("fine", "checkpoint")
    request = worker.daemon.answer_checkpoint()
    worker.daemon.expect_status("processRecords")

    assert request == {"action": "checkpoint", "sequenceNumber": "102", "subSequenceNumber": 0}


@pytest.mark.parametrize("error", ["ThrottlingException", "KinesisClientLibDependencyException"])
def test_a_busy_lease_table_is_asked_again_until_it_answers(worker: WorkerUnderTest, error: str) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.answer_checkpoints([error, error, f"software.amazon.kinesis.exceptions.{error}", None])
    worker.daemon.expect_status("processRecords")

    assert worker.facts()["checkpoint"] == "101/0"


def test_a_lease_lost_at_a_checkpoint_ends_the_shard_quietly(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.answer_checkpoint(error="ShutdownException")
    worker.daemon.expect_status("processRecords")
    worker.daemon.say("leaseLost")
    worker.daemon.expect_status("leaseLost")
    worker.daemon.hang_up()

    assert worker.exit_code() == 0
    assert len(worker.journal.of("lease_lost")) == 1


@pytest.mark.parametrize("error", ["InvalidStateException", "IllegalArgumentException", "SomethingNewException"])
def test_a_refused_checkpoint_stops_the_worker_on_purpose(worker: WorkerUnderTest, error: str) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.answer_checkpoint(error=error)

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 78
    assert error in worker.log


def test_an_answer_for_another_position_ends_the_worker(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.hear()
    worker.daemon.say("checkpoint", sequenceNumber="7", subSequenceNumber=0, error=None)

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 73


def test_a_message_in_place_of_the_answer_ends_the_worker(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.hear()
    worker.daemon.say("leaseLost")

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 73


def test_a_daemon_that_hangs_up_before_its_answer_leaves_a_code_of_its_own(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.hear()
    worker.daemon.hang_up()

    assert worker.exit_code() == 72


def test_a_launcher_that_ends_during_the_retries_ends_the_worker(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.answer_checkpoint(error="ThrottlingException")
    worker.launcher.close()

    while worker.daemon.hear() is not None:
        pass
    assert worker.exit_code() == 71
