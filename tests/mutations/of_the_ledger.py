"""Rules of effects.md, section 1: look-ups, partitions, sessions, and whose fault an error is."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SQL = "sinks/ledger/sql/queries"
_LOOK_UP = "tests/contract/test_ledger_contract_look_up.py"
_COMMITS = "tests/integration/test_ledger_commits.py"
_FAILURES = "tests/integration/test_ledger_failures.py"
_PARTITIONS = "tests/integration/test_ledger_partitions.py"
_SESSION = f"{_FAILURES}::test_the_session_has_the_settings_of_the_design"


def _fault(rule: str, broken: str, old: str, new: str) -> Mutation:
    test = "tests/integration/test_ledger_errors.py::test_the_class_of_the_sqlstate_says_whose_fault_it_is"
    return Mutation(rule, broken, "sinks/ledger/errors.py", old, new, test)


LOOK_UPS = (
    Mutation(
        "Look up before features which positions were refused before.",
        "the look-up finds no refusal",
        "sinks/ledger/look_up.py",
        "{refusal.position: refusal for refusal in refusals},",
        "{},",
        f"{_LOOK_UP}::test_a_refusal_is_found_at_its_position_by_readable_and_unreadable",
    ),
    Mutation(
        "A record's position is epoch, shard, sequence number and sub-sequence.",
        "the records of an aggregate share a verdict",
        "sinks/ledger/rows.py",
        "str(position.sequence_number), position.sub_sequence\n",
        "str(position.sequence_number), 0\n",
        f"{_LOOK_UP}::test_positions_of_an_aggregate_are_refused_apart",
    ),
    Mutation(
        "An event that was decided once stays decided, whatever is deployed in between.",
        "unreadable records are not looked for by their position",
        "sinks/ledger/look_up.py",
        "ask_decisions_at(connection, unreadable) if unreadable else ()",
        "()",
        f"{_LOOK_UP}::test_a_decided_record_that_is_unreadable_now_is_found_by_its_position",
    ),
    Mutation(
        "Another time within ± the de-duplication horizon is a conflict.",
        "the look-up asks for the very same time only",
        "sinks/ledger/look_up.py",
        '"horizon": horizon,',
        '"horizon": timedelta(),',
        f"{_LOOK_UP}::test_a_look_up_finds_the_transaction_within_the_horizon",
    ),
    Mutation(
        "… within ± the de-duplication horizon (24 h).",
        "the look-up sees beyond the horizon",
        f"{_SQL}/decisions_by_identity.sql",
        "        and d.event_time between asked.event_time - %(horizon)s and asked.event_time + %(horizon)s\n",
        "",
        f"{_COMMITS}::test_a_look_up_of_far_apart_events_stays_within_the_horizon_of_each",
    ),
)

PARTITIONS = (
    Mutation(
        "Making a partition moves the DEFAULT's rows into it, otherwise it fails for ever.",
        "a new partition leaves its rows in the default one",
        f"{_SQL}/make_partition.sql",
        "event_time >= {first} and event_time < {end} returning *",
        "false and event_time >= {first} and event_time < {end} returning *",
        f"{_PARTITIONS}::test_a_new_partition_takes_its_rows_out_of_the_default_one",
    ),
    Mutation(
        "Making a partition moves the DEFAULT's rows into it in the same transaction.",
        "rows are written into the default partition while it is emptied",
        f"{_SQL}/make_partition.sql",
        "lock table fraudstream.decision_default in access exclusive mode;\n",
        "",
        f"{_PARTITIONS}::test_a_row_still_being_written_into_the_default_partition_is_moved_too",
    ),
    Mutation(
        "Partitions are made ahead under an advisory lock.",
        "two make the same partition at once",
        "sinks/ledger/partitions.py",
        '        connection.execute(query("lock"), {"name": _LOCK})\n        present',
        "        present",
        f"{_COMMITS}::test_whoever_makes_partitions_at_the_same_time_waits_and_makes_none",
    ),
    Mutation(
        "Writers wait before their rows are routed while a partition is made.",
        "whoever makes a partition locks the default partition alone",
        "sinks/ledger/sql/queries/make_partition.sql",
        "lock table only fraudstream.decision in share row exclusive mode;",
        "",
        f"{_PARTITIONS}::test_a_batch_that_meets_the_making_of_its_partition_waits_before_its_rows_are_routed",
    ),
    Mutation(
        "A row that meets its new partition is retried.",
        "a row is refused because its partition was just made",
        "sinks/ledger/errors.py",
        "error.sqlstate.startswith(_TRANSIENT) or _is_partition_just_made(error)",
        "error.sqlstate.startswith(_TRANSIENT)",
        f"{_PARTITIONS}::test_a_row_that_meets_a_partition_attached_by_hand_is_infrastructure_not_data",
    ),
    Mutation(
        "Retention drops partitions; a DEFAULT partition holds odd dates.",
        "a partition is dropped while its week is not over",
        "sinks/ledger/partitions.py",
        "if name < week_of(before).partition)",
        "if name <= week_of(before).partition)",
        f"{_PARTITIONS}::test_only_partitions_that_ended_in_time_are_dropped",
    ),
)

SESSIONS = (
    Mutation(
        "idle_in_transaction_session_timeout = 10s: a stopped process must not hold rows against the new owner.",
        "a stopped process holds its rows",
        f"{_SQL}/session.sql",
        "set idle_in_transaction_session_timeout = '10s';\n",
        "",
        _SESSION,
    ),
    Mutation(
        "Role settings: statement_timeout, lock_timeout.",
        "a statement waits for a lock without end",
        f"{_SQL}/session.sql",
        "set lock_timeout = '10s';\n",
        "",
        _SESSION,
    ),
    Mutation(
        "target_session_attrs=read-write",
        "a standby is taken for the primary",
        "sinks/ledger/connection.py",
        "        target_session_attrs=target,\n",
        "",
        _SESSION,
    ),
    Mutation(
        "tcp_user_timeout=15000: a dead peer is noticed.",
        "a dead peer is waited for",
        "sinks/ledger/connection.py",
        "        tcp_user_timeout=15_000,\n",
        "",
        _SESSION,
    ),
    Mutation(
        "What is checkpointed survives a crash of the server.",
        "a role with synchronous_commit off may forget what was committed",
        f"{_SQL}/session.sql",
        "set synchronous_commit = on;",
        "",
        f"{_COMMITS}::test_a_role_that_does_not_wait_for_the_disk_commits_to_it_all_the_same",
    ),
    Mutation(
        "25006: drop the connection, the primary moved.",
        "a connection is kept after an error of infrastructure",
        "sinks/ledger/connection.py",
        "        except DataRefusedError:\n",
        "        except __import__('sinks.errors', fromlist=['SinkError']).SinkError:\n",
        f"{_COMMITS}::test_a_server_that_became_read_only_is_left_for_the_new_primary",
    ),
    Mutation(
        "A consumer checks the schema's version and refuses.",
        "a consumer works on an older schema",
        "sinks/ledger/migrations.py",
        "    if found < needed:\n",
        "    if False:\n",
        "tests/integration/test_ledger_schema.py::test_an_older_schema_is_refused_and_a_newer_one_is_not",
    ),
    Mutation(
        "If the connection dies in COMMIT, run it all again.",
        "a COMMIT without an answer counts as done",
        "sinks/ledger/postgres.py",
        "            return commit_batch(connection, decisions, alerts, refusals)\n",
        "            try:\n"
        "                return commit_batch(connection, decisions, alerts, refusals)\n"
        "            except __import__('psycopg').OperationalError:\n"
        "                return {decision.identity: decision for decision in decisions}\n",
        f"{_FAILURES}::test_the_answer_to_a_commit_can_be_lost_while_the_commit_lands",
    ),
)

_DATA = '_DATA = ("22", "23", "54")'
_TRANSIENT = "_TRANSIENT = (\n"

ERRORS = (
    _fault("08 → infrastructure.", "a lost connection is our bug", '    "08",  # connection exception\n', ""),
    _fault("53 → infrastructure.", "a full disk is our bug", '    "53",  # insufficient resources\n', ""),
    _fault(
        "57P → infrastructure.",
        "a shutdown of the server is the data's fault",
        _DATA,
        '_DATA = ("22", "23", "54")\n_TRANSIENT = tuple(c for c in _TRANSIENT if c != "57P")\n_DATA = (*_DATA, "57P")',
    ),
    _fault(
        "40 → infrastructure.",
        "a deadlock is our bug",
        '    "40",  # transaction rollback',
        "    # transaction rollback",
    ),
    _fault("55P03 → infrastructure.", "a lock held too long is our bug", '    "55P03",  # lock timeout\n', ""),
    _fault(
        "25006 → infrastructure.", "a primary that moved is our bug", '    "25006",  # read-only', "    # read-only"
    ),
    _fault("28 → fetch credentials again.", "a rotated password is our bug", '    "28",  # auth', "    # auth"),
    _fault("22 → data: bisect to the record.", "a bad value is waited out", _TRANSIENT, f'{_TRANSIENT}    "22",\n'),
    _fault("23 → data: bisect to the record.", "a broken constraint stops the shard", _DATA, '_DATA = ("22", "54")'),
    _fault("42 → our bug: stop loudly.", "a missing table is waited for", _TRANSIENT, f'{_TRANSIENT}    "42",\n'),
    _fault(
        "42 → our bug: stop loudly.",
        "a missing table empties the stream into dead letters",
        _DATA,
        '_DATA = ("22", "23", "54", "42")',
    ),
    Mutation(
        "No SQLSTATE → infrastructure.",
        "an error without a SQLSTATE is our bug",
        "sinks/ledger/errors.py",
        "        return PermanentSinkError\n    return TransientSinkError\n",
        "        return PermanentSinkError\n    return PermanentSinkError\n",
        "tests/integration/test_ledger_errors.py::test_without_a_sqlstate_the_driver_itself_complains",
    ),
)
