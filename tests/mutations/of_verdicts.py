"""Rules of what a record becomes: refused or decided, once, whatever is deployed in between; bisecting."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_PIPELINE = "tests/unit/test_pipeline.py"
_FAULTS = "tests/unit/test_pipeline_faults.py"
_ORDER = "tests/unit/test_pipeline_order.py"

VERDICTS = (
    Mutation(
        "An event that was refused once stays refused, whatever is deployed in between.",
        "a refused record is judged again",
        "consumer/batch.py",
        "            if (verdict := known.refusals.get(position)) is not None:\n",
        "            if (verdict := known.refusals.get(position)) is not None and False:\n",
        "tests/unit/test_batch_verdicts.py::test_a_record_that_was_refused_once_stays_refused",
    ),
    Mutation(
        "An event that was decided once stays decided, whatever is deployed in between.",
        "a decided record that is unreadable now is refused",
        "consumer/batch.py",
        "            elif position in decided:\n",
        "            elif False:\n",
        "tests/unit/test_batch_verdicts.py::test_a_record_that_was_decided_once_stays_decided",
    ),
    Mutation(
        "Another content hash within the horizon → dead letter conflicting_resend.",
        "a resend with other content counts as a repetition",
        "consumer/batch.py",
        "        if same_time is not None and same_time.content_hash == transaction.content_hash:\n",
        "        if same_time is not None:\n",
        f"{_PIPELINE}::test_a_resend_with_other_content_is_refused_and_the_first_stands",
    ),
    Mutation(
        "Another content hash → conflicting_resend, also where it was decided meanwhile.",
        "other content that was decided meanwhile counts as a repetition",
        "consumer/batch.py",
        "            elif row.content_hash == decision.content_hash or row.position == position:\n",
        "            elif True:\n",
        f"{_FAULTS}::test_what_another_shard_decided_meanwhile_is_what_counts",
    ),
    Mutation(
        "Another time within ± the horizon → conflicting_resend.",
        "a resend with another time is another event",
        "consumer/batch.py",
        "<= self.horizon for row in rows):\n",
        "< timedelta() for row in rows):\n",
        f"{_PIPELINE}::test_a_resend_with_other_content_is_refused_and_the_first_stands",
    ),
    Mutation(
        "Within ± the de-duplication horizon.",
        "the same id is a conflict for ever",
        "consumer/batch.py",
        "        elif any(abs(row.event_time - transaction.event_time) <= self.horizon for row in rows):\n",
        "        elif rows:\n",
        "tests/unit/test_pipeline_identities.py::test_what_lies_beyond_the_horizon_is_no_conflict_whoever_tells_of_it",
    ),
    Mutation(
        "De-duplicate inside the batch.",
        "two events of one id are both new",
        "consumer/batch.py",
        "            elif not queue.holds(one) and self._is_new(",
        "            elif self._is_new(",
        f"{_PIPELINE}::test_a_resend_with_other_content_is_refused_and_the_first_stands",
    ),
    Mutation(
        "Known events are not scored again, which also makes a replay cheap.",
        "a repetition is scored again",
        "consumer/batch.py",
        "            self._take(record.position, same_time)\n",
        "            self._take(record.position, same_time)\n            return True\n",
        f"{_ORDER}::test_neither_a_replay_nor_a_repetition_is_scored_again",
    ),
    Mutation(
        "Whatever is written anywhere is taken from the effective row, never from a fresh computation.",
        "the lake gets the fresh computation",
        "consumer/deciding.py",
        "        batch.settle(proposals, effective)\n",
        "        batch.settle(proposals, {p.decision.identity: p.decision for p in proposals})\n",
        f"{_FAULTS}::test_what_another_shard_decided_meanwhile_is_what_counts",
    ),
    Mutation(
        "Bounds on event time are measured against ApproximateArrivalTimestamp, never against a clock.",
        "bounds are measured against a clock",
        "consumer/batch.py",
        "self.bounds.check(transaction.event_time, record.arrival_time)",
        "self.bounds.check(transaction.event_time, __import__('datetime').datetime.now(record.arrival_time.tzinfo))",
        f"{_PIPELINE}::test_every_record_becomes_a_decision_in_the_ledger_and_the_lake",
    ),
    Mutation(
        "MemoryError → exit ≠ 0.",
        "a lack of memory is the record's fault",
        "consumer/batch.py",
        "        except MemoryError:\n            raise\n",
        "",
        f"{_FAULTS}::test_a_lack_of_memory_is_nobodys_record_and_ends_the_worker",
    ),
    Mutation(
        "Exceptions in decode, features or score → bisect to the record.",
        "a record that breaks the scoring takes its batch along",
        "consumer/deciding.py",
        "            self._bisect(new, why, batch, deciding, commit)\n            return\n        try:\n",
        "            batch.refused_now.update({one.record.position: refusal_of(one.record, *why) for one in new})\n"
        "            return\n        try:\n",
        f"{_PIPELINE}::test_a_record_that_breaks_the_scoring_is_found_and_set_aside_alone",
    ),
    Mutation(
        "22, 23, 54 → data: bisect to the record.",
        "a row that the ledger refuses takes its batch along",
        "consumer/deciding.py",
        "            self._bisect(new, why, batch, deciding, commit)\n            return\n        batch.settle",
        "            batch.refused_now.update({one.record.position: refusal_of(one.record, *why) for one in new})\n"
        "            return\n        batch.settle",
        f"{_PIPELINE}::test_a_record_that_the_ledger_refuses_is_found_and_set_aside_alone",
    ),
    Mutation(
        "Infrastructure errors are never dead letters.",
        "a ledger that is away makes dead letters",
        "consumer/deciding.py",
        "        except DataRefusedError as error:\n            why = ",
        "        except __import__('sinks.errors', fromlist=['SinkError']).SinkError as error:\n            why = ",
        f"{_ORDER}::test_a_ledger_that_is_away_is_no_records_fault",
    ),
    Mutation(
        "Round the score to float32 before any sink sees it.",
        "a score has 64 bits",
        "consumer/scoring/scorer.py",
        'scores = cast("list[float]", probabilities.tolist())',
        'scores = cast("list[float]", (probabilities.astype(np.float64) * (1 - 1e-12)).tolist())',
        "tests/unit/test_scoring.py::test_scores_are_what_float32_holds_exactly",
    ),
)
