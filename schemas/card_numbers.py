"""Card numbers have no place here: how one is told from a token, and how it is masked in bytes of any kind."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas.dead_letter import FieldError, RefusalReason

_CARD_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")
_WHITE_SPACE = " \t\r\n"
_MIN_DIGITS, _MAX_DIGITS = 13, 19

# No repetition below can start inside another, and none can match the same bytes in two ways, so time is linear whatever the bytes are.
# None is possessive: before Python 3.11.5 a possessive group kept what its last, failed round had read.
# NUL is let pass everywhere: so these work on UTF-16 too.
_DIGIT = rb"(?:\\u003[0-9]|[0-9])"
_BETWEEN = rb"(?:[ \0-]|\\u002[0dD])"
_RUN = rb"%b(?:%b{0,3}%b){12,}" % (_DIGIT, _BETWEEN, _DIGIT)
_RUN_END = rb"(?![0-9A-Za-z_])(?!%b{0,3}%b)" % (_BETWEEN, _DIGIT)
_KEY = rb"(?<![0-9A-Za-z_])(?i:%b)" % b"".join(rb"(?:%c|\\u00%02x)\0?" % (letter, letter) for letter in b"card_id")
_UP_TO_VALUE = rb"(?:[^0-9A-Za-z\\\[({})\],]|\\(?!u)[nrt]?|\\u00(?:09|0[aAdD]|20))*"
_NESTED = rb"[\[({][^\])}]*"
_ANY_RUN = re.compile(_RUN)
_UNDER_CARD_ID = re.compile(rb"(%b%b)(%b|%b%b)" % (_KEY, _UP_TO_VALUE, _NESTED, _RUN, _RUN_END))


def is_card_number(text: str) -> bool:
    """Whether `text`, but for white space around it, is 13 to 19 digits (with single spaces or dashes between) that pass Luhn's check."""
    inner = text.strip(_WHITE_SPACE)
    return _CARD_NUMBER.fullmatch(inner) is not None and _passes_luhn([int(d) for d in inner if d.isdigit()])


def may_hide_card_number(reason: RefusalReason, errors: Iterable[FieldError]) -> bool:
    """Whether a refused record holds a card number, or something unread as its card_id: what `mask_card_numbers` must know of it."""
    return reason == "looks_like_card_number" or any(error.field.split(".")[0] == "card_id" for error in errors)


def mask_card_numbers(data: bytes, *, is_suspect: bool = False) -> bytes:
    """Return `data` with every card number under a card_id key masked but for its last four digits.

    Works on any bytes, also where the record cannot be parsed, and in time linear in their length. The key may be spelled with
    escapes; the value may be a string, a number, in an array or object, and any quote may be lost. Digits elsewhere stay as they are,
    because replay needs ids, unless the record `is_suspect` (see `may_hide_card_number`) and nothing was found under a card_id key:
    then whatever could be a card number is masked, wherever it stands.
    """
    masked = _UNDER_CARD_ID.sub(lambda found: found[1] + _ANY_RUN.sub(_mask, found[2]), data)
    return _ANY_RUN.sub(_mask, data) if is_suspect and masked == data else masked


def _mask(run: re.Match[bytes]) -> bytes:
    plain = re.sub(rb"\\u002[0dD]", b"", run[0]).replace(rb"\u003", b"")
    digits = [int(chr(byte)) for byte in plain if chr(byte).isdigit()]
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or not _passes_luhn(digits):
        return run[0]
    return b"masked-%d%d%d%d" % tuple(digits[-4:])


def _passes_luhn(digits: list[int]) -> bool:
    doubled = [digit if i % 2 == 0 else 2 * digit for i, digit in enumerate(reversed(digits))]
    return sum(d if d <= 9 else d - 9 for d in doubled) % 10 == 0  # noqa: PLR2004 - decimal digits
