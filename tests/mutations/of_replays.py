"""Rules of the replay of dead letters: ledger, PUT, resolved_at; interruptible, never twice, no late alert."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_REPLAY = "tests/unit/test_replay.py"
_LEDGER = "tests/contract/test_replay_ledger_contract.py"
_LAKE = "tests/contract/test_replay_lake_contract.py"
_DIED = f"{_REPLAY}::test_a_replay_that_died_anywhere_is_finished_by_the_next"

REPLAYS = (
    Mutation(
        "In the order ledger, PUT, refused.resolved_at.",
        "a letter is resolved before its row stands",
        "consumer/replay.py",
        """        if is_own:
            self.retry(partial(self.lake.put, row))
        if not self.retry(partial(self.ledger.resolve, delivery, row)):
            return Replayed(delivery, "overtaken")
""",
        """        if not self.retry(partial(self.ledger.resolve, delivery, row)):
            return Replayed(delivery, "overtaken")
        if is_own:
            self.retry(partial(self.lake.put, row))
""",
        _DIED,
    ),
    Mutation(
        "A replay can be interrupted and run again, whatever is deployed in between.",
        "what an earlier replay decided is looked for by identity alone",
        "consumer/replay.py",
        "self.ledger.look_up(readable, [self.delivery], wanted)",
        "self.ledger.look_up(readable, [], wanted)",
        _DIED,
    ),
    Mutation(
        "A record is in the lake if and only if the effective row's position is its own.",
        "the replay of a repetition stores the row again",
        "consumer/replay.py",
        "        if is_own:\n",
        "        if row:\n",
        f"{_REPLAY}::test_an_event_that_was_decided_elsewhere_meanwhile_is_resolved_without_a_row",
    ),
    Mutation(
        "A masked letter is not the event.",
        "a masked letter is replayed",
        "consumer/replay.py",
        "        if letter.is_masked:\n",
        "        if False:\n",
        f"{_REPLAY}::test_a_masked_letter_is_never_replayed",
    ),
    Mutation(
        "No late alert.",
        "the alert of a replay is sent",
        "sinks/ledger/sql/queries/insert_replayed_alert.sql",
        "'suppressed', 'replayed'",
        "'pending', null",
        f"{_LEDGER}::test_the_alert_of_a_replay_is_never_claimed",
    ),
    Mutation(
        "Replays of one letter take turns at its refusal.",
        "two releases decide one letter at the same moment",
        "sinks/ledger/sql/queries/lock_refusal.sql",
        "\nfor no key update;",
        ";",
        "tests/integration/test_replay_turns.py::test_the_second_replay_waits_and_takes_what_the_first_decided",
    ),
    Mutation(
        "At most one decision stands at a refused position.",
        "a replay does not look whether the position is decided",
        "sinks/ledger/replays.py",
        "            return standing or _insert(",
        "            return _insert(",
        f"{_LEDGER}::test_deciding_again_gives_back_what_stands_whatever_is_proposed",
    ),
    Mutation(
        "A refusal is resolved by the row that stands at its position, and by no other.",
        "a letter is resolved while the row of another release is not in the lake",
        "sinks/ledger/replays.py",
        "            if standing is not None and standing.identity != row.identity:\n",
        "            if False:\n",
        f"{_LEDGER}::test_a_refusal_is_not_resolved_by_another_row_while_its_own_may_not_be_in_the_lake",
    ),
    Mutation(
        "The replay's object is written If-None-Match.",
        "a replay overwrites its object",
        "sinks/lake/replays.py",
        '                    IfNoneMatch="*",\n',
        "",
        f"{_LAKE}::test_what_stands_is_never_written_again",
    ),
    Mutation(
        "412 → HEAD.",
        "whatever stands at the key of a replay is taken for its row",
        "sinks/lake/replays.py",
        'if standing["Metadata"].get("origin") != _ORIGIN:',
        "if False:",
        f"{_LAKE}::test_somebody_elses_object_at_the_key_is_not_taken_for_the_row",
    ),
)
