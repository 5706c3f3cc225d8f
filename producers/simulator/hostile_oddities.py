"""Events that look wrong and are legal: the schema promises to take them, so the pipeline must decide them."""

from __future__ import annotations

from datetime import timedelta, timezone

from producers.simulator.hostile_fields import REQUIRED
from producers.simulator.hostile_recipes import Event, Recipe, encode, text, with_literal
from schemas.timestamps import parse_timestamp


def _odd(kind: str, path: str, literal: bytes) -> Recipe:
    return Recipe(kind, with_literal(path, literal), None)


def _respelled(kind: str, old: str, new: str) -> Recipe:
    return Recipe(kind, lambda event: encode(event | {"timestamp": event["timestamp"].replace(old, new)}), None)


def _with_offset(event: Event) -> bytes:
    moment = parse_timestamp(event["timestamp"]).astimezone(timezone(timedelta(hours=5, minutes=45)))
    return encode(event | {"timestamp": moment.isoformat(timespec="milliseconds")})


def _only_required(event: Event) -> bytes:
    return encode({name: event[name] for name in REQUIRED})


def _nulls(event: Event) -> bytes:
    return encode({name: value if name in REQUIRED else None for name, value in event.items()})


def _nested_unknown(event: Event) -> bytes:
    return encode(event | {"device_info": event["device_info"] | {"battery": 0.4}})


def _duplicate_key(event: Event) -> bytes:
    return encode(event)[:-1] + b',"amount":7.25}'


def _spread_out(event: Event) -> bytes:
    return b" \t" + encode(event).replace(b",", b" ,\r ") + b" \r"


ODDITIES = (
    _odd("unknown_field", "loyalty_points", b"120"),
    Recipe("unknown_nested_field", _nested_unknown, None),
    Recipe("only_required_fields", _only_required, None),
    Recipe("null_for_every_optional_field", _nulls, None),
    Recipe("duplicate_key", _duplicate_key, None),
    Recipe("odd_white_space", _spread_out, None),
    _odd("amount_zero", "amount", b"0"),
    _odd("amount_minus_zero", "amount", b"-0.0"),
    _odd("amount_with_exponent", "amount", b"1e2"),
    _odd("amount_with_exponent_and_decimals", "amount", b"1.250E+1"),
    _odd("amount_with_trailing_zeros", "amount", b"12.5000"),
    _odd("amount_largest", "amount", b"9999999999999999.99"),
    _respelled("timestamp_nine_digit_fraction", "Z", "999999Z"),
    _respelled("timestamp_lower_case", "T", "t"),
    Recipe("timestamp_with_offset", _with_offset, None),
    _odd("unicode_names", "location.city", text("Łódź 東京 \u202eתל אביב\u202c 🛒")),
    _odd("escaped_surrogate_pair", "merchant_id", rb'"shop \ud83d\uded2"'),
    _odd("merchant_id_empty", "merchant_id", b'""'),
    _odd("merchant_id_with_quotes", "merchant_id", text("'; drop table decisions; --\\\"\t\n")),
    _odd("merchant_id_of_128_wide_characters", "merchant_id", text("🛒" * 128)),
    _odd("category_unheard_of", "merchant_category", text("submarines")),
    _odd("country_unheard_of", "location.country", text("Atlantis")),
    _odd("ip_address_nonsense", "device_info.ip_address", text("not an address")),
    _odd("latitude_whole_number", "location.latitude", b"-90"),
    _odd("hour_as_whole_float", "hour", b"13.0"),
    _odd("previous_count_with_exponent", "previous_transactions_count", b"1.7e1"),
    _odd("card_token_of_digits", "card_id", b'"4111111111111112"'),
    _odd("metadata_nested_5_deep", "metadata", b'{"a":{"b":[{"c":{"d":1}}]}}'),
    _odd("metadata_with_nul", "metadata", rb'{"note":"a\u0000b"}'),
    _odd("metadata_of_60_kb", "metadata", b'{"note":"' + b"x" * 60_000 + b'"}'),
)
"""All of them must be decided."""
