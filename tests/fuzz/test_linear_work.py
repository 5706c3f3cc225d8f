"""What one record costs grows with its length and no faster, whatever is in it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from schemas.card_numbers import mask_card_numbers
from schemas.decode import InvalidRecord, Unknown, decode_by_model, decode_fast
from tests.pipeline_builders import an_event

SHORT, TIMES_AS_LONG = 3_900, 16
SLACK = 5
"""Of the ratio: quadratic work would take 16 times more than linear, and short measurements are coarse."""


def grown(before: bytes, unit: bytes, after: bytes) -> Callable[[int], bytes]:
    return lambda size: before + unit * (size // len(unit)) + after


def in_event(unit: bytes, *, before: bytes = b'"', after: bytes = b'"') -> Callable[[int], bytes]:
    return grown(an_event()[:-1] + b',"metadata":{"a":' + before, unit, after + b"}}")


RECORDS = {
    "letters": in_event(b"x"),
    "escapes": in_event(rb"\u0034"),
    "backslashes": in_event(rb"\\"),
    "digits": in_event(b"4"),
    "one_number": in_event(b"9", before=b"", after=b""),
    "one_fraction": in_event(b"9", before=b"0.", after=b""),
    "numbers": in_event(b"1e1,", before=b"[", after=b"1]"),
    "objects": in_event(b'{"a":1},', before=b"[", after=b"{}]"),
    "unknown_fields": grown(an_event()[:-1], b',"f":1', b"}"),
    "card_id_of_digits": grown(b'{"card_id":"', b"4", b'"}'),
    "card_id_of_digits_without_end": grown(b'{"card_id":', b"4", b"x"),
    "card_id_of_spaces": grown(b'{"card_id":', b" ", b"x"),
    "card_id_of_escapes": grown(b'{"card_id":"', rb"\u0020\u0034", b"x"),
    "card_ids": grown(b"{", b'"card_id":', b"}"),
    "card_numbers": grown(b"[", b'{"card_id":"4111111111111111"},', b"]"),
    "card_ids_without_end": grown(b"", b"card_id(", b""),
    "brackets": grown(b'{"card_id":', b"[", b""),
    "dashes": grown(b'{"card_id":"', b"1---", b"x"),
    "digits_apart": grown(b'{"card_id":"', b"1 ", b"x"),
    "nul": grown(b"", b"\0", b""),
}


def read(data: bytes) -> None:
    """All that is done with one record's bytes: both decoders, and masking as if a card number was in it."""
    decode_fast(data, Unknown())
    mask_card_numbers(data)
    mask_card_numbers(data, is_suspect=True)
    try:
        decode_by_model(data, Unknown())
    except InvalidRecord:
        return


def growth(work: Callable[[bytes], object], make: Callable[[int], bytes], size: int = SHORT) -> float:
    """How much more CPU time the work takes on a record that is so many times as long; the least of several tries each."""
    short, long = make(size), make(size * TIMES_AS_LONG)
    return min(_once_ns(work, long) for _ in range(5)) / min(_once_ns(work, short) for _ in range(5))


def _once_ns(work: Callable[[bytes], object], data: bytes) -> int:
    start = time.process_time_ns()
    work(data)
    return time.process_time_ns() - start


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_that_is_longer_costs_more_in_proportion_only(kind: str) -> None:
    assert growth(read, RECORDS[kind]) < TIMES_AS_LONG * SLACK, "a ratio of work, not a time"


def test_a_regular_expression_that_starts_again_everywhere_would_be_seen() -> None:
    assert growth(re.compile(rb"(?:x|y)+z").search, RECORDS["letters"], size=300) > TIMES_AS_LONG * SLACK
