"""Events that are JSON objects, but with a field that the schema refuses."""

from __future__ import annotations

from datetime import datetime, timedelta

from producers.simulator.hostile_recipes import Event, Recipe, encode, text, with_literal, without
from schemas.dead_letter import RefusalReason
from schemas.timestamps import format_timestamp, parse_timestamp


def _bad(kind: str, path: str, literal: bytes, reason: RefusalReason = "invalid_event") -> Recipe:
    return Recipe(kind, with_literal(path, literal), reason, () if reason == "invalid_json" else (path,))


def _shifted(by: timedelta) -> Recipe:
    def make(event: Event) -> bytes:
        moment: datetime = parse_timestamp(event["timestamp"])
        return encode(event | {"timestamp": format_timestamp(moment + by)})

    kind = "event_time_far_in_the_past" if by < timedelta() else "event_time_far_in_the_future"
    return Recipe(kind, make, "event_time_out_of_bounds", ("timestamp",))


def _many_faults(event: Event) -> bytes:
    return encode(event | {"amount": "12", "hour": 24, "user_id": "", "location": {"latitude": 91, "longitude": "x"}})


REQUIRED = ("transaction_id", "timestamp", "user_id", "amount")

_AMOUNTS = (
    _bad("amount_nan", "amount", b"NaN", "invalid_json"),
    _bad("amount_infinity", "amount", b"Infinity", "invalid_json"),
    _bad("amount_minus_infinity", "amount", b"-Infinity", "invalid_json"),
    _bad("amount_leading_zero", "amount", b"012.50", "invalid_json"),
    _bad("amount_plus_sign", "amount", b"+12.50", "invalid_json"),
    _bad("amount_decimal_comma", "amount", b"12,50", "invalid_json"),
    _bad("amount_hexadecimal", "amount", b"0x10", "invalid_json"),
    _bad("amount_1e400", "amount", b"1e400"),
    _bad("amount_exponent_of_10_digits", "amount", b"1e9999999999"),
    _bad("amount_tiny_exponent", "amount", b"1e-400"),
    _bad("amount_1e20", "amount", b"1e20"),
    _bad("amount_of_5000_digits", "amount", b"9" * 5_000),
    _bad("amount_with_5000_decimals", "amount", b"1." + b"1" * 5_000),
    _bad("amount_negative", "amount", b"-12.50"),
    _bad("amount_three_decimals", "amount", b"12.505"),
    _bad("amount_as_string", "amount", b'"12.50"'),
    _bad("amount_true", "amount", b"true"),
    _bad("amount_object", "amount", b'{"value":12.5}'),
)

_TIMES = (
    _bad("timestamp_naive", "timestamp", b'"2026-03-01T12:00:00"'),
    _bad("timestamp_leap_second", "timestamp", b'"2026-06-30T23:59:60Z"'),
    _bad("timestamp_30_february", "timestamp", b'"2026-02-30T12:00:00Z"'),
    _bad("timestamp_hour_24", "timestamp", b'"2026-03-01T24:00:00Z"'),
    _bad("timestamp_year_0", "timestamp", b'"0000-01-01T00:00:00Z"'),
    _bad("timestamp_year_10000", "timestamp", b'"10000-01-01T00:00:00Z"'),
    _bad("timestamp_before_year_1_in_utc", "timestamp", b'"0001-01-01T00:00:00+14:00"'),
    _bad("timestamp_date_only", "timestamp", b'"2026-03-01"'),
    _bad("timestamp_with_a_space", "timestamp", b'"2026-03-01 12:00:00Z"'),
    _bad("timestamp_ten_digit_fraction", "timestamp", b'"2026-03-01T12:00:00.1234567890Z"'),
    _bad("timestamp_words", "timestamp", b'"yesterday at noon"'),
    _bad("timestamp_empty", "timestamp", b'""'),
    _bad("timestamp_epoch_number", "timestamp", b"1772366400"),
    _bad("timestamp_epoch_string", "timestamp", b'"1772366400"'),
    _bad("timestamp_arabic_digits", "timestamp", text("٢٠٢٦-03-01T12:00:00Z")),
    _shifted(timedelta(days=-400)),
    _shifted(timedelta(days=400)),
)

_TEXTS = (
    _bad("transaction_id_empty", "transaction_id", b'""'),
    _bad("transaction_id_too_long", "transaction_id", text("t" * 129)),
    _bad("transaction_id_of_10_kb", "transaction_id", text("t" * 10_000)),
    _bad("transaction_id_number", "transaction_id", b"42"),
    _bad("user_id_too_long", "user_id", text("u" * 129)),
    _bad("user_id_with_nul", "user_id", rb'"user\u0000name"'),
    _bad("user_id_lone_surrogate", "user_id", rb'"user\ud800"'),
    _bad("user_id_array", "user_id", b'["u-1"]'),
    _bad("merchant_id_too_long", "merchant_id", text("m" * 129)),
    _bad("merchant_id_lone_low_surrogate", "merchant_id", rb'"\udc00"'),
    _bad("merchant_category_too_long", "merchant_category", text("c" * 65)),
    _bad("channel_with_nul", "channel", rb'"on\u0000line"'),
    _bad("currency_lower_case", "currency", b'"eur"'),
    _bad("currency_symbol", "currency", text("€")),
    _bad("currency_with_line_end", "currency", rb'"EUR\n"'),
    _bad("ip_address_too_long", "device_info.ip_address", text("1" * 46)),
    _bad("device_type_number", "device_info.device_type", b"7"),
    _bad("card_number", "card_id", b'"4111111111111111"', "looks_like_card_number"),
    _bad("card_number_with_spaces", "card_id", b'"4111 1111 1111 1111"', "looks_like_card_number"),
    _bad("card_number_with_dashes", "card_id", b'"4111-1111-1111-1111"', "looks_like_card_number"),
    _bad("card_number_with_space_around", "card_id", b'" 4111111111111111 "', "looks_like_card_number"),
    _bad("card_number_as_number", "card_id", b"4111111111111111"),
    _bad("card_number_in_an_array", "card_id", b'["4111111111111111"]'),
    _bad("card_number_escaped", "card_id", rb'"\u0034111111111111111"', "looks_like_card_number"),
)

_NUMBERS = (
    _bad("latitude_91", "location.latitude", b"91"),
    _bad("latitude_nan", "location.latitude", b"NaN", "invalid_json"),
    _bad("latitude_1e400", "location.latitude", b"1e400"),
    _bad("latitude_string", "location.latitude", b'"52.52"'),
    _bad("longitude_minus_181", "location.longitude", b"-181"),
    _bad("longitude_true", "location.longitude", b"true"),
    _bad("hour_24", "hour", b"24"),
    _bad("hour_minus_1", "hour", b"-1"),
    _bad("hour_true", "hour", b"true"),
    _bad("hour_float", "hour", b"12.5"),
    _bad("hour_string", "hour", b'"12"'),
    _bad("day_of_week_7", "day_of_week", b"7"),
    _bad("day_of_week_name", "day_of_week", b'"Monday"'),
    _bad("previous_count_negative", "previous_transactions_count", b"-1"),
    _bad("previous_count_beyond_32_bits", "previous_transactions_count", b"2147483648"),
    _bad("previous_count_of_5000_digits", "previous_transactions_count", b"9" * 5_000),
    _bad("previous_count_float", "previous_transactions_count", b"17.5"),
)

_SHAPES = (
    _bad("location_string", "location", b'"Berlin"'),
    _bad("location_array", "location", b"[52.52,13.405]"),
    _bad("device_info_number", "device_info", b"7"),
    _bad("metadata_string", "metadata", b'"none"'),
    _bad("metadata_nan", "metadata", b'{"ratio":NaN}', "invalid_json"),
    Recipe(
        "several_faults", _many_faults, "invalid_event",
        ("amount", "hour", "user_id", "location.latitude", "location.longitude"),
    ),
)  # fmt: skip

FIELDS = (
    *_AMOUNTS,
    *_TIMES,
    *_TEXTS,
    *_NUMBERS,
    *_SHAPES,
    *(Recipe(f"{name}_missing", without(name), "invalid_event", (name,)) for name in REQUIRED),
    *(_bad(f"{name}_null", name, b"null") for name in REQUIRED),
)
"""All of them must be refused, with every field at fault named."""
