"""Rules of scoring.md on velocity features, broken where many events are looked at together, or where numbers must be exact."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_LOOKS = "consumer/scoring/features/looks.py"
_HISTORY = "consumer/scoring/features/user_history.py"
_MEMORY = "consumer/scoring/features/memory.py"
_ALONE = "tests/unit/test_user_history.py"
_MANY = "tests/property/test_velocity_together.py"
_TOGETHER = f"{_MANY}::test_a_vector_is_the_same_bits_alone_and_among_many"
_STREAM = "tests/property/test_velocity_oracle.py::test_every_vector_is_the_oracles_after_restarts_and_lost_answers"

TOGETHER = (
    Mutation(
        "Windows are (t - w, t].",
        "many events at once have windows that hold what is as old as they are long",
        _LOOKS,
        '(keys[own] - _STARTS_MS).ravel(), "right")',
        '(keys[own] - _STARTS_MS).ravel(), "left")',
        _STREAM,
    ),
    Mutation(
        "Only the 2,000 newest rows count.",
        "of many events at once each sees all that was gathered for its user",
        _LOOKS,
        "np.maximum(bases[user], own - NEWEST)",
        "bases[user]",
        f"{_MANY}::test_of_thousands_of_rows_the_same_newest_are_looked_at",
    ),
    Mutation(
        "How many amounts above 2.5 x the 30-day mean in the last 14 days.",
        "of many events at once large amounts are counted over seven days",
        _LOOKS,
        "limits, own, starts[_FORTNIGHT])",
        "limits, own, starts[_WEEK])",
        _STREAM,
    ),
    Mutation(
        "New device, country, merchant within 30 days.",
        "of many events at once a device is new that was seen once",
        _LOOKS,
        "ranges.repeat(asked)) > 0",
        "ranges.repeat(asked)) > 1",
        _STREAM,
    ),
    Mutation(
        "Distance and speed since the user's last located transaction, within 30 days.",
        "of many events at once any earlier place is the last one",
        _LOOKS,
        "(month <= last) & ",
        "",
        _TOGETHER,
    ),
    Mutation(
        "The user's events before this one in shard order.",
        "tied events are looked at as if they ascended",
        _LOOKS,
        "users[times <= before]",
        "users[times < before]",
        _TOGETHER,
    ),
    Mutation(
        "The user's events before this one in shard order.",
        "the first event of a batch is not held against what is known of its user",
        _LOOKS,
        "last_ms[user[order]]\n",
        "last_ms[user[order]] - np.inf\n",
        _TOGETHER,
    ),
    Mutation(
        "Equal facts are equal bits.",
        "squares that do not fit an integer wrap around",
        _LOOKS,
        "(count * largest[gathered.user] < _SQUARES_FIT) & (spread < _FLOATS_FIT)",
        "spread < _FLOATS_FIT",
        _TOGETHER,
    ),
    Mutation(
        "Equal facts are equal bits.",
        "a spread that no float holds is rounded before it is divided",
        _LOOKS,
        "(count * largest[gathered.user] < _SQUARES_FIT) & (spread < _FLOATS_FIT)",
        "count * largest[gathered.user] < _SQUARES_FIT",
        f"{_MANY}::test_spreads_that_no_float_holds_are_divided_exactly",
    ),
    Mutation(
        "Equal facts are equal bits.",
        "one by one, squares are summed up in floats however great they are",
        _HISTORY,
        "(end - month) * max(cents) < _SQUARES_FIT",
        "max(cents) >= 0",
        f"{_ALONE}::test_the_greatest_amounts_are_compared_to_the_last_cent",
    ),
    Mutation(
        "A state is a view of the ledger: what was not committed is taken back.",
        "of many events at once what was not committed stays",
        _MEMORY,
        "            self._journal.append((history, columns.transactions[row]))\n",
        "",
        _TOGETHER,
    ),
    Mutation(
        "New device, country, merchant within 30 days.",
        "texts that histories name are forgotten with the others",
        "consumer/scoring/features/texts.py",
        "kept = {*used, NO_TEXT}",
        "kept = {NO_TEXT}",
        "tests/unit/test_features_memory.py::"
        "test_texts_that_no_history_names_are_forgotten_and_the_others_are_known_all_the_same",
    ),
)
