"""Rules of effects.md, section 1: what one transaction does, and what owners of one shard may do to each other."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SQL = "sinks/ledger/sql/queries"
_SCHEMA = "sinks/ledger/sql/migrations/0001_ledger.sql"
_CONTRACT = "tests/contract/test_ledger_contract.py"
_RACES = "tests/contract/test_ledger_contract_concurrency.py"
_FENCE = "tests/contract/test_ledger_contract_fence.py"
_WAITING = "tests/integration/test_ledger_fence.py"
_COMMITS = "tests/integration/test_ledger_commits.py"

WRITES = (
    Mutation(
        "First write wins on the identity.",
        "a later write overwrites the first",
        f"{_SQL}/insert_decisions.sql",
        "do nothing",
        "do update set score = excluded.score, model_version = excluded.model_version",
        f"{_CONTRACT}::test_the_first_write_wins_whatever_model_comes_later",
    ),
    Mutation(
        "First write wins on the identity.",
        "a second write is an error",
        f"{_SQL}/insert_decisions.sql",
        "on conflict (transaction_id, event_time) do nothing\n",
        "",
        f"{_CONTRACT}::test_the_first_write_wins_whatever_model_comes_later",
    ),
    Mutation(
        "insert … order by transaction_id, event_time: without it two writers of the same keys deadlock.",
        "rows are inserted in the order in which they came",
        f"{_SQL}/insert_decisions.sql",
        "as given order by transaction_id, event_time",
        "as given",
        f"{_RACES}::test_writers_in_opposite_orders_do_not_deadlock",
    ),
    Mutation(
        "Whatever is written anywhere is taken from the effective row, never from a fresh computation beside it.",
        "what was given counts as effective",
        "sinks/ledger/commit.py",
        "return given | _read_effective(connection, given, inserted)",
        "return given",
        f"{_CONTRACT}::test_the_first_write_wins_whatever_model_comes_later",
    ),
    Mutation(
        "All effective rows of the batch come back, not only those that my insert returned.",
        "only the rows that the insert returned come back",
        "sinks/ledger/commit.py",
        "return given | _read_effective(connection, given, inserted)",
        "return inserted",
        f"{_CONTRACT}::test_a_batch_may_hold_new_and_known_decisions",
    ),
    Mutation(
        "A second statement reads the rows already there: a single CTE's snapshot cannot see what was committed meanwhile.",
        "the rows already there are read in the insert's own snapshot",
        "sinks/ledger/commit.py",
        "    written = _insert_decisions(connection, decisions)\n",
        "    connection.execute('declare seen cursor for select transaction_id, event_time from fraudstream.decision')\n"
        "    written = _insert_decisions(connection, decisions)\n"
        "    seen = {_identity(row) for row in connection.execute('fetch all from seen')}\n"
        "    seen |= _inserted(written, given).keys()\n"
        "    given = {identity: given[identity] for identity in given.keys() & seen}\n",
        f"{_COMMITS}::test_what_was_committed_while_the_insert_waited_is_effective",
    ),
    Mutation(
        "A second statement sees what others committed meanwhile.",
        "the role says how isolated transactions are",
        f"{_SQL}/session.sql",
        "set default_transaction_isolation = 'read committed';",
        "",
        "tests/integration/test_ledger_failures.py"
        "::test_a_role_with_another_isolation_level_reads_effective_rows_all_the_same",
    ),
    Mutation(
        "One transaction: alerts of what was inserted into the outbox.",
        "an alert is born although its decision was there before",
        "sinks/ledger/commit.py",
        "_insert_alerts(connection, alerts, inserted)",
        "_insert_alerts(connection, alerts, given)",
        f"{_CONTRACT}::test_an_alert_is_born_with_its_decision_and_never_again",
    ),
    Mutation(
        "The alert is born in the ledger transaction, always.",
        "alerts get a transaction of their own, after the decisions",
        "sinks/ledger/commit.py",
        "    _insert_alerts(",
        "    connection.execute('commit')\n    connection.execute('begin')\n    _insert_alerts(",
        f"{_COMMITS}::test_a_decision_whose_alert_cannot_be_born_is_not_written",
    ),
    Mutation(
        "Refusals, in the same transaction.",
        "refusals get a transaction of their own, after the decisions",
        "sinks/ledger/commit.py",
        "    _insert_refusals(connection, refusals)\n    return",
        "    connection.execute('commit')\n    connection.execute('begin')\n"
        "    _insert_refusals(connection, refusals)\n    return",
        "tests/integration/test_ledger_errors.py::test_a_refusal_that_does_not_fit_rolls_the_decisions_back",
    ),
    Mutation(
        "First verdict wins: an event that was refused once stays refused.",
        "another owner's reason passes for mine",
        "sinks/ledger/fence.py",
        "    if any(refusal != mine[refusal.position] for refusal in standing):",
        "    if False:",
        f"{_CONTRACT}::test_the_first_verdict_wins",
    ),
    Mutation(
        "If the connection dies in COMMIT, run it all again.",
        "a refusal that stands already breaks the second try",
        f"{_SQL}/insert_refusal.sql",
        "on conflict (stream_epoch, shard_id, sequence_number, sub_sequence) do nothing;",
        ";",
        f"{_FENCE}::test_a_batch_with_both_verdicts_may_be_committed_again",
    ),
    Mutation(
        "numeric accepts NaN: CHECK it away.",
        "a score may be anything",
        _SCHEMA,
        "score real not null check (score >= 0 and score <= 1)",
        "score real not null",
        f"{_CONTRACT}::test_a_batch_with_a_bad_row_is_refused_whole",
    ),
    Mutation(
        "numeric accepts NaN: CHECK it away.",
        "an amount may be no number",
        _SCHEMA,
        "check (amount >= 0 and amount <> 'NaN')",
        "check (amount >= 0)",
        f"{_CONTRACT}::test_a_batch_with_a_bad_row_is_refused_whole",
    ),
    Mutation(
        "The database refuses what does not fit; nothing is cut to fit.",
        "numbers are sent as the ledger's smallest type would hold them",
        "sinks/ledger/arrays.py",
        '_fixed(values, ">i8", _BIGINT)',
        '_fixed([v and (v + 2**15) % 2**16 - 2**15 for v in values], ">i8", _BIGINT)',
        f"{_CONTRACT}::test_a_batch_with_a_bad_row_is_refused_whole",
    ),
)

OWNERS = (
    Mutation(
        "Two owners of a shard commit one after the other.",
        "owners of one shard commit side by side",
        "sinks/ledger/commit.py",
        "    lock_shards(connection, decisions, refusals)\n",
        "",
        f"{_WAITING}::test_the_other_verdict_waits_for_the_one_that_is_being_committed",
    ),
    Mutation(
        "The lock alone would not do, because the look-up came before it.",
        "owners of one shard wait for each other, and then do not look again",
        "sinks/ledger/commit.py",
        "    require_unchanged(connection, verdicts, decisions, refusals)\n",
        "",
        f"{_FENCE}::test_owners_that_race_give_each_record_one_verdict",
    ),
    Mutation(
        "The lock comes first.",
        "an owner looks again before it has waited",
        "sinks/ledger/commit.py",
        "    lock_shards(connection, decisions, refusals)\n"
        "    verdicts = ask_verdicts(connection, decisions, refusals)\n",
        "    verdicts = ask_verdicts(connection, decisions, refusals)\n"
        "    lock_shards(connection, decisions, refusals)\n",
        f"{_WAITING}::test_the_other_verdict_waits_for_the_one_that_is_being_committed",
    ),
    Mutation(
        "Owners of different shards do not wait for each other.",
        "one lock is taken for all shards",
        "sinks/ledger/fence.py",
        'f"fraudstream/shard/{epoch}/{shard_id}"',
        '"fraudstream/shard"',
        f"{_WAITING}::test_owners_of_different_shards_do_not_wait_for_each_other",
    ),
    Mutation(
        "An event that was refused once stays refused.",
        "what was refused since the look-up is decided",
        "sinks/ledger/fence.py",
        "    if is_any_refused(verdicts.refused) and ask_refusals(connection, _places(decisions)).fetchone():",
        "    if False:",
        f"{_FENCE}::test_a_record_that_was_refused_meanwhile_is_not_decided",
    ),
    Mutation(
        "An event that was decided once stays decided.",
        "what was decided since the look-up is refused",
        "sinks/ledger/fence.py",
        "    if verdicts.decided and verdicts.decided.fetchone():",
        "    if False:",
        f"{_FENCE}::test_a_record_that_was_decided_meanwhile_is_not_refused",
    ),
    Mutation(
        "An overtaken batch is looked up again.",
        "an overtaken batch ends the worker",
        "consumer/pipeline.py",
        '                _log.warning("batch_overtaken",',
        '                raise\n                _log.warning("batch_overtaken",',
        "tests/unit/test_pipeline_overtaken.py::test_the_verdict_that_was_committed_first_stands",
    ),
    Mutation(
        "An overtaken batch is looked up again, by position too: another owner's code may have read another identity.",
        "an overtaken batch asks for its identities only",
        "consumer/pipeline.py",
        "by_position=overtaken > 0 or self._is_redelivery",
        "by_position=self._is_redelivery",
        "tests/unit/test_pipeline_identities.py::test_what_another_owner_decided_under_another_identity_is_found",
    ),
    Mutation(
        "An event that was decided once stays decided, whatever is deployed in between: another release may read another identity.",
        "what is delivered again is asked for by its identity only",
        "consumer/pipeline.py",
        "by_position=overtaken > 0 or self._is_redelivery",
        "by_position=overtaken > 0",
        "tests/unit/test_pipeline_identities.py"
        "::test_what_an_earlier_release_decided_under_another_identity_is_found_when_it_is_delivered_again",
    ),
)
