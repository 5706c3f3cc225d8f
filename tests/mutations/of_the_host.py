"""Rules of kcl.md: who of the processes holds, watches and outlives whom, and how the daemon is told to run."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ENDINGS = "tests/integration/test_daemon_endings.py"
_PROCESSES = "tests/integration/test_host_processes.py"
_PROPERTIES = "tests/unit/test_kcl_properties.py"

PROCESSES = (
    Mutation(
        "The host closes the received fds at once: else a killed worker's shard hangs for ever.",
        "the host keeps the pipes of its workers",
        "consumer/kinesis/daemon_supervisor.py",
        "        finally:\n            arrival.close()\n",
        "        finally:\n            self.kept = [*getattr(self, 'kept', []), arrival]\n",
        f"{_PROCESSES}::test_a_worker_holds_nothing_of_the_host_or_of_another_shard",
    ),
    Mutation(
        "Any exit of the daemon is a failure: an init that fails 20 times exits 0.",
        "a daemon that exits 0 is taken to be well",
        "consumer/kinesis/daemon_supervisor.py",
        "        if not self.is_running:\n",
        "        if not self.is_running and self._process and self._process.returncode != 0:\n",
        f"{_ENDINGS}::test_a_daemon_that_ends_with_0_unasked_has_failed",
    ),
    Mutation(
        "A dead child of an idle shard is not noticed until the next record: the host ends the daemon.",
        "a dead worker is nobody's business",
        "consumer/kinesis/daemon_supervisor.py",
        "            if ending.code != 0:\n",
        "            if False:\n",
        f"{_ENDINGS}::test_a_worker_that_died_is_a_failure_of_its_daemon",
    ),
    Mutation(
        "A new host never runs a second daemon under the same worker id.",
        "two hosts run under one worker id",
        "consumer/kinesis/lock.py",
        "                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        "tests/integration/test_host_files.py::test_the_lock_is_held_as_long_as_a_process_that_inherited_it_lives",
    ),
    Mutation(
        "Java holds an inherited lock file.",
        "Java does not inherit the lock",
        "consumer/kinesis/daemon.py",
        "pass_fds=(self.lock_fd,),",
        "pass_fds=(),",
        f"{_ENDINGS}::test_java_holds_the_lock_of_its_worker_id_and_dies_with_the_host",
    ),
    Mutation(
        "Java dies with the host (PDEATHSIG).",
        "Java outlives its host",
        "consumer/kinesis/daemon.py",
        "                preexec_fn=lambda: die_with_parent(host_pid),  #",
        "                #",
        f"{_ENDINGS}::test_java_holds_the_lock_of_its_worker_id_and_dies_with_the_host",
    ),
    Mutation(
        "The workers die with the host.",
        "workers outlive their host",
        "consumer/kinesis/children.py",
        "        die_with_parent(host_pid)\n",
        "",
        f"{_PROCESSES}::test_workers_housekeeping_and_daemon_die_with_a_killed_host",
    ),
    Mutation(
        "Assert one thread before every fork.",
        "a host with threads forks",
        "consumer/kinesis/children.py",
        "        require_single_thread()\n",
        "",
        f"{_ENDINGS}::test_nobody_is_forked_beside_a_thread",
    ),
    Mutation(
        "A stuck worker is found by its heartbeat.",
        "a silent worker is left alone",
        "consumer/kinesis/daemon_supervisor.py",
        "        for child in stuck:\n",
        "        for child in stuck[:0]:\n",
        f"{_ENDINGS}::test_a_silent_worker_is_a_failure_of_its_daemon",
    ),
    Mutation(
        "timeoutInSeconds unset: it would halt Java while a worker rightly waits for PostgreSQL.",
        "the daemon gives a waiting worker a minute",
        "consumer/kinesis/properties.py",
        '        Property("maxRecords", settings.max_records,',
        '        Property("timeoutInSeconds", 60, "patience"),\n        Property("maxRecords", settings.max_records,',
        f"{_PROPERTIES}::test_a_stuck_child_is_found_by_the_heartbeat_so_the_daemon_has_no_timeout",
    ),
    Mutation(
        "callProcessRecordsEvenForEmptyRecordList: the tick for chunks that close by age.",
        "an idle shard gets no tick",
        "consumer/kinesis/properties.py",
        '            "true",\n            "the tick',
        '            "false",\n            "the tick',
        f"{_PROPERTIES}::test_the_values_for_aws_follow_the_table_of_the_design",
    ),
    Mutation(
        "Warm start only where there was no lease table.",
        "a lease table that exists is seeded again",
        "consumer/kinesis/warm_start.py",
        "        if self._table_exists(dynamodb):\n",
        "        if False:\n",
        "tests/integration/test_host_warm_start.py::test_a_lease_table_that_exists_is_left_as_it_is",
    ),
    Mutation(
        "Warm start only for streams that were never resharded.",
        "a resharded stream is warm-started: children are read before their parents",
        "consumer/kinesis/warm_start.py",
        "        if any(_is_resharded(shard) for shard in shards):\n",
        "        if False:\n",
        "tests/integration/test_host_warm_start.py::test_a_stream_that_was_resharded_is_left_to_kcl",
    ),
    Mutation(
        "A launcher of a dead daemon finds nobody.",
        "all generations of the daemon knock at one gate",
        "consumer/kinesis/gate.py",
        'f"gate-{generation}"',
        '"gate"',
        f"{_PROCESSES}::test_a_launcher_of_a_dead_daemon_is_not_let_in",
    ),
    Mutation(
        "workerId: stable per container; a new id waits 130 s for the leader lock.",
        "every start has another worker id",
        "consumer/kinesis/worker_id.py",
        "    return _checked(path.read_text().strip(), str(path))\n",
        "    return f'fraudstream-{uuid.uuid4().hex[:12]}'\n",
        "tests/integration/test_host_files.py::test_a_worker_id_is_made_once_and_kept",
    ),
    Mutation(
        "Restart in place with a bound (5 in 10 minutes), then let ECS replace the task.",
        "the daemon is restarted without end",
        "consumer/policies/restarts.py",
        "return len(self.recent(history, now_s).times_s) < self.max_restarts",
        "return self.max_restarts > 0",
        "tests/unit/test_restarts.py::test_restarts_are_allowed_up_to_the_bound_and_no_further",
    ),
)
