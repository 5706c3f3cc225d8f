"""Rules of effects.md, section 2, for a chunk that is on its way while records go on being appended."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CHAIN = "sinks/lake/chunks.py"
_APPENDER = "sinks/lake/appender.py"
_ON_PAPER = "tests/unit/test_chunks.py"
_SHORT = "tests/unit/test_lake_appender_in_flight.py"

IN_FLIGHT = (
    Mutation(
        "One chunk in flight a shard.",
        "what is appended behind a sealed chunk gets into it",
        _CHAIN,
        "            self._sealing, self._open = self._open, None\n",
        "            self._sealing = self._open\n",
        f"{_ON_PAPER}::test_what_is_appended_behind_a_sealed_chunk_waits_for_the_next_object",
    ),
    Mutation(
        "Adopt: drop buffered rows up to there.",
        "what was appended behind a chunk is kept though another's object holds it",
        _CHAIN,
        "self._open and self._open.after(end))",
        "self._open)",
        f"{_ON_PAPER}::test_an_adopted_object_reaches_into_what_was_appended_behind_the_sealed_chunk",
    ),
    Mutation(
        "One chunk in flight a shard.",
        "a second chunk leaves before it is known where the first one ends",
        _APPENDER,
        "            return\n        self._land()\n",
        "            return\n",
        f"{_SHORT}::test_never_more_than_one_chunk_is_on_its_way",
    ),
    Mutation(
        "Order: ledger commit → PUT → checkpoint.",
        "a chunk that is on its way counts as stored",
        _APPENDER,
        "if self._in_flight is not None and self._in_flight[1].is_done():",
        "if self._in_flight is not None:\n            self._settle(self._in_flight[0], self._in_flight[0].footer)\n"
        "            self._in_flight = None\n        if self._in_flight is not None:",
        f"{_SHORT}::test_records_go_on_while_a_chunk_is_on_its_way_and_the_checkpoint_waits_for_it",
    ),
    Mutation(
        "409, 5xx, time-out → retry; never checkpoint.",
        "a chunk that did not arrive is forgotten",
        _APPENDER,
        "        except TransientSinkError:\n            self._store(chunk)\n",
        "        except TransientSinkError:\n            self._settle(chunk, chunk.footer)\n",
        f"{_SHORT}::test_a_chunk_that_did_not_arrive_is_stored_again_as_it_was",
    ),
    Mutation(
        "A flush leaves nothing on its way.",
        "a flush does not wait for the chunk on its way",
        _APPENDER,
        "        self._land()\n        while chunk",
        "        while chunk",
        f"{_SHORT}::test_a_flush_waits_for_the_chunk_that_is_on_its_way",
    ),
    Mutation(
        "An object's metadata names the only possible next key.",
        "many records are appended at once across a key that stands",
        _CHAIN,
        "if self.skips(first) or self.standing_key(last) is not None:",
        "if self.skips(first):",
        "tests/unit/test_lake_appender.py::test_an_older_chain_ahead_is_joined_in_a_later_batch_too",
    ),
    Mutation(
        "Default cut: day change.",
        "many records are appended at once across midnight",
        _CHAIN,
        "            min(times).date() != max(times).date()\n            or self.needs_listing",
        "            self.needs_listing",
        "tests/unit/test_lake_appender.py::test_a_later_batch_that_spans_midnight_becomes_two_chunks",
    ),
)
