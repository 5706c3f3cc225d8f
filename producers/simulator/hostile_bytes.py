"""Records that are no JSON object, or not the one that somebody meant to send: wrong as a whole, before any field is looked at."""

from __future__ import annotations

from collections.abc import Callable

from producers.simulator.hostile_recipes import Event, Recipe, encode, with_literal

_DEEP = 30_000
_TOO_DEEP = 40
_LARGE = 900_000


def _always(data: bytes) -> Callable[[Event], bytes]:
    return lambda _: data


def _nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def _padded(event: Event, size: int) -> bytes:
    return encode(event | {"metadata": {"padding": "x" * size}})


def _replaced(old: bytes, new: bytes) -> Callable[[Event], bytes]:
    return lambda event: encode(event).replace(old, new, 1)


BYTES = (
    Recipe("empty", _always(b""), "empty_record"),
    Recipe("whitespace_only", _always(b" \t \r "), "empty_record"),
    Recipe("not_json", _always(b"transaction 42: 12.50 EUR, thanks"), "invalid_json"),
    Recipe("random_bytes", _always(bytes(range(128, 256))), "invalid_utf8"),
    Recipe("nul_bytes", _always(b"\0" * 64), "invalid_json"),
    Recipe("xml", _always(b"<transaction><amount>1</amount></transaction>"), "invalid_json"),
    Recipe("csv", _always(b"t-1,2026-01-01T00:00:00Z,u-1,12.50"), "invalid_json"),
    Recipe("truncated", lambda event: encode(event)[:-40], "invalid_json"),
    Recipe("truncated_by_one_byte", lambda event: encode(event)[:-1], "invalid_json"),
    Recipe("truncated_in_a_character", lambda event: encode(event | {"merchant_id": "Zürich"}).partition(b"\xbc")[0], "invalid_utf8"),
    Recipe("invalid_utf8", _replaced(b"Berlin", b"Berl\xff\xfen"), "invalid_utf8"),
    Recipe("overlong_utf8", _replaced(b"Berlin", b"Berl\xc0\xafn"), "invalid_utf8"),
    Recipe("surrogate_in_utf8", _replaced(b"Berlin", b"Berl\xed\xa0\x80n"), "invalid_utf8"),
    Recipe("latin_1", lambda event: encode(event).replace(b"Berlin", "Zürich".encode("latin-1")), "invalid_utf8"),
    Recipe("utf_8_bom", lambda event: b"\xef\xbb\xbf" + encode(event), "invalid_json"),
    Recipe("utf_16", lambda event: encode(event).decode().encode("utf-16"), "invalid_utf8"),
    Recipe("utf_16_without_bom", lambda event: encode(event).decode().encode("utf-16-le"), "invalid_json"),
    Recipe("control_character_in_string", _replaced(b"Berlin", b"Ber\x01lin"), "invalid_json"),
    Recipe("nul_byte_in_string", _replaced(b"Berlin", b"Ber\0lin"), "invalid_json"),
    Recipe("bad_escape", _replaced(b"Berlin", rb"Ber\xlin"), "invalid_json"),
    Recipe("single_quotes", lambda event: encode(event).replace(b'"', b"'"), "invalid_json"),
    Recipe("trailing_comma", lambda event: encode(event)[:-1] + b",}", "invalid_json"),
    Recipe("comment", lambda event: encode(event)[:-1] + b"/* ok */}", "invalid_json"),
    Recipe("trailing_garbage", lambda event: encode(event) + b" ok", "invalid_json"),
    Recipe("two_objects", lambda event: encode(event) + encode(event), "invalid_json"),
    Recipe("array_at_top_level", lambda event: b"[" + encode(event) + b"]", "invalid_event", ("",)),
    Recipe("string_at_top_level", _always(b'"transaction"'), "invalid_event", ("",)),
    Recipe("number_at_top_level", _always(b"42"), "invalid_event", ("",)),
    Recipe("null_at_top_level", _always(b"null"), "invalid_event", ("",)),
    Recipe("empty_object", _always(b"{}"), "invalid_event", ("transaction_id", "timestamp", "user_id", "amount")),
    Recipe("event_of_70_kb", lambda event: _padded(event, 70_000), "event_too_large"),
    Recipe("event_of_900_kb", lambda event: _padded(event, _LARGE), "event_too_large"),
    Recipe("garbage_of_900_kb", _always(b"\xfe" * _LARGE), "event_too_large"),
    Recipe("deep_metadata", with_literal("metadata", _nested(_TOO_DEEP)), "nesting_too_deep"),
    Recipe("very_deep_metadata", with_literal("metadata", _nested(5_000)), "nesting_too_deep"),
    Recipe("deep_unknown_field", with_literal("extra", _nested(_TOO_DEEP)), "nesting_too_deep"),
    Recipe("deep_top_level", _always(b"[" * _DEEP + b"]" * _DEEP), "nesting_too_deep"),
)  # fmt: skip
"""All of them must be refused."""
