"""What a worker process counts, read from its log."""

from __future__ import annotations

import time

from consumer.telemetry.emf_reader import Series, SeriesKey, read_emf
from tests.protocol.conftest import WorkerUnderTest


def metrics_at_the_end_of(worker: WorkerUnderTest) -> dict[SeriesKey, Series]:
    worker.daemon.hang_up()
    worker.exit_code()
    return read_emf(worker.log.splitlines())


def test_batches_with_records_are_counted_and_measured(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.process("one", "two")
    worker.daemon.process()
    worker.daemon.send_records("three", millis_behind_latest=4321)
    worker.daemon.expect_status("processRecords")
    metrics = metrics_at_the_end_of(worker)
    assert metrics["RecordsConsumed", None].total == 3
    assert len(metrics["BatchLatency", None].values) == 2
    assert metrics["MillisBehindLatest", None].values[-1] == 4321
    assert metrics["MemoryUsed", "worker"].values[-1] > 1_000_000
    assert metrics["LogLinesLost", None].total == 0


def test_the_age_of_the_checkpoint_grows_from_the_first_record_to_its_checkpoint(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.process("one")
    time.sleep(1.2)  # two rounds of metrics
    waiting = read_emf(worker.log.splitlines())["CheckpointAge", None].values
    worker.daemon.send_records("checkpoint")
    worker.daemon.answer_checkpoint()
    worker.daemon.expect_status("processRecords")
    assert max(waiting) > 0.4
    assert metrics_at_the_end_of(worker)["CheckpointAge", None].values[-1] == 0


def test_a_checkpoint_that_is_asked_for_again_is_a_retry_and_metrics_leave_meanwhile(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("checkpoint")
    worker.daemon.answer_checkpoints(["ThrottlingException"] * 5)
    time.sleep(1.2)
    assert read_emf(worker.log.splitlines())["SinkRetries", "checkpoint"].total >= 1
    worker.daemon.answer_checkpoint()
    worker.daemon.expect_status("processRecords")
    assert metrics_at_the_end_of(worker)["SinkRetries", "checkpoint"].total == 5


def test_a_lost_shard_has_no_lag_and_nothing_that_waits_for_a_checkpoint(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.send_records("one", millis_behind_latest=1000)
    worker.daemon.expect_status("processRecords")
    worker.daemon.say("leaseLost")
    worker.daemon.expect_status("leaseLost")
    time.sleep(1.2)
    lines = worker.log.splitlines()
    last = read_emf([line for line in lines if "RecordsConsumed" in line][-1:])
    assert ("MillisBehindLatest", None) not in last
    assert last["CheckpointAge", None].values == [0]


def test_a_worker_that_fails_still_says_what_it_did(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.process("one")
    worker.daemon.send_records("raise")
    assert worker.daemon.hear() is None
    assert worker.exit_code() == 74
    assert read_emf(worker.log.splitlines())["RecordsConsumed", None].total == 1
