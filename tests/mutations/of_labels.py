"""Rules of labels and merchants' hours: whose report wins, when it is known, what is counted once, and who waits for whom."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_RULES = "sinks/ledger/feedback_rules.py"
_QUERIES = "sinks/ledger/sql/queries"
_LABELS = "tests/contract/test_labels_contract.py"
_ROLL_UP = "tests/contract/test_roll_up_contract.py"
_SERVER = "tests/integration/test_roll_up.py"

LABELS = (
    Mutation(
        "The first report of each source wins.",
        "the same source is heard again",
        _RULES,
        "        if None in {event_time, report.event_time} or event_time == report.event_time:\n",
        "        if False:\n",
        f"{_LABELS}::test_within_a_batch_the_first_report_wins_too",
    ),
    Mutation(
        "The first report of each source wins.",
        "the first report of anybody wins",
        _RULES,
        "earlier = reports.setdefault((label.transaction_id, label.source), [])",
        "earlier = [report for some in reports.values() for report in some]",
        f"{_LABELS}::test_the_first_report_of_a_source_wins",
    ),
    Mutation(
        "Where several events have one id, the label must name the timestamp.",
        "a label goes to any of several events",
        _RULES,
        "label.timestamp is None and len(event_times) > 1",
        "False",
        f"{_LABELS}::test_of_several_events_with_one_id_the_report_must_name_one",
    ),
    Mutation(
        "A label is known ten minutes after its import, so that no score depends on the second.",
        "a label is known at once",
        _RULES,
        "now + KNOWN_AFTER, now\n",
        "now, now\n",
        f"{_LABELS}::test_a_label_becomes_known_ten_minutes_after_the_ledger_took_it",
    ),
    Mutation(
        "The clock is read after the lock was waited for.",
        "a label is known since its import began to wait",
        f"{_QUERIES}/clock.sql",
        "select clock_timestamp();",
        "select now();",
        f"{_SERVER}::test_a_label_becomes_known_after_its_turn_came_not_when_it_began_to_wait",
    ),
    Mutation(
        "Writers of labels take turns.",
        "imports at once do not see each other's labels",
        "sinks/ledger/labels.py",
        '    connection.execute(query("lock"), {"name": _LOCK})\n',
        "",
        f"{_SERVER}::test_the_roll_up_waits_for_a_label_that_is_being_stored",
    ),
    Mutation(
        "A dry run stores nothing.",
        "a dry run stores labels",
        "sinks/ledger/labels.py",
        "            if not is_dry_run:\n",
        "            if True:\n",
        f"{_LABELS}::test_a_dry_run_says_the_same_and_stores_nothing",
    ),
)

ROLL_UP = (
    Mutation(
        "A label counts if it was known before the hour of the event that asks.",
        "a label counts as known an hour earlier",
        _RULES,
        "hour_of(tied.known_at))] += 1",
        "hour_of(tied.known_at) - 1)] += 1",
        f"{_ROLL_UP}::test_a_fraud_is_seen_by_events_in_hours_after_the_one_in_which_it_became_known",
    ),
    Mutation(
        "An event counts as fraud once, however many sources say so.",
        "every source's report counts",
        _RULES,
        "        counted.add(event)\n",
        "        counted.clear()\n",
        f"{_ROLL_UP}::test_an_event_counts_once_however_many_sources_call_it_fraud",
    ),
    Mutation(
        "A label that came before its event counts when both are there.",
        "a label whose event is not there is settled",
        _RULES,
        "due_at=None if is_given_up else now + _AGAIN_AFTER",
        "due_at=None",
        f"{_ROLL_UP}::test_a_label_that_came_before_its_event_counts_when_both_are_there",
    ),
    Mutation(
        "An hour is counted when it ended 166 hours ago: late events are there by then.",
        "an hour is counted an hour too early",
        _RULES,
        "hour if hour < hour_of(now) - _CLOSED_HOURS",
        "hour if hour <= hour_of(now) - _CLOSED_HOURS",
        f"{_ROLL_UP}::test_a_late_event_is_counted_if_it_is_decided_before_its_hour_is",
    ),
    Mutation(
        "An hour is counted two hours before the first event can ask for it.",
        "an hour is counted when events already ask for it",
        _RULES,
        "_CLOSED_HOURS = LABEL_DELAY_DAYS * 24 - 2",
        "_CLOSED_HOURS = LABEL_DELAY_DAYS * 24",
        f"{_ROLL_UP}::test_an_hour_is_counted_two_hours_before_an_event_can_ask_for_it",
    ),
    Mutation(
        "Each hour is counted once, from the watermark on.",
        "the watermark stands still",
        "sinks/ledger/roll_up.py",
        '{"hour": hour + 1})\n    return True',
        '{"hour": hour})\n    return hours_until < hour',
        f"{_ROLL_UP}::test_after_nine_days_of_standstill_every_hour_is_counted_in_steps",
    ),
    Mutation(
        "Each hour is counted once, from the watermark on.",
        "an hour is left out after each that is counted",
        "sinks/ledger/roll_up.py",
        '{"hour": hour + 1})\n',
        '{"hour": hour + 2})\n',
        f"{_ROLL_UP}::test_after_nine_days_of_standstill_every_hour_is_counted_in_steps",
    ),
    Mutation(
        "Hours that no window reaches are forgotten, and none before.",
        "hours are forgotten that windows still reach",
        _RULES,
        "_KEPT_HOURS = 45 * 24",
        "_KEPT_HOURS = 30 * 24",
        f"{_ROLL_UP}::test_hours_that_no_window_reaches_are_forgotten",
    ),
    Mutation(
        "One container rolls up at a time.",
        "containers roll up at once",
        "sinks/ledger/roll_up.py",
        "        return bool(is_ours) and step(connection, now)\n",
        "        return step(connection, now)\n",
        f"{_SERVER}::test_while_one_container_rolls_up_the_others_do_nothing",
    ),
    Mutation(
        "What a query was planned for may move into a partition being made: wait for that.",
        "an hour is counted while its rows move",
        "sinks/ledger/roll_up.py",
        '    connection.execute(query("lock_for_writing"))\n',
        "",
        f"{_SERVER}::test_counting_waits_for_a_partition_that_is_being_made",
    ),
    Mutation(
        "Hours are counted again from where an operator sets the roll-up back.",
        "what was counted of an hour stays",
        f"{_QUERIES}/count_hour.sql",
        "do update set count = excluded.count",
        "do nothing",
        f"{_SERVER}::test_hours_are_counted_again_from_where_an_operator_sets_the_roll_up_back",
    ),
)
