"""Values that break careless consumers, as JSON texts by what a field expects, and those that no list can hold, drawn by chance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from schemas.timestamps import format_timestamp, parse_timestamp

WHOLE_DAYS = (-4000, -400, -30, -8, -7, -6, -1, 0, 1, 400)
CARDS = (b"4111111111111111", b"5500 0000 0000 0004", b"3782-822463-10005", b"6011000990139424", b"4222222222222")
OTHERS = (
    b"null", b"true", b"false", b"0", b"1", b'""', b'"x"', b"[]", b"{}", b"[null]", b'{"a":1}', b"[[[]]]", b'[{"a":[1,"b"]}]',
    b"NaN", b"Infinity", b"-Infinity", b"undefined", b"", b"'x'", b"0x10", b"+1", b"01", b".5", b"5.", b"1e", b"--1", b"1_000",
    b"nul", b"TRUE", b'"open', b"\xff", b"\0", b"1 2", b"[1,]", b'{"a":}', b"{,}", b'"\\', b"/*x*/1",
)  # fmt: skip
NUMBERS = (
    b"-0", b"-0.0", b"0.0", b"0e0", b"-0e-99", b"1e308", b"1e309", b"-1e308", b"5e-324", b"2.2250738585072014e-308", b"1e-400",
    b"1e400", b"1E+2", b"1.25e1", b"125e-1", b"12500e-3", b"0.1e2", b"1e9999999999", b"1e-9999999999", b"9" * 400, b"9" * 401,
    b"9" * 5_000, b"1." + b"0" * 5_000, b"0." + b"0" * 5_000 + b"1", b"9999999999999999.99", b"9999999999999999.990",
    b"10000000000000000", b"9999999999999999.995", b"0.005", b"0.001", b"12.345", b"1.10", b"100e-4", b"2147483647", b"2147483648",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"9007199254740993",
    b"23", b"24", b"23.0", b"23.5", b"6", b"7", b"6e0", b"-1", b"89.99999999999999999", b"90", b"90.00000000000001", b"-180", b"180.1",
    b"0.1", b"0.30000000000000004", b"1e2", b"1.7976931348623157e308", b"4111111111111111",
)  # fmt: skip
_PLAIN_TEXTS = (
    "", " ", "x" * 32, "x" * 33, "x" * 45, "x" * 46, "x" * 64, "x" * 65, "x" * 128, "x" * 129, "\U0001f6d2" * 128, "\0", "a\0b",
    "\x7f", "\u0085", "\u2028", "\ufeffx", "e\u0301", "\u00e9", "\u1e9b\u0323", "\u202etfel", "\u05d0\u05d1", "\ufdfa" * 64,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "Z\u0351\u036b\u0343" * 20, "\ud800", "\udfff", "\udfff\ud800", "a\ud83d",
    "\uffff", "\ufffe", "\U0010ffff", "EUR", "eur", "EUR\n", "\uff25\uff35\uff32", "E\u0301UR", "null", "NaN", "1", "../../etc/passwd",
    "'; drop table fraudstream.decision; --", "%s%n{0}${x}", "\\", '"', "\t\r\n", "=1+1", "192.0.2.7", "::ffff:192.0.2.7", "999.1.1.1",
)  # fmt: skip
_SPELLED_TEXTS = (
    '"Zürich"'.encode(), '"東京 🛒"'.encode(), rb'"\u004d\u0041"', rb'"\ud83d\uded2"', rb'"\u0000"', rb'"\uD800x"', rb'"\x41"',
    b'"raw\x01control"', b'"raw\nline"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"', b'"Z\xfcrich"', b'"\xe2\x28\xa1"',
    *(b'"' + card + b'"' for card in CARDS), rb'"\u0034111111111111111"', rb'"4111\u00201111\u00201111\u00201111"', b'" 4111111111111111 "',
    b'"4111111111111112"', '"٤١١١١١١١١١١١١١١١"'.encode(),
)  # fmt: skip
TEXTS = (*(json.dumps(text).encode() for text in _PLAIN_TEXTS), *_SPELLED_TEXTS)
_TIME_TEXTS = (
    "2026-08-12T10:30:00", "2026-08-12 10:30:00Z", "2026-08-12t10:30:00z", "2026-08-12T10:30:00.1234567890Z",
    "2026-08-12T10:30:00.999999999Z", "2026-08-12T10:30:00.9999Z", "2026-08-12T10:30:00.Z", "2026-08-12T10:30:60Z",
    "2016-12-31T23:59:60Z", "2026-08-12T24:00:00Z", "2026-08-12T10:60:00Z", "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z",
    "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
    "0001-01-01T00:00:00-14:00", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "2026-08-12T10:30:00+14:00", "2026-08-12T10:30:00-12:00", "2026-08-12T10:30:00+23:59",
    "2026-08-12T10:30:00+24:00", "2026-08-12T10:30:00+05:45", "2026-08-12T10:30:00-00:00", "2026-08-12T10:30:00+0545",
    "2026-08-12T10:30Z", "2026-W33-3T10:30:00Z", "2026-224T10:30:00Z", "20260812T103000Z", "1786530600", "1786530600000", "", " ",
    "2026-08-12T10:30:00Z ", "2026-08-12T10:30:00Z\\n", "2026-08-12T10:30:00 Z", "2026-08-12T10:30:00,5Z",
    "Wed, 12 Aug 2026 10:30:00 GMT",
    "2026-08-12T10:30:00[Europe/Berlin]", "2026-08-12T10:30:00Europe/Berlin", "now", "+2026-08-12T10:30:00Z",
    "\uff12\uff10\uff12\uff16-08-12T10:30:00Z", "2026\\u002d08-12T10:30:00Z", "1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z",
)  # fmt: skip
_TIME_NUMBERS = (b"1786530600", b"1786530600.5", b"1786530600000", b"-1", b"[2026,8,12]", b'{"$date":1786530600000}')  # fmt: skip
TIMES = (*(b'"' + text.encode() + b'"' for text in _TIME_TEXTS), *_TIME_NUMBERS)


def odd_number(rng: Random) -> bytes:
    """Return a number at some boundary, or with many digits, or with an exponent."""
    return rng.choice((_digits, _decimal, lambda r: r.choice(NUMBERS), lambda r: r.choice(NUMBERS)))(rng)


def odd_text(rng: Random) -> bytes:
    """Return a string that is empty, long, a card number, odd in its spelling or no Unicode at all."""
    return rng.choice(TEXTS) if rng.random() < 0.8 else _random_text(rng)


def odd_time(rng: Random) -> bytes:
    """Return something like a timestamp."""
    return rng.choice(TIMES)


def anything(rng: Random) -> bytes:
    """Return any odd value at all."""
    draw: Callable[[Random], bytes] = rng.choice((lambda r: r.choice(OTHERS), odd_number, odd_text, odd_time))
    return draw(rng)


def shifted(literal: bytes, rng: Random) -> bytes:
    """Return the timestamp moved by days to and over the bounds on event time, to within a second of them."""
    moment: datetime = parse_timestamp(json.loads(literal))
    by = timedelta(
        days=rng.choice(WHOLE_DAYS), minutes=rng.choice((-5, 0, 5)), milliseconds=rng.randint(-60_000, 60_000)
    )
    return b'"' + format_timestamp(moment + by).encode() + b'"'


def _digits(rng: Random) -> bytes:
    return b"%d" % rng.getrandbits(rng.choice((8, 31, 32, 53, 63, 64, 65, 128, 1300)))


def _decimal(rng: Random) -> bytes:
    places, exponent = rng.choice((1, 2, 3, 17)), rng.choice((b"", b"e%d" % rng.randint(-30, 30)))
    return b"%d.%0*d%s" % (rng.getrandbits(rng.choice((4, 16, 54))), places, rng.randrange(10**places), exponent)


def _random_text(rng: Random) -> bytes:
    alphabet = rng.choice(
        (range(32, 127), range(0x300, 0x370), range(0x5D0, 0x5EB), range(0x1F600, 0x1F650), range(0xD800, 0xE000))
    )
    text = "".join(chr(rng.choice(alphabet)) for _ in range(rng.choice((1, 3, 31, 64, 127, 128, 129, 500))))
    return json.dumps(text, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
