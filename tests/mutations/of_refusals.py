"""Rules of effects.md, section 4: dead letters and the brake; and how an event is read, and a shard begun and ended."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_PIPELINE = "tests/unit/test_pipeline.py"
_ORDER = "tests/unit/test_pipeline_order.py"
_DECODE = "tests/unit/test_decode.py"

DEAD_LETTERS = (
    Mutation(
        "Dead letters before the checkpoint.",
        "a dead letter is written after the checkpoint",
        "consumer/pipeline.py",
        "            batch = self._decide(fresh, received_at)  # 1 to 4\n",
        "            set_aside, self._set_aside = self._set_aside, lambda *_: None  # type: ignore[method-assign]\n"
        "            batch = self._decide(fresh, received_at)  # 1 to 4\n"
        "            appender.append(batch.consumed(records))\n"
        "            set_aside(batch, fresh)\n",
        f"{_ORDER}::test_nothing_is_checkpointed_before_the_dead_letters_stand",
    ),
    Mutation(
        "Every refused event has its dead letter, also after a crash between the two.",
        "a replay writes no dead letter for what was refused before",
        "consumer/pipeline.py",
        "refusals = {**batch.refused_before, **batch.refused_now}",
        "refusals = {**batch.refused_now}",
        f"{_ORDER}::test_a_dead_letter_that_a_crash_prevented_is_written_at_the_replay",
    ),
    Mutation(
        "A dead letter that cannot be written is waited for.",
        "a dead letter that cannot be written is forgotten",
        "consumer/pipeline.py",
        "            self._services.retry(partial(self._services.dead_letters.put, letter))\n",
        "            try:\n                self._services.dead_letters.put(letter)\n"
        "            except Exception:\n                pass\n",
        f"{_ORDER}::test_nothing_is_checkpointed_before_the_dead_letters_stand",
    ),
    Mutation(
        "dead-letters/…, If-None-Match",
        "a later dead letter overwrites the first",
        "sinks/dead_letters/s3.py",
        '                    IfNoneMatch="*",\n',
        "",
        "tests/contract/test_dead_letters_contract.py::test_the_first_letter_of_a_position_stands",
    ),
    Mutation(
        "A brake stops the worker: a bad deploy must not dead-letter the stream.",
        "the brake does not brake",
        "consumer/policies/quarantine.py",
        "            if verdict.is_new and verdict.is_refused and is_over:\n",
        "            if False:\n",
        "tests/unit/test_quarantine.py::test_refusals_in_a_row_stop_the_worker",
    ),
    Mutation(
        "A brake stops the worker without a checkpoint.",
        "the brake comes after the refusals were written",
        "consumer/deciding.py",
        "        deciding.check(batch)\n        commit = ",
        "        commit = ",
        f"{_PIPELINE}::test_the_brake_stops_before_anything_of_the_batch_is_written",
    ),
    Mutation(
        "A brake stops the worker without a checkpoint.",
        "the brake does not see what the ledger refuses before it is written",
        "consumer/deciding.py",
        "        deciding.check(batch)\n        commit.refuse",
        "        commit.refuse",
        f"{_PIPELINE}::test_the_brake_sees_what_the_ledger_refuses_before_it_is_written",
    ),
    Mutation(
        "Never card data.",
        "a card number stands in a dead letter",
        "consumer/letters.py",
        "    return mask_card_numbers(record.data, is_suspect=may_hide_card_number(refusal.reason, refusal.errors))\n",
        "    return record.data\n",
        f"{_PIPELINE}::test_a_card_number_is_masked_in_the_dead_letter",
    ),
)

DECODING = (
    Mutation(
        "Event time is UTC truncated to milliseconds: libraries round nine-digit fractions differently.",
        "nine digits are rounded",
        "schemas/timestamps.py",
        'millis = f".{fraction[:3]:0<3}" if fraction else ""',
        'millis = f".{min(999, round(int(fraction) * 1000 / 10 ** len(fraction))):03}" if fraction else ""',
        f"{_DECODE}::test_event_time_is_utc_truncated_to_milliseconds",
    ),
    Mutation(
        "strict: an amount is a JSON number.",
        "true is an amount",
        "schemas/transaction.py",
        "    if isinstance(value, bool) or not isinstance(value, int | JsonNumber | Decimal):\n",
        "    if not isinstance(value, int | JsonNumber | Decimal):\n",
        f"{_DECODE}::test_a_bad_field_is_named",
    ),
    Mutation(
        "msgspec accepts ⇒ pydantic accepts.",
        "the fast decoder takes hour 24",
        "schemas/wire.py",
        "hour: Annotated[int, Meta(ge=0, le=23)]",
        "hour: Annotated[int, Meta(ge=0, le=24)]",
        f"{_DECODE}::test_a_bad_field_is_named",
    ),
    Mutation(
        "U+0000 is refused: PostgreSQL refuses it.",
        "the fast decoder takes U+0000",
        "schemas/wire.py",
        ' or (_BACKSLASH in data and b"\\\\u0000" in data)',
        "",
        f"{_DECODE}::test_a_bad_field_is_named",
    ),
    Mutation(
        "msgspec accepts ⇒ pydantic accepts.",
        "the fast decoder takes any three characters for a currency",
        "schemas/decode.py",
        "currency.isascii() and currency.isalpha() and currency.isupper()",
        "True",
        f"{_DECODE}::test_a_bad_field_is_named",
    ),
    Mutation(
        "msgspec accepts ⇒ pydantic accepts.",
        "the fast decoder takes metadata that is no object",
        "schemas/wire.py",
        " or bytes(wire.metadata)[0] not in _METADATA_STARTS",
        "",
        f"{_DECODE}::test_a_bad_field_is_named",
    ),
    Mutation(
        "msgspec accepts ⇒ pydantic accepts.",
        "the fast decoder takes bytes that are no UTF-8 where it does not look",
        "schemas/wire.py",
        "        data.decode()\n",
        "        pass\n",
        f"{_DECODE}::test_what_stands_in_metadata_or_unknown_fields_has_to_be_json_too",
    ),
    Mutation(
        "msgspec accepts ⇒ pydantic accepts.",
        "the fast decoder takes what is nested too deep",
        "schemas/wire.py",
        'data.count(b"{") + data.count(b"[") > MAX_NESTING or ',
        "",
        f"{_DECODE}::test_what_stands_in_metadata_or_unknown_fields_has_to_be_json_too",
    ),
    Mutation(
        "A hash of the event's content.",
        "the amount is no part of the content",
        "schemas/content.py",
        "amount={amount!s}\\0",
        "",
        f"{_DECODE}::test_another_amount_is_another_content",
    ),
)

SHARDS = (
    Mutation(
        "shardEnded: everything is flushed first.",
        "the end of a shard is checkpointed before its last chunk",
        "consumer/pipeline.py",
        "        self._open_appender().flush()\n        checkpointer.checkpoint_shard_end()\n",
        "        checkpointer.checkpoint_shard_end()\n        self._open_appender().flush()\n",
        f"{_PIPELINE}::test_the_end_of_the_shard_is_checkpointed_after_the_last_chunk",
    ),
    Mutation(
        "State is dropped on `initialize`.",
        "a shard that is initialised again goes on with the old chain",
        "consumer/pipeline.py",
        "        self._appender = LakeAppender(\n",
        "        self._appender = self._appender or LakeAppender(\n",
        f"{_ORDER}::test_a_shard_that_is_initialised_again_begins_a_new_chain",
    ),
    Mutation(
        "Infrastructure: retry for ever.",
        "a sink that is away for long is given up",
        "consumer/patience.py",
        "                attempt += 1\n",
        "                attempt += 1\n                if attempt == 3:\n                    raise\n",
        "tests/unit/test_patience.py::test_a_sink_that_is_away_is_waited_for_with_a_heartbeat",
    ),
    Mutation(
        "A process that waits for infrastructure beats while it waits: waiting is not being stuck.",
        "a worker that waits gives no sign of life",
        "consumer/patience.py",
        "        end = time.monotonic() + wait_s\n        self._beat(str(error))\n",
        "        end = time.monotonic() + wait_s\n        self._beat = lambda _: None\n",
        "tests/unit/test_patience.py::test_a_sink_that_is_away_is_waited_for_with_a_heartbeat",
    ),
)
