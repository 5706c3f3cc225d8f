"""Rules of effects.md that S3's answers put to the test: conditional PUTs, 412, and what an object says of itself."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_LAKES = "tests/contract/test_lake_contract.py"

ON_S3 = (
    Mutation(
        "PUT with If-None-Match: *",
        "a chunk overwrites what stands at its key",
        "sinks/lake/s3.py",
        '                    IfNoneMatch="*",\n',
        "",
        f"{_LAKES}::test_a_taken_key_answers_with_the_footer_that_stands_there_and_keeps_it",
    ),
    Mutation(
        "412 → HEAD",
        "412 counts as stored",
        "sinks/lake/s3.py",
        "                    return False\n",
        "                    return True\n",
        f"{_LAKES}::test_a_taken_key_answers_with_the_footer_that_stands_there_and_keeps_it",
    ),
    Mutation(
        "409 → retry; never checkpoint.",
        "409 counts as stored",
        "sinks/lake/s3.py",
        "                    return False\n",
        "                    return False\n                if is_status(error, 409):\n                    return True\n",
        f"{_LAKES}::test_what_passes_by_itself_is_transient",
    ),
    Mutation(
        "5xx, time-out → retry; never checkpoint.",
        "503 counts as stored",
        "sinks/lake/s3.py",
        "                    return False\n",
        "                    return False\n                if is_status(error, 503):\n                    return True\n",
        f"{_LAKES}::test_a_put_that_fails_before_it_lands_leaves_nothing",
    ),
    Mutation(
        "409 → retry.",
        "409 stops the shard",
        "sinks/s3_errors.py",
        "frozenset({408, 409, 429})",
        "frozenset({408, 429})",
        f"{_LAKES}::test_what_passes_by_itself_is_transient",
    ),
    Mutation(
        "botocore's own retries make 412 ambiguous, so never guess.",
        "412 without an object counts as stored",
        "sinks/lake/s3.py",
        "        if standing is None:\n            raise",
        "        if standing is None:\n            return chunk.footer\n            raise",
        f"{_LAKES}::test_a_412_with_nothing_behind_it_is_transient",
    ),
    Mutation(
        "The object's metadata says where the chunk ends.",
        "an object that does not say where it ends is taken for empty",
        "sinks/lake/s3.py",
        "        raise _foreign(key) from error\n",
        "        return ChunkFooter('', first, 0, '')\n",
        f"{_LAKES}::test_an_object_that_does_not_say_where_it_ends_stops_the_shard",
    ),
    Mutation(
        "LIST the shard's prefix.",
        "another shard's keys are among the listed",
        "sinks/lake/keys.py",
        '={arrival_day.isoformat()}/{epoch}/{shard_id}/"\n',
        '={arrival_day.isoformat()}/{epoch}/"\n',
        f"{_LAKES}::test_keys_are_those_of_one_day_one_epoch_and_one_shard_in_order",
    ),
)
