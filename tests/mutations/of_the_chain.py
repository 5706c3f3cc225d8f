"""Rules of effects.md, section 2: the chain of chunks, on paper and in the appender."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CHAIN = "sinks/lake/chunks.py"
_APPENDER = "sinks/lake/appender.py"
_ON_PAPER = "tests/unit/test_chunks.py"
_SHORT = "tests/unit/test_lake_appender.py"
_WORLDS = (
    "tests/property/test_chunk_chain.py::test_every_record_is_in_the_lake_once_whatever_crashes_lingers_or_lands_late"
)

CHUNKS = (
    Mutation(
        "A chunk is sealed before its first PUT and never grows under the same chunk id.",
        "a chunk is sealed anew at every try",
        _CHAIN,
        "if self._sealed is None and self._open is not None:",
        "if self._open is not None:",
        f"{_ON_PAPER}::test_what_is_appended_behind_a_sealed_chunk_waits_for_the_next_object",
    ),
    Mutation(
        "The key is a pure function of the first consumed record, good or bad.",
        "a chunk is named after its first row",
        _CHAIN,
        "    first, last = records[0], records[-1]\n",
        "    first, last = next((r for r in records if r.row), records[0]), records[-1]\n",
        f"{_ON_PAPER}::test_a_chunk_is_named_after_its_first_record_good_or_bad",
    ),
    Mutation(
        "dt follows arrival, so no clock moves rows.",
        "a chunk stands under the day of the worker's clock",
        _CHAIN,
        "return self.arrival_time.date()",
        "return datetime.now(self.arrival_time.tzinfo).date()",
        f"{_ON_PAPER}::test_a_chunk_is_named_after_its_first_record_good_or_bad",
    ),
    Mutation(
        "sequence, zero-padded to 64",
        "keys do not sort as positions do",
        "sinks/lake/keys.py",
        "{position.sequence_number:0{SEQUENCE_DIGITS}d}",
        "{position.sequence_number}",
        f"{_ON_PAPER}::test_keys_sort_as_positions_do",
    ),
    Mutation(
        "Every consumed record belongs to a chunk: where it must close it becomes an object with zero rows.",
        "a stretch without rows becomes no object",
        _APPENDER,
        "self._settle(chunk, self._retry(lambda: self._lake.put(chunk)))",
        "self._settle(chunk, self._retry(lambda: self._lake.put(chunk)) if chunk.rows else chunk.footer)",
        f"{_SHORT}::test_a_stretch_without_rows_is_checkpointed_with_its_object_and_never_without",
    ),
    Mutation(
        "Every consumed record belongs to a chunk.",
        "a chunk begins at its first row",
        _CHAIN,
        "        if self._open is None:\n            self._open = _OpenChunk(now_s)\n",
        "        records = [record for record in records if record.row or self._open]\n"
        "        if not records:\n            return\n"
        "        if self._open is None:\n            self._open = _OpenChunk(now_s)\n",
        f"{_SHORT}::test_records_without_rows_before_the_first_row_belong_to_its_chunk",
    ),
    Mutation(
        "A record is in the lake if and only if the effective row's position is its own.",
        "a producer's duplicate stands in the lake again",
        _CHAIN,
        "return effective if effective is not None and effective.position == position else None",
        "return effective",
        f"{_ON_PAPER}::test_a_row_belongs_to_the_lake_only_at_its_own_position",
    ),
    Mutation(
        "Default cut: day change.",
        "a chunk spans two days",
        _CHAIN,
        "return is_other_day or self.standing_key(record.position) is not None",
        "return self.standing_key(record.position) is not None",
        f"{_ON_PAPER}::test_a_chunk_closes_before_a_record_of_another_day_in_either_direction",
    ),
    Mutation(
        "What is replayed after a crash is at most one chunk.",
        "a chunk of bad records grows without end",
        _CHAIN,
        "is_full = len(self.rows) >= policy.max_rows or len(self.records) >= policy.max_records",
        "is_full = len(self.rows) >= policy.max_rows",
        f"{_ON_PAPER}::test_a_full_chunk_is_due_at_once",
    ),
)

CHECKPOINTS = (
    Mutation(
        "Order: ledger commit → PUT → checkpoint.",
        "the checkpoint comes before the PUT",
        _APPENDER,
        "        self._settle(chunk, self._retry(lambda: self._lake.put(chunk)))\n",
        "        self._checkpoint(chunk.footer.end.within_shard)\n"
        "        self._settle(chunk, self._retry(lambda: self._lake.put(chunk)))\n",
        f"{_SHORT}::test_a_lost_lease_passes_through_after_the_put",
    ),
    Mutation(
        "409, 5xx, time-out → retry; never checkpoint.",
        "a PUT that failed counts as stored",
        _APPENDER,
        "        self._settle(chunk, self._retry(lambda: self._lake.put(chunk)))\n",
        "        try:\n            footer = self._lake.put(chunk)\n"
        "        except TransientSinkError:\n            footer = chunk.footer\n"
        "        self._settle(chunk, footer)\n",
        f"{_SHORT}::test_a_put_is_retried_with_the_same_chunk",
    ),
    Mutation(
        "The only positions ever checkpointed are chunk ends.",
        "the checkpoint goes as far as what was delivered, inside an adopted object",
        _CHAIN,
        "return None if self._end is None or self._end > delivered else self._end",
        "return None if self._end is None else min(self._end, delivered)",
        f"{_ON_PAPER}::test_an_adopted_object_that_ends_later_is_skipped_to_its_end_and_checkpointed_only_there",
    ),
    Mutation(
        "The only positions ever checkpointed are chunk ends.",
        "the checkpoint goes beyond what was delivered",
        _CHAIN,
        "return None if self._end is None or self._end > delivered else self._end",
        "return self._end",
        f"{_ON_PAPER}::test_an_adopted_object_that_ends_later_is_skipped_to_its_end_and_checkpointed_only_there",
    ),
    Mutation(
        "The only positions ever checkpointed are chunk ends.",
        "what is buffered is checkpointed at every tick",
        _APPENDER,
        "end = self._chain.checkpointable(self._delivered) if self._delivered else None",
        "end = self._delivered",
        f"{_SHORT}::test_what_is_buffered_is_neither_stored_nor_checkpointed_until_it_is_due",
    ),
    Mutation(
        "Go on skipping until its end is reached, also through shutdownRequested.",
        "a flush checkpoints in the middle of an adopted object",
        _APPENDER,
        "            self._store(chunk)\n            self._checkpoint_if_reached()\n",
        "            self._store(chunk)\n            self._checkpoint_if_reached()\n"
        "        if self._delivered:\n            self._checkpoint(self._delivered)\n",
        f"{_SHORT}::test_a_zombies_longer_chunk_is_skipped_and_checkpointed_when_its_end_is_delivered",
    ),
)

ADOPTION = (
    Mutation(
        "412 → HEAD: another's → adopt.",
        "an object of another's is taken for mine",
        _CHAIN,
        "        self._end = end = footer.end.within_shard\n        self._open",
        "        self._end = end = self._sealed.footer.end.within_shard\n        self._open",
        f"{_ON_PAPER}::test_an_adopted_object_that_ends_earlier_leaves_the_rest_to_a_new_chunk",
    ),
    Mutation(
        "Adopt: drop buffered rows up to there, keep the rest.",
        "buffered rows are kept although they were adopted",
        _CHAIN,
        "left = [record for record in self.records if record.position.within_shard > end]",
        "left = self.records",
        f"{_ON_PAPER}::test_an_adopted_object_that_ends_earlier_leaves_the_rest_to_a_new_chunk",
    ),
    Mutation(
        "Adopt: drop buffered rows up to there, keep the rest.",
        "the rest of the buffer is dropped too",
        _CHAIN,
        "_joined(self._sealing.after(end), self._open and self._open.after(end))",
        "self._open and self._open.after(end)",
        f"{_ON_PAPER}::test_an_adopted_object_that_ends_earlier_leaves_the_rest_to_a_new_chunk",
    ),
    Mutation(
        "Adopt: skip up to its end.",
        "the last record of an adopted object is consumed again",
        _CHAIN,
        "self._end is not None and position.within_shard <= self._end",
        "self._end is not None and position.within_shard < self._end",
        f"{_ON_PAPER}::test_an_adopted_object_that_ends_later_is_skipped_to_its_end_and_checkpointed_only_there",
    ),
    Mutation(
        "Starting anywhere but at a checkpoint of ours: LIST the shard's prefix.",
        "nothing is listed at the start",
        _CHAIN,
        "return record.arrival_day not in self._listed_days",
        "return False",
        f"{_SHORT}::test_what_stands_at_the_first_record_is_known_before_any_work_is_done",
    ),
    Mutation(
        "LIST the shard's prefix for its arrival day.",
        "only the first record's day is listed",
        _CHAIN,
        "return record.arrival_day not in self._listed_days",
        "return not self._listed_days",
        f"{_ON_PAPER}::test_each_arrival_day_is_listed_once",
    ),
    Mutation(
        "HEAD the greatest key ≤ the record, and if that chunk covers it, skip to its end.",
        "what stands is listed but not looked at",
        _APPENDER,
        "chain.pass_by(record.position, self._retry(lambda: self._lake.footer(key)))",
        "chain.pass_by(record.position, None)",
        f"{_SHORT}::test_records_trimmed_beyond_the_checkpoint_do_not_start_a_chain_inside_an_object",
    ),
    Mutation(
        "The greatest key ≤ the record.",
        "the first key that stands is looked at",
        _CHAIN,
        "return self._standing[self._reached(position) - 1][1]",
        "return self._standing[0][1]",
        f"{_ON_PAPER}::test_the_greatest_key_at_or_before_a_record_is_the_one_to_look_at",
    ),
    Mutation(
        "An object's metadata names the only possible next key.",
        "a chunk extends over a key that stands ahead",
        _CHAIN,
        "return is_other_day or self.standing_key(record.position) is not None",
        "return is_other_day",
        f"{_SHORT}::test_an_older_chain_ahead_is_joined_and_never_overlapped",
    ),
    Mutation(
        "Cuts need not be deterministic: zombies and partial flushes are harmless.",
        "the worlds of the simulation meet a chain that adopts nothing",
        _APPENDER,
        "        self._chain.settle(footer)\n",
        "        self._chain.settle(chunk.footer)\n",
        _WORLDS,
    ),
)
