from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.card_numbers import is_card_number, mask_card_numbers, may_hide_card_number
from schemas.dead_letter import FieldError
from schemas.decode import InvalidRecord, Unknown, decode

CARD = b"4111111111111111"
ORDER = b'"transaction_id":"4222222222222220"'
"""A sender's id that happens to pass the Luhn check, as every tenth number does."""
EVENT = b'{"transaction_id":"t","timestamp":"2026-03-01T12:00:00Z","user_id":"u","amount":1,%b:%b}'


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("4111111111111111", True),
        ("4111 1111-1111 1111", True),
        (" 4111111111111111\n", True),
        ("4222222222222", True),
        ("4111111111111112", False),
        ("411111111111", False),
        ("41111111111111111111", False),
        ("4111  1111 1111 1111", False),
        ("tok_4111111111111111", False),
        ("٤١١١١١١١١١١١١١١١", False),
        ("", False),
    ],
)
def test_a_card_number_is_told_from_a_token(text: str, verdict: bool) -> None:
    assert is_card_number(text) is verdict


@pytest.mark.parametrize(
    ("data", "masked"),
    [
        (b'{"card_id":"4111111111111111"}', b'{"card_id":"masked-1111"}'),
        (b'{"card_id" : "4111 1111 1111 1111"}', b'{"card_id" : "masked-1111"}'),
        (b'{"card_id":"4111\\u002d1111-1111-1111"}', b'{"card_id":"masked-1111"}'),
        (b'{"card_id":"\\u0034111111111111111", "broken', b'{"card_id":"masked-1111", "broken'),
        (b'{"card_id":" 4111111111111111 "}', b'{"card_id":" masked-1111 "}'),
        (b'{"card_id":"\\t\\u00204111111111111111"}', b'{"card_id":"\\t\\u0020masked-1111"}'),
        (b'{"card_id":4111111111111111}', b'{"card_id":masked-1111}'),
        (b'{"card_id":4111111111111111.0}', b'{"card_id":masked-1111.0}'),
        (b'{"card_id":-4111111111111111}', b'{"card_id":-masked-1111}'),
        (b'{"card_id":["4111111111111111"]}', b'{"card_id":["masked-1111"]}'),
        (b'{"card_id":["tok",4222222222222,"4111111111111111"]}', b'{"card_id":["tok",masked-2222,"masked-1111"]}'),
        (b'{"card_id":{"pan":"4111111111111111"}}', b'{"card_id":{"pan":"masked-1111"}}'),
        (b'{"card_id":"4111111111111111, "hour": 3}', b'{"card_id":"masked-1111, "hour": 3}'),
        (b'{"card_id":"4111111111111111', b'{"card_id":"masked-1111'),
        (b'{"card_id" "4111111111111111"}', b'{"card_id" "masked-1111"}'),
        (b"{'card_id':'4111111111111111'}", b"{'card_id':'masked-1111'}"),
        (b"{card_id=4111111111111111}", b"{card_id=masked-1111}"),
        (b"<card_id>4111111111111111</card_id>", b"<card_id>masked-1111</card_id>"),
        (b'{"card\\u005fid":"4111111111111111"}', b'{"card\\u005fid":"masked-1111"}'),
        (b'{"\\u0063ard\\u005Fid":"4111111111111111"}', b'{"\\u0063ard\\u005Fid":"masked-1111"}'),
        (b'{"CARD_ID":"4111111111111111"}', b'{"CARD_ID":"masked-1111"}'),
        (b'"{\\"card_id\\":\\"4111111111111111\\"}"', b'"{\\"card_id\\":\\"masked-1111\\"}"'),
        (b'{"card_id":"4111111111111111","card_id":4222222222222}', b'{"card_id":"masked-1111","card_id":masked-2222}'),
        (b'\xff\xfe{"card_id":"4111111111111111"\x00', b'\xff\xfe{"card_id":"masked-1111"\x00'),
    ],
)
def test_a_card_number_under_its_key_is_masked_in_every_form(data: bytes, masked: bytes) -> None:
    assert mask_card_numbers(data) == masked
    assert mask_card_numbers(data, is_suspect=True) == masked
    assert mask_card_numbers(masked) == masked


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_card_number_is_masked_in_other_encodings(encoding: str) -> None:
    data = '{"card_id": "4111-1111-1111-1111", "hour": 3}'.encode(encoding)
    assert b"1111" not in mask_card_numbers(data).replace(b"\0", b"").replace(b"masked-1111", b"")


@pytest.mark.parametrize(
    "data",
    [
        b'{"card_id":"tok_4111111111111111"}',
        b'{"card_id":"4111111111111111abc"}',
        b'{"card_id":"4111111111111112"}',
        b'{"card_id":null,"user_id":"4111111111111111"}',
        b'{"card_id":"","merchant_id":"4111111111111111"}',
        b'{"card_id":"tok","user_id":4111111111111111}',
        b'{"discard_id":"4111111111111111","card_id_hash":"4111111111111111"}',
        b'{"card_id":[],"user_id":"4111111111111111"}',
        b'{"transaction_id":"4111111111111111"',
        b"",
    ],
)
def test_tokens_and_ids_stay_as_they_are(data: bytes) -> None:
    assert mask_card_numbers(data) == data


def test_where_the_key_shows_nothing_a_suspect_record_is_masked_everywhere() -> None:
    data = b'{"card_id":"PAN 4111111111111111","x":[41111111111111110000]}'
    assert mask_card_numbers(data) == data
    assert mask_card_numbers(data, is_suspect=True) == data.replace(CARD + b'"', b'masked-1111"')


def test_what_a_suspect_record_shows_under_its_key_leaves_its_other_ids_alone() -> None:
    data = b'{%b,"card_id":"%b"}' % (ORDER, CARD)
    assert mask_card_numbers(data, is_suspect=True) == b'{%b,"card_id":"masked-1111"}' % ORDER


def test_a_refusal_says_whether_to_suspect_a_card_number() -> None:
    amount, card, element = (FieldError(field=name, message="no") for name in ("amount", "card_id", "card_id.0"))
    assert may_hide_card_number("looks_like_card_number", ())
    assert may_hide_card_number("invalid_event", (amount, card))
    assert may_hide_card_number("invalid_event", (element,))
    assert not may_hide_card_number("invalid_event", (amount,))
    assert not may_hide_card_number("invalid_json", ())


def _with_check_digit(stem: str) -> str:
    return next(stem + digit for digit in "0123456789" if is_card_number(stem + digit))


def _spell(draw: st.DrawFn, text: str) -> bytes:
    as_escape = [draw(st.booleans()) for _ in text]
    hexadecimal = draw(st.sampled_from(["\\u%04x", "\\u%04X"]))
    return "".join(hexadecimal % ord(c) if escape else c for c, escape in zip(text, as_escape, strict=True)).encode()


@st.composite
def _events_with_a_card_number(draw: st.DrawFn) -> tuple[bytes, str]:
    digits = _with_check_digit(draw(st.from_regex("[0-9]{12,18}", fullmatch=True)))
    grouped = digits[0] + "".join(draw(st.sampled_from(["", "", " ", "-"])) + digit for digit in digits[1:])
    around = draw(st.sampled_from(["", " ", "  "]))
    key, value = _spell(draw, "card_id"), _spell(draw, around + grouped + around)
    space = draw(st.sampled_from([b"", b" ", b" \n\t "]))
    return EVENT % (b'"%b"%b' % (key, space), b'%b"%b"' % (space, value)), digits


@given(_events_with_a_card_number())
def test_whatever_is_refused_as_a_card_number_is_masked(event: tuple[bytes, str]) -> None:
    data, digits = event
    with pytest.raises(InvalidRecord, match="looks_like_card_number"):
        decode(data, Unknown())
    assert json.loads(mask_card_numbers(data))["card_id"].strip() == f"masked-{digits[-4:]}"


@given(
    st.lists(
        st.sampled_from(
            [b'"card_id":', b"card\\u005fid", b"41", b"\\u0034", b" ", b"-", b"[", b"]", b'"', b"\\", b"\xff"]
        )
    )
)
def test_masking_again_changes_nothing(parts: list[bytes]) -> None:
    once = mask_card_numbers(b"".join(parts))
    assert mask_card_numbers(once) == once


@pytest.mark.parametrize(
    "part",
    [
        b"\\",
        b'\\"',
        b'"card_id":',
        b'"card_id":[',
        b"card_id 4",
        b"4",
        b"4 ",
        b"4---",
        b"\\u003",
        b"\\u0034",
        b"\\u0020",
        b"c\0",
        b"\xfe",
    ],
)
def test_900_kb_of_anything_are_masked_in_bounded_time(part: bytes) -> None:
    data = part * (900_000 // len(part))
    assert mask_card_numbers(data, is_suspect=True) == data
