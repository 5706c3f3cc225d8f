"""A worker process from `initialize` to the end of its pipe, through lost leases, ended shards and requested stops."""

from __future__ import annotations

from tests.protocol.conftest import WorkerUnderTest


def test_every_message_is_answered_in_order_and_the_end_of_the_pipe_ends_the_worker(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.process("one", "two")
    worker.daemon.process()
    worker.daemon.process("three")
    worker.daemon.say("shutdownRequested")
    worker.daemon.answer_checkpoint()
    worker.daemon.expect_status("shutdownRequested")
    worker.daemon.say("leaseLost")
    worker.daemon.expect_status("leaseLost")
    worker.daemon.hang_up()

    assert worker.daemon.hear() is None
    assert worker.code_for_launcher() == b"\x00"
    assert worker.exit_code() == 0
    assert [line["event"] for line in worker.journal.lines()] == [
        "initialize",
        "process",
        "process",
        "shutdown_requested",
        "lease_lost",
    ]
    assert [line["data"] for line in worker.journal.of("process")] == [["one", "two"], ["three"]]


def test_a_sentinel_is_no_checkpoint_and_a_sequence_number_is_one(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize("TRIM_HORIZON")
    worker.daemon.say("leaseLost")
    worker.daemon.expect_status("leaseLost")
    worker.daemon.initialize("49600000000000000000000000000000000000000000000000000017")

    assert [line["checkpoint"] for line in worker.journal.of("initialize")] == [
        None,
        [49600000000000000000000000000000000000000000000000000017, 0],
    ]


def test_a_worker_whose_lease_was_lost_can_be_initialized_again(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.say("leaseLost")
    worker.daemon.expect_status("leaseLost")
    worker.daemon.initialize(shard_id="shardId-000000000001")
    worker.daemon.process("again")

    assert worker.journal.of("process")[0]["data"] == ["again"]
    assert worker.facts()["shard_id"] == "shardId-000000000001"


def test_a_lease_found_lost_in_a_batch_is_acknowledged_and_later_batches_are_not_read(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.process("lose")
    worker.daemon.process("late")
    worker.daemon.say("shutdownRequested")
    worker.daemon.expect_status("shutdownRequested")
    worker.daemon.say("leaseLost")
    worker.daemon.expect_status("leaseLost")
    worker.daemon.hang_up()

    assert worker.exit_code() == 0
    assert [line["data"] for line in worker.journal.of("process")] == [["lose"]]
    assert len(worker.journal.of("lease_lost")) == 1


def test_an_ended_shard_is_checkpointed_without_a_position(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.say("shardEnded")
    request = worker.daemon.answer_checkpoint()
    worker.daemon.expect_status("shardEnded")
    worker.daemon.hang_up()

    assert request == {"action": "checkpoint", "sequenceNumber": None, "subSequenceNumber": None}
    assert worker.exit_code() == 0


def test_a_shard_whose_end_cannot_be_checkpointed_is_not_acknowledged(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.say("shardEnded")
    worker.daemon.answer_checkpoint(error="InvalidStateException")

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 78


def test_a_lease_lost_at_the_shards_end_is_not_acknowledged(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.say("shardEnded")
    worker.daemon.answer_checkpoint(error="ShutdownException")

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 73


def test_a_daemon_that_hangs_up_in_the_middle_of_a_shard_leaves_a_code_of_its_own(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.hang_up()

    assert worker.exit_code() == 72


def test_a_launcher_that_ends_takes_its_idle_worker_with_it(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.launcher.close()

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 71


def test_records_that_come_before_initialize_end_the_worker(worker: WorkerUnderTest) -> None:
    worker.daemon.send_records("early")

    assert worker.daemon.hear() is None
    assert worker.exit_code() == 73


def test_facts_reach_the_host_with_the_heartbeat(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint", "another", millis_behind_latest=1234)
    worker.daemon.answer_checkpoint()
    worker.daemon.expect_status("processRecords")

    facts = worker.facts()

    assert facts["shard_id"] == "shardId-000000000000"
    assert facts["records"] == 2
    assert facts["millis_behind_latest"] == 1234
    assert facts["checkpoint"] == "101/0"
