"""Rules of scoring.md on what the ledger tells of the past: users' histories and merchants' hours."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_HISTORIES_SQL = "sinks/ledger/sql/queries/histories.sql"
_WINDOWS_SQL = "sinks/ledger/sql/queries/merchant_windows.sql"
_HISTORIES = "tests/contract/test_ledger_contract_histories.py"
_MERCHANTS = "tests/contract/test_ledger_contract_merchants.py"
_PLANS = "tests/integration/test_ledger_plans.py"

PAST = (
    Mutation(
        "A miss is loaded in the batch's look-up: at most N newest rows.",
        "every row of a user is loaded",
        _HISTORIES_SQL,
        "    limit %(newest)s\n",
        "",
        f"{_HISTORIES}::test_only_the_newest_are_looked_at_and_of_tied_ones_those_with_the_greatest_id",
    ),
    Mutation(
        "The newest are the newest by event time and transaction id.",
        "of tied rows those with the least id are kept",
        _HISTORIES_SQL,
        'd.transaction_id collate "C" desc',
        'd.transaction_id collate "C"',
        f"{_HISTORIES}::test_only_the_newest_are_looked_at_and_of_tied_ones_those_with_the_greatest_id",
    ),
    Mutation(
        "The newest are those with the greatest id in the order of code points.",
        "ties are cut in the order of the database's language",
        _HISTORIES_SQL,
        'd.transaction_id collate "C" desc',
        "d.transaction_id desc",
        f"{_PLANS}::test_histories_are_read_from_one_index_alone_in_its_order_and_in_weeks_that_matter",
    ),
    Mutation(
        "A window is (t - w, t]: what lies at its beginning is left out.",
        "a history begins with the time that is to be left out",
        "sinks/ledger/histories.py",
        "(since_ms + 1) *",
        "since_ms *",
        f"{_HISTORIES}::test_the_time_asked_for_is_left_out",
    ),
    Mutation(
        "Every user has a time of its own after which rows matter.",
        "the earliest time of a batch holds for all its users",
        _HISTORIES_SQL,
        " and d.event_time >= asked.since",
        "",
        f"{_HISTORIES}::test_each_user_has_a_time_and_a_history_of_its_own",
    ),
    Mutation(
        "Covering index, forced nested loop.",
        "a week without statistics is read by a bitmap and sorted",
        "sinks/ledger/sql/queries/session.sql",
        "set enable_bitmapscan = off;\n",
        "",
        f"{_PLANS}::test_histories_are_read_from_one_index_alone_in_its_order_and_in_weeks_that_matter",
    ),
    Mutation(
        "A history is loaded only from weeks that matter.",
        "every week is planned for",
        _HISTORIES_SQL,
        " and d.event_time >= %(earliest)s",
        "",
        f"{_PLANS}::test_histories_are_read_from_one_index_alone_in_its_order_and_in_weeks_that_matter",
    ),
    Mutation(
        "A merchant's windows end a label delay before the hour of the event.",
        "a merchant's windows end with the hour of the event",
        _WINDOWS_SQL,
        "hour - %(delay)s as ends",
        "hour as ends",
        f"{_MERCHANTS}::test_an_hour_counts_in_the_windows_it_lies_in",
    ),
    Mutation(
        "A label counts if it was known before hour(t).",
        "a label counts if it became known in the hour of the event",
        _WINDOWS_SQL,
        "m.known_hour < asked.hour",
        "m.known_hour <= asked.hour",
        f"{_MERCHANTS}::test_a_label_counts_from_the_hour_after_it_was_known",
    ),
)
