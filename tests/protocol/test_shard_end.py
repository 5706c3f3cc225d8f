"""The end of a shard: its children stay blocked until the daemon has taken the checkpoint."""

from __future__ import annotations

from tests.protocol.conftest import WorkerUnderTest


def test_the_end_of_a_shard_is_asked_for_until_a_busy_lease_table_answers(worker: WorkerUnderTest) -> None:
    worker.daemon.initialize()
    worker.daemon.say("shardEnded")
    worker.daemon.answer_checkpoints(["ThrottlingException", "KinesisClientLibDependencyException", None])
    worker.daemon.expect_status("shardEnded")

    assert worker.facts()["checkpoint"] == "SHARD_END"
