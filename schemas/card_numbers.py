"""Card numbers have no place here: how one is told from a token, and how it is masked in bytes of any kind."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas.dead_letter import FieldError, RefusalReason

_CARD_NUMBER = re.compile(r"[ \t\r\n]*([0-9](?:[ -]?[0-9]){12,18})[ \t\r\n]*")
_MIN_DIGITS, _MAX_DIGITS = 13, 19
_MAX_RUN_BYTES = _MAX_DIGITS * len(r"\u0030") * 4
"""No card number is longer, each digit and up to three characters between two spelled as escapes."""
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_NO_DIGITS = re.compile(rb"\\u00(?:3(?=[0-9])|2[0dD])|[^0-9]")

# No repetition below can start inside another, and none can match the same bytes in two ways, so time is linear whatever the bytes are.
# A `+` inside another repetition would be tried in all its divisions; a lookahead with its reference, `(?=(…))\1`, reads it once.
# Nothing is possessive: before Python 3.11.5 a possessive group kept what its last, failed round had read.
# NUL is let pass everywhere: so these work on UTF-16 too.
_DIGIT = rb"(?:\\u003[0-9]|[0-9])"
_BETWEEN = rb"(?:[ \0-]|\\u002[0dD])"
_PLAIN = rb"[0-9]+(?:[ \0-]{1,3}[0-9]+)*"
_LONG = rb"(?=%b(?:%b{0,3}%b){12})" % (_DIGIT, _BETWEEN, _DIGIT)
_RUN = rb"%b(?=(?P<run>(?:%b|%b|%b{1,3}%b)+))(?P=run)" % (_LONG, _PLAIN, _DIGIT, _BETWEEN, _DIGIT)
_ONE_NUMBER = rb"(?P<number>%b(?:%b{0,3}%b){12,18})" % (_DIGIT, _BETWEEN, _DIGIT)
_NUMBER_END = rb"(?![0-9A-Za-z_])(?!%b{0,3}%b)" % (_BETWEEN, _DIGIT)
# A search is fast only for a pattern whose first byte is known, so what must not stand before the key is looked for behind it.
_FIRST_LETTER = rb"(?:c|C|\\[uU]0063)(?<![0-9A-Za-z_][cC])(?<![0-9A-Za-z_]\\[uU]0063)"
_LETTERS = b"".join(rb"\0?(?:%c|\\u00%02x)" % (letter, letter) for letter in b"ard_id")
_KEY = rb"%b(?i:%b)\0?" % (_FIRST_LETTER, _LETTERS)
_UP_TO_VALUE = rb"(?=(?P<gap>(?:[^0-9A-Za-z\\\[({})\],]+|\\(?!u)[nrt]?|\\u00(?:09|0[aAdD]|20))*))(?P=gap)"
_NESTED = rb"[\[({][^\])}]*"
_ANY_RUN = re.compile(_RUN)
_STRETCH = re.compile(rb"[0-9\\][0-9 \0u\\dD-]{12,}")
"""Holds every run, and is quick to find."""
_ESCAPE, _GAP = re.compile(rb"[^0-9 \0-]"), re.compile(rb"[ \0-]{4}")
"""Without them a stretch is one run."""
_UNDER_CARD_ID = re.compile(
    rb"(?P<before>%b%b)(?:(?P<nested>%b)|%b%b)" % (_KEY, _UP_TO_VALUE, _NESTED, _ONE_NUMBER, _NUMBER_END)
)


def is_card_number(text: str) -> bool:
    """Whether `text`, but for white space around it, is 13 to 19 digits (with single spaces or dashes between) that pass Luhn's check."""
    found = _CARD_NUMBER.fullmatch(text)
    return found is not None and _passes_luhn(_NO_DIGITS.sub(b"", found[1].encode()))


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
    masked = _UNDER_CARD_ID.sub(_mask_value, data)
    return _mask_runs(data) if is_suspect and masked == data else masked


def _mask_value(found: re.Match[bytes]) -> bytes:
    return found["before"] + (_mask(found["number"]) if found["number"] else _mask_runs(found["nested"]))


def _mask_runs(data: bytes) -> bytes:
    return _STRETCH.sub(_mask_stretch, data)


def _mask_stretch(found: re.Match[bytes]) -> bytes:
    stretch = found[0]
    if len(stretch) > _MAX_RUN_BYTES and not _ESCAPE.search(stretch) and not _GAP.search(stretch):
        return stretch  # one run, and too long for a card number
    return _ANY_RUN.sub(lambda run: _mask(run["run"]), stretch)


def _mask(found: bytes) -> bytes:
    if len(found) > _MAX_RUN_BYTES:
        return found
    digits = found if found.isdigit() else _NO_DIGITS.sub(b"", found)
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or not _passes_luhn(digits):
        return found
    return b"masked-" + digits[-4:]


def _passes_luhn(digits: bytes) -> bool:
    total = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    return (total - ord("0") * len(digits)) % 10 == 0
