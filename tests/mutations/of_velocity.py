"""Rules of scoring.md on velocity features and on what a shard remembers, noticed by the oracle or by their definition."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_HISTORY = "consumer/scoring/features/user_history.py"
_MEMORY = "consumer/scoring/features/memory.py"
_FACTS = "consumer/scoring/features/facts.py"
_ROUNDS = "tests/property/test_velocity_rounds.py"
_STREAM = "tests/property/test_velocity_oracle.py::test_every_vector_is_the_oracles_after_restarts_and_lost_answers"
_ALONE = "tests/unit/test_user_history.py"
_FOUND = "tests/property/test_effects_vectors.py::test_a_schedule_in_which_vectors_may_go_wrong_is_clean"
_THOUSANDS = f"{_ROUNDS}::test_of_a_user_with_thousands_of_rows_only_the_newest_are_looked_at"

WINDOWS = (
    Mutation(
        "Windows are (t - w, t].",
        "what is exactly ten minutes old is in the window",
        _HISTORY,
        "minutes = bisect_right(times, event_ms - TEN_MINUTES_MS",
        "minutes = bisect_right(times, event_ms - TEN_MINUTES_MS - 1",
        f"{_ALONE}::test_a_window_holds_what_is_younger_than_its_length_and_not_what_is_as_old",
    ),
    Mutation(
        "Windows are (t - w, t].",
        "what is exactly thirty days old is in the window",
        _HISTORY,
        "month = bisect_right(times, event_ms - MONTH_MS",
        "month = bisect_right(times, event_ms - MONTH_MS - 1",
        f"{_ALONE}::test_a_window_holds_what_is_younger_than_its_length_and_not_what_is_as_old",
    ),
    Mutation(
        "Windows are (t - w, t].",
        "what happened later is in the windows of a late event",
        _HISTORY,
        "        end = bisect_right(times, event_ms)\n",
        "        end = len(times)\n",
        f"{_ROUNDS}::test_a_late_event_is_counted_and_sees_what_was_before_it",
    ),
    Mutation(
        "The current event is included.",
        "the current event is left out of the sums",
        _HISTORY,
        "end + 1 - minutes, total_10m + own,",
        "end + 1 - minutes, total_10m,",
        f"{_ROUNDS}::test_a_late_event_is_counted_and_sees_what_was_before_it",
    ),
    Mutation(
        "Late events are counted in the windows that they belong to.",
        "late events do not enter histories",
        _HISTORY,
        "        if not is_there:\n",
        "        if not self._ids:\n",
        f"{_ROUNDS}::test_a_late_event_is_counted_and_sees_what_was_before_it",
    ),
    Mutation(
        "The last located transaction: of ties the greatest id.",
        "of ties the least id is the last",
        _HISTORY,
        "ids[at] < transaction_id",
        "ids[at] > transaction_id",
        _STREAM,
    ),
    Mutation(
        "Only the 2,000 newest rows count.",
        "a user has a hundred rows more than are looked at",
        _HISTORY,
        "min(len(times) - NEWEST, end)",
        "min(len(times) - NEWEST - 100, end)",
        f"{_ALONE}::test_only_the_newest_count_however_many_there_are",
    ),
    Mutation(
        "How many amounts above 2.5 x the 30-day mean in the last 14 days.",
        "large amounts are counted over thirty days",
        _HISTORY,
        "cents[fortnight - month :]",
        "cents",
        f"{_ALONE}::test_an_amount_is_large_above_two_and_a_half_times_the_mean_of_thirty_days",
    ),
    Mutation(
        "New device, country, merchant within 30 days.",
        "what was seen with the last event only is known",
        _HISTORY,
        " and code not in self._column(number, month, end)",
        "",
        f"{_ALONE}::test_a_device_is_new_until_it_was_seen_within_thirty_days_before",
    ),
    Mutation(
        "Whole US cents, half to even.",
        "cents are cut off",
        _FACTS,
        "np.minimum(np.rint(dollars * 100.0), MOST_CENTS)",
        "np.minimum(np.floor(dollars * 100.0), MOST_CENTS)",
        _STREAM,
    ),
)

REMEMBERED = (
    Mutation(
        "A late event is seen beside all of its thirty days.",
        "a late event makes do with what was loaded for others",
        _MEMORY,
        "history is None or event_ms - _NEEDED_BACK_MS < history.since_ms or",
        "history is None or",
        _STREAM,
    ),
    Mutation(
        "After each commit all effective rows of the batch are applied, not only those that my insert returned.",
        "rows that were found in the look-up do not enter histories",
        "consumer/pipeline.py",
        "            memory.apply(known.decisions)\n",
        "",
        _FOUND,
    ),
    Mutation(
        "Histories are dropped on `initialize` and `leaseLost`.",
        "a shard's memory outlives its lease",
        "consumer/deciding.py",
        "        return self.scorer.new_memory(self.memory_terms)\n",
        "        made = globals().setdefault('made', {})\n"
        "        return made.setdefault(id(self), (self, self.scorer.new_memory(self.memory_terms)))[1]\n",
        _FOUND,
    ),
    Mutation(
        "A state is a view of the ledger: what was not committed is taken back.",
        "what a round left behind that was overtaken stays",
        "consumer/deciding.py",
        "            deciding.memory.undo()  # nothing, unless it raised\n",
        "            deciding.memory._journal.clear()\n",
        _FOUND,
    ),
    Mutation(
        "A state is a view of the ledger: what was not committed is taken back.",
        "events see those before them that the ledger refused",
        "consumer/deciding.py",
        "        deciding.memory.undo()\n        if len(new) == 1:\n",
        "        deciding.memory._journal.clear()\n        if len(new) == 1:\n",
        f"{_ROUNDS}::test_events_behind_one_that_the_ledger_refuses_are_decided_and_do_not_see_it",
    ),
    Mutation(
        "The ledger rows of a user committed before e in shard order.",
        "events overtake one of their user that waits",
        "consumer/batch.py",
        "            self.users.add(transaction.user_id)\n",
        "",
        f"{_ROUNDS}::test_an_event_with_an_id_that_comes_again_is_decided_before_those_behind_it",
    ),
)
