"""Mutations that know the event's fields: each spoils one thing of a document and leaves the rest as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from tests.fuzz.documents import Document, Place, any_place, text_of
from tests.fuzz.literals import CARDS, OTHERS, anything, odd_number, odd_text, odd_time, shifted

FieldMutation = Callable[[Document, Random], None]
_NUMBERS = (b"amount", b"latitude", b"longitude", b"hour", b"day_of_week", b"previous_transactions_count")
_NAMES = (
    b"transaction_id", b"timestamp", b"user_id", b"amount", b"currency", b"merchant_id", b"merchant_category", b"channel",
    b"location", b"country", b"state", b"city", b"latitude", b"longitude", b"device_info", b"device_type", b"device_id",
    b"ip_address", b"card_id", b"hour", b"day_of_week", b"previous_transactions_count", b"metadata",
)  # fmt: skip
_LEVELS = (2, 10, 29, 30, 31, 32, 33, 34, 64, 1_000, 30_000)


def odd_value(document: Document, rng: Random) -> None:
    """An odd value of the kind that the field expects."""
    if place := any_place(document, rng):
        place.put(
            odd_time(rng) if place.key == b"timestamp" else (odd_number if place.key in _NUMBERS else odd_text)(rng)
        )


def wrong_type(document: Document, rng: Random) -> None:
    """A value of some other type, or none that JSON knows."""
    if place := any_place(document, rng):
        place.put(rng.choice(OTHERS))


def any_value(document: Document, rng: Random) -> None:
    """Any odd value at all in one of the fields, present or not."""
    _put(document, rng.choice(_NAMES), anything(rng))


def another_moment(document: Document, rng: Random) -> None:
    """A valid event time at or beyond the bounds."""
    place = document.find(b"timestamp")
    if place is not None and isinstance(place.value, bytes) and place.value.startswith(b'"20'):
        try:
            place.put(shifted(place.value, rng))
        except ValueError:  # spoiled before
            return


def odd_moment(document: Document, rng: Random) -> None:
    """A timestamp in some odd form."""
    _put(document, b"timestamp", odd_time(rng))


def odd_amount(document: Document, rng: Random) -> None:
    """An amount at some boundary."""
    _put(document, b"amount", odd_number(rng))


def card_number(document: Document, rng: Random) -> None:
    """A card number under some spelling of its key, in some wrapping."""
    key = rng.choice((b"card_id", b"card_id", rb"card\u005fid", b"CARD_ID", rb"\u0063ard_id"))
    number = rng.choice(CARDS)
    wrapped = (
        b'"%b"' % number,
        b'" %b\\n"' % number,
        number,
        b'["%b"]' % number,
        b'{"n":"%b"}' % number,
        b'"%b' % number,
    )
    document.pairs.insert(rng.randint(0, len(document.pairs)), (key, rng.choice(wrapped)))


def missing_field(document: Document, rng: Random) -> None:
    """A field less."""
    if place := any_place(document, rng):
        place.remove()


def repeated_key(document: Document, rng: Random) -> None:
    """A key that stands twice, with the same value or another."""
    if place := any_place(document, rng):
        pair = (place.key, place.value if rng.random() < 0.3 else anything(rng))
        place.parent.pairs.insert(rng.randint(0, len(place.parent.pairs)), pair)


def unknown_field(document: Document, rng: Random) -> None:
    """A field that the schema does not know."""
    key = rng.choice((b"loyalty", b"", rb"\u0000", "ключ".encode(), b"__proto__", b"$ref", b"a" * 1_000))
    parent = rng.choice([document, *(p.value for p in document.places() if isinstance(p.value, Document))])
    parent.pairs.append((key, anything(rng)))


def respelled_key(document: Document, rng: Random) -> None:
    """A key in other letters, or the same key spelled with an escape."""
    if place := any_place(document, rng):
        key = place.key
        escaped = b"\\u%04x" % key[0] + key[1:] if key[:1].isalpha() else key
        place.rename(
            rng.choice((key.upper(), key + b" ", b"\xef\xbb\xbf" + key, escaped, key.replace(b"_", b"-"), key[:-1]))
        )


def respelled_value(document: Document, rng: Random) -> None:
    """The same text, every character of it an escape."""
    place = any_place(document, rng)
    if place and isinstance(place.value, bytes) and place.value[:1] == b'"' and place.value.isascii():
        inner = place.value[1:-1]
        if b"\\" not in inner and b'"' not in inner:
            place.put(b'"' + b"".join(b"\\u%04x" % byte for byte in inner) + b'"')


def nested_scalar(document: Document, rng: Random) -> None:
    """An array or object around a value."""
    if place := any_place(document, rng):
        before, after = rng.choice(((b"[", b"]"), (b'{"value":', b"}"), (b"[[", b"]]"), (b'{"":[', b"]}")))
        place.put(before + text_of(place.value) + after)


def deep_value(document: Document, rng: Random) -> None:
    """A value as deep as the limit, or deeper."""
    before, after = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    levels = rng.choice(_LEVELS)
    _put(document, rng.choice((b"metadata", b"extra", *_NAMES)), before * levels + b"1" + after * levels)


def padding(document: Document, rng: Random) -> None:
    """An event of about the size limit, its bulk in free text, or in one of the fields."""
    size = 65_536 - len(document.encode()) + rng.randint(-40, 40)
    if size > 0:
        _put(document, rng.choice((b"metadata", b"extra", b"city", b"user_id")), _bulk(size - 20, rng))


def bulk(document: Document, rng: Random) -> None:
    """An event up to what a stream takes in one record, 1 MB."""
    _put(
        document,
        rng.choice((b"metadata", b"extra", *[b"card_id"] * 10, *_NAMES)),
        _bulk(rng.choice((100_000, 1_000_000)), rng),
    )


def many_fields(document: Document, rng: Random) -> None:
    """Thousands of fields."""
    document.pairs += [(b"f%d" % number, b"1") for number in range(rng.choice((100, 1_000, 6_000)))]


def similar_identity(document: Document, rng: Random) -> None:
    """An id that equals another up to case, normalisation, width or white space."""
    place = document.find(b"transaction_id")
    if place is not None and isinstance(place.value, bytes) and place.value[:1] == b'"':
        inner = place.value[1:-1]
        spelled = (
            inner.upper(),
            inner + b" ",
            inner + rb"\u200d",
            inner + rb"e\u0301",
            inner + rb"\u00e9",
            inner.replace(b"-", rb"\uff0d"),
        )
        place.put(b'"' + rng.choice(spelled) + b'"')


def _put(document: Document, name: bytes, value: bytes) -> None:
    place: Place | None = document.find(name)
    if place is None:
        document.pairs.append((name, value))
    else:
        place.put(value)


def _bulk(size: int, rng: Random) -> bytes:
    unit = rng.choice(
        (
            b"x",
            b"4",
            b" ",
            "é".encode(),
            rb"\u0034",
            b"4111111111111111 ",
            b"card_id",
            rb"\"",
            b"1-",
            rb"card_id\":\"4",
            b"\\ud83d\\uded2",
        )
    )
    text = b'"' + unit * (size // len(unit)) + b'"'
    wrapped = (
        text,
        b'{"note":' + text + b"}",
        b"[" + b",".join([b"1"] * (size // 2)) + b"]",
        b"9" * size,
        json.dumps({"k": [0.5] * (size // 5)}).encode(),
    )
    return rng.choice(wrapped)
