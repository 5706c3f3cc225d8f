"""Rules of kcl.md: what a worker may tell the daemon, and what it makes of the daemon's answers."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_WORKER = "consumer/kinesis/worker.py"
_CHECKPOINTER = "consumer/kinesis/checkpointer.py"
_LIFE = "tests/protocol/test_shard_lifecycle.py"
_ANSWERS = "tests/protocol/test_checkpoint_answers.py"
_REFUSALS = "tests/protocol/test_refusals.py"

PROTOCOL = (
    Mutation(
        "KCLProcess reports `status` although the processor raised: the batch is lost in silence. Own loop.",
        "a batch whose processing failed is acknowledged",
        _WORKER,
        "            call()\n        except LeaseLost:\n            self._forget_shard()\n",
        "            call()\n        except LeaseLost:\n            self._forget_shard()\n        except Exception:\n            pass\n",
        f"{_REFUSALS}::test_a_batch_whose_processing_fails_gets_no_status",
    ),
    Mutation(
        "Anything unclassified → exit ≠ 0.",
        "a worker with a bug exits 0",
        "consumer/kinesis/shard_process.py",
        "            return ExitCode.UNCLASSIFIED\n",
        "            return ExitCode.OK\n",
        f"{_REFUSALS}::test_a_batch_whose_processing_fails_gets_no_status",
    ),
    Mutation(
        "A print in the middle of a status line hangs the shard: point 0 and 1 elsewhere.",
        "what a library prints reaches the protocol",
        "consumer/kinesis/shard_process.py",
        "    os.dup2(_STDERR, _STDOUT)\n",
        "",
        f"{_REFUSALS}::test_a_stray_print_reaches_stderr_and_not_the_protocol",
    ),
    Mutation(
        "A worker must accept `initialize` after `leaseLost`.",
        "a second initialize ends the worker",
        _WORKER,
        "        self._shard_id = ShardId(message.shard_id)\n",
        "        if self._shard_id is not None:\n            raise ProtocolError('twice')\n"
        "        self._shard_id = ShardId(message.shard_id)\n",
        f"{_LIFE}::test_a_worker_whose_lease_was_lost_can_be_initialized_again",
    ),
    Mutation(
        "InvalidStateException: no checkpoint inside `leaseLost`.",
        "a lost lease is checkpointed",
        _WORKER,
        "        self._processor.lease_lost()\n",
        "        self._processor.shutdown_requested(self._checkpointer)\n",
        f"{_LIFE}::test_every_message_is_answered_in_order_and_the_end_of_the_pipe_ends_the_worker",
    ),
    Mutation(
        "A zombie may still run: a lease that was found lost is believed at once.",
        "batches are read after the lease was found lost",
        _WORKER,
        "        if self._phase is Phase.LOST:\n            self._require_patience()\n            return",
        "        if False:\n            self._require_patience()\n            return",
        f"{_LIFE}::test_a_lease_found_lost_in_a_batch_is_acknowledged_and_later_batches_are_not_read",
    ),
    Mutation(
        "shardEnded: checkpoint with no arguments.",
        "the end of a shard is checkpointed with an argument",
        "consumer/kinesis/protocol.py",
        "    sequence_number = None if position is None else str(position.sequence_number)\n",
        "    sequence_number = 'SHARD_END' if position is None else str(position.sequence_number)\n",
        f"{_LIFE}::test_an_ended_shard_is_checkpointed_without_a_position",
    ),
    Mutation(
        "shardEnded: retry in the handler.",
        "a busy lease table ends the shard's end",
        _CHECKPOINTER,
        "        self._until_done(None)\n",
        "        if error := self._ask(None):\n            raise PermanentSinkError(error)\n",
        "tests/protocol/test_shard_end.py::test_the_end_of_a_shard_is_asked_for_until_a_busy_lease_table_answers",
    ),
    Mutation(
        "shardEnded: exit ≠ 0 if it fails, otherwise the children of the shard stay blocked.",
        "the end of a shard is acknowledged whatever the daemon answered",
        _CHECKPOINTER,
        "        self._until_done(None)\n",
        "        self._ask(None)\n",
        f"{_LIFE}::test_a_shard_whose_end_cannot_be_checkpointed_is_not_acknowledged",
    ),
    Mutation(
        "shardEnded: exit ≠ 0 if it fails.",
        "the end of a shard is acknowledged although the lease was lost",
        _WORKER,
        '            raise ProtocolError("the lease was lost while the shard was being ended") from error\n',
        "            _ = error\n",
        f"{_LIFE}::test_a_lease_lost_at_the_shards_end_is_not_acknowledged",
    ),
    Mutation(
        "ThrottlingException: retry.",
        "a throttled checkpoint counts as done",
        _CHECKPOINTER,
        "            _raise_unless_retried(error)\n",
        "            _raise_unless_retried(error)\n            return\n",
        f"{_ANSWERS}::test_a_busy_lease_table_is_asked_again_until_it_answers",
    ),
    Mutation(
        "ThrottlingException: retry.",
        "a throttled checkpoint stops the worker",
        _CHECKPOINTER,
        'frozenset({"ThrottlingException", "KinesisClientLibDependencyException"})',
        'frozenset({"KinesisClientLibDependencyException"})',
        f"{_ANSWERS}::test_a_busy_lease_table_is_asked_again_until_it_answers",
    ),
    Mutation(
        "ShutdownException: lease lost, stop.",
        "a checkpoint of a lost lease counts as done",
        _CHECKPOINTER,
        "        while (error := self._ask(position)) is not None:\n",
        "        while (error := self._ask(position)) not in {None, _LEASE_LOST}:\n",
        f"{_LIFE}::test_a_lease_lost_at_the_shards_end_is_not_acknowledged",
    ),
    Mutation(
        "ShutdownException: lease lost, stop.",
        "a checkpoint of a lost lease is our bug",
        _CHECKPOINTER,
        '_LEASE_LOST = "ShutdownException"',
        '_LEASE_LOST = "LeaseLostException"',
        f"{_ANSWERS}::test_a_lease_lost_at_a_checkpoint_ends_the_shard_quietly",
    ),
    Mutation(
        "IllegalArgumentException, InvalidStateException: stop.",
        "a refused checkpoint is asked for again and again",
        _CHECKPOINTER,
        "    if error not in _RETRIED:\n",
        "    if False:\n",
        f"{_ANSWERS}::test_a_refused_checkpoint_stops_the_worker_on_purpose",
    ),
    Mutation(
        "Strict request and response.",
        "an answer for another position counts",
        _CHECKPOINTER,
        "    if reply.sequence_number != asked:\n",
        "    if False:\n",
        f"{_ANSWERS}::test_an_answer_for_another_position_ends_the_worker",
    ),
    Mutation(
        "A dead daemon → exit ≠ 0, in the middle of a shard.",
        "a daemon that hangs up in the middle of a shard ends it well",
        _WORKER,
        "        if self._phase is Phase.OPEN:\n            raise DaemonGone",
        "        if False:\n            raise DaemonGone",
        f"{_LIFE}::test_a_daemon_that_hangs_up_in_the_middle_of_a_shard_leaves_a_code_of_its_own",
    ),
    Mutation(
        "EOF of the connection = launcher dead → exit.",
        "a worker outlives its launcher",
        "consumer/kinesis/pipe.py",
        "            if launcher_fd in ready:",
        "            if False:",
        f"{_LIFE}::test_a_launcher_that_ends_takes_its_idle_worker_with_it",
    ),
)
