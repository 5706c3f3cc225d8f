"""What an API key is: its text, and what is kept of it."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from producers.gateway.api_key import SCOPES, hash_secret, parse_key
from tests.builders import NOW
from tests.key_builders import PEPPER, WELL_FORMED, a_key


def test_a_key_is_shown_in_parts_that_can_be_read_again() -> None:
    made = a_key()
    shown = parse_key(made.shown)
    assert re.fullmatch(r"fs_[a-z2-7]{12}_[A-Za-z0-9_-]{43}", made.shown)
    assert shown is not None
    assert shown.key_id == made.kept.key_id
    assert hash_secret(PEPPER, made.kept.salt, shown.secret) == made.kept.secret_hash


def test_nothing_that_is_kept_holds_the_secret() -> None:
    made = a_key()
    shown = parse_key(made.shown)
    assert shown is not None
    assert shown.secret not in repr(made.kept)
    assert shown.secret.encode() not in made.kept.secret_hash + made.kept.salt


def test_every_random_part_is_drawn_anew() -> None:
    numbers = count(1)
    one, two = (a_key(draw=lambda size: bytes([next(numbers)]) * size) for _ in range(2))
    assert one.shown != two.shown
    assert one.kept.key_id != two.kept.key_id
    assert one.kept.salt != two.kept.salt
    assert a_key().shown != a_key().shown


def test_what_was_kept_by_an_earlier_release_is_still_understood() -> None:
    # made by another implementation: scrypt(n 16384, r 8, p 1) over HMAC-SHA256
    kept = "1a86e136e80b235ce358fb7fc4abce476c8c711967f508e3c0e5da5a4a6b36bb"
    assert hash_secret(PEPPER, b"0123456789abcdef", "secret").hex() == kept


def test_the_hash_depends_on_the_pepper_the_salt_and_the_secret() -> None:
    variants = [(PEPPER, b"salt", "s"), (PEPPER + b"!", b"salt", "s"), (PEPPER, b"tlas", "s"), (PEPPER, b"salt", "t")]
    assert len({hash_secret(*each) for each in variants}) == 4


def test_a_short_pepper_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        hash_secret(b"123456789012345", b"salt", "secret")


@pytest.mark.parametrize(
    "text",
    [
        "",
        WELL_FORMED[:-1],
        WELL_FORMED + "x",
        WELL_FORMED + "\n",
        " " + WELL_FORMED,
        WELL_FORMED.upper(),
        WELL_FORMED.replace("fs_", "fx_"),
        WELL_FORMED.replace("27_", "21_"),
        WELL_FORMED.replace("-", "+"),
        WELL_FORMED.replace("3", "\u0663"),
    ],
)
def test_any_other_text_is_no_key(text: str) -> None:
    assert parse_key(WELL_FORMED) is not None
    assert parse_key(text) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "the name must have 1 to 100"),
        ({"name": "x" * 101}, "the name must have 1 to 100"),
        ({"name": " shop"}, "the name must have"),
        ({"name": "sh\u001b[2Jop"}, "printable"),
        ({"scopes": []}, "one or more of classify, read, label"),
        ({"scopes": ["classify", "admin"]}, "the scopes must be"),
        ({"rate_per_s": 0.0009}, "the rate must be 0.001 to"),
        ({"rate_per_s": float("nan")}, "the rate must be 0.001 to"),
        ({"rate_per_s": float("inf")}, "the rate must be 0.001 to 1,000,000"),
        ({"burst": 0}, "the burst must be 1 to 1,000,000"),
        ({"burst": 1_000_001}, "the burst must be"),
        ({"expires_at": NOW}, "must expire after now"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        a_key(**changes)


def test_the_bounds_themselves_are_taken() -> None:
    made = a_key(
        name="x" * 100, scopes=SCOPES, rate_per_s=1e6, burst=1_000_000, expires_at=NOW + timedelta(milliseconds=1)
    )
    assert made.kept.scopes == {"classify", "read", "label"}
    assert made.kept.revoked_at is None
