"""Requests to the gateway and what each must be answered: good ones, each bad field, headers, sizes, encodings, oddities of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from producers.gateway.problems import ErrorCode
from tests.gateway_builders import a_body

KeyName = Literal["good", "reader", "labeller", "revoked", "expired", "unknown", "garbled", "none"]
CLASSIFY = "/api/v1/classify"
JSON: Mapping[str, str] = {"Content-Type": "application/json"}
DEEP = b"[" * 40 + b"]" * 40


class Case(NamedTuple):
    """A request, and its answer: status, error code, and texts that stand in `details` (by path; a part of the text is enough)."""

    name: str
    body: bytes = b""
    status: int = 200
    code: ErrorCode | None = None
    details: Mapping[str, str] = {}
    method: str = "POST"
    path: str = CLASSIFY
    headers: Mapping[str, str] = JSON
    key: KeyName = "good"
    is_chunked: bool = False


def _good(name: str, **changes: Any) -> Case:
    return Case(name, a_body(**changes))


def _bad(path: str, value: Any, text: str) -> Case:
    body = a_body(**{path.replace(".", "__"): value})
    shown = "nothing" if value is ... else f"{value!r:.20}"
    return Case(f"{path} is {shown}", body, 400, "VALIDATION_ERROR", {path: text})


def _raw(name: str, body: bytes, text: str, path: str = "body") -> Case:
    return Case(name, body, 400, "VALIDATION_ERROR", {path: text})


def _with(number: bytes, **field: int) -> bytes:
    """A good body in which the number 7 of one field is spelled as given."""
    return a_body(**field).replace(b": 7,", b": " + number + b",").replace(b": 7}", b": " + number + b"}")


def good_requests() -> Iterator[Case]:
    """What is decided."""
    yield _good("the smallest request")
    yield _good("an id", transaction_id="table-id")
    yield _good("the very same again", transaction_id="table-id")
    yield _good("a time", timestamp="2026-03-01T11:59:59.5+00:00")
    yield _good("a time six days ago", timestamp="2026-02-23T12:00:00Z")
    yield _good("nulls where it may be left out", transaction_id=None, timestamp=None, currency=None, metadata=None)
    yield _good(
        "all of the event's fields", currency="EUR", merchant_id="m", channel="online", card_id="tok_1", type="x"
    )
    yield _good("unknown fields", loyalty={"level": 3}, location__planet="Earth")
    yield _good("Unicode", user_id="användare-ÅÄÖ-用户-\N{GRINNING FACE}", location__city="Malmö")
    yield Case("escapes", b'{"card_id": "\\u0074\\ud83d\\ude00", ' + a_body()[1:])
    yield _good("an id with a slash, a question mark and spaces", transaction_id="a/b?c d#e%2F")
    yield _good("the longest id", transaction_id="\N{GRINNING FACE}" * 128)
    yield _good("empty texts where the stream has them", merchant_category="", location__state="")
    yield Case("the smallest amount", _with(b"0.01", amount=7))
    yield Case("the greatest amount", _with(b"9999999999999999.99", amount=7))
    yield Case("an amount with an exponent", _with(b"1.25e1", amount=7))
    yield Case("an amount with zeros behind", _with(b"12.5000000000", amount=7))
    yield Case("a whole number with a point", _with(b"7.0", hour=7))
    yield _good("the edges", hour=23, day_of_week=6, previous_transactions_count=2**31 - 1, location__latitude=-90)
    yield Case("white space around", b" \r\n\t" + a_body() + b"\n")
    yield Case("a charset", a_body(), headers={"Content-Type": "application/json; charset=utf-8"})
    yield Case("a media type in capitals", a_body(), headers={"Content-Type": "Application/JSON"})
    yield Case("a body in chunks", a_body(), is_chunked=True)
    yield Case("an id of the request", a_body(), headers={**JSON, "X-Request-Id": "client-7"})
    yield Case("an id of the request that is none", a_body(), headers={**JSON, "X-Request-Id": "<script>"})
    yield _good("as much metadata as fits", metadata={"blob": "x" * 64_000})
    yield Case("nested as deep as allowed", a_body(metadata={"a": 7}).replace(b"7}", b"[" * 30 + b"]" * 30 + b"}"))


def missing_fields() -> Iterator[Case]:
    """Each field that is required, left out."""
    for path in ("hour", "day_of_week", "merchant_category", "location", "device_info", "user_id"):
        yield _bad(path, ..., "is required")
    for path in ("country", "state", "city", "latitude", "longitude"):
        yield _bad(f"location.{path}", ..., "is required")
    for path in ("amount", "previous_transactions_count", "device_info.device_type", "device_info.ip_address"):
        yield _bad(path, ..., "is required")
        yield _bad(path, None, "is required")


def wrong_numbers() -> Iterator[Case]:
    """Numbers out of their bounds, and what is none."""
    amounts: tuple[object, ...] = (0, -1, -0.01, "12.30", True, [], {})
    for amount in amounts:
        yield _bad("amount", amount, "must be positive number")
    yield _bad("amount", 0.001, "must have at most two decimals")
    yield _bad("amount", 10**16, "must be between 0 and 9999999999999999.99")
    yield _bad("hour", 24, "must be between 0 and 23")
    yield _bad("hour", -1, "must be between 0 and 23")
    yield _bad("hour", "5", "must be a whole number between 0 and 23")
    yield _bad("hour", 5.5, "must be a whole number between 0 and 23")
    yield _bad("day_of_week", 7, "must be between 0 and 6")
    yield _bad("previous_transactions_count", -1, "must be between 0 and 2147483647")
    yield _bad("previous_transactions_count", 2**31, "must be between 0 and 2147483647")
    yield _bad("location.latitude", 90.5, "must be between -90 and 90")
    yield _bad("location.longitude", -181, "must be between -180 and 180")
    yield _bad("location.latitude", "north", "must be a number between -90 and 90")


def wrong_texts() -> Iterator[Case]:
    """Texts too long, too short, not to be stored, and what is none."""
    yield _bad("location", [], "must be an object")
    yield _bad("device_info", "phone", "must be an object")
    yield _bad("merchant_category", 7, "must be a string")
    yield _bad("merchant_category", "m" * 65, "must be at most 64 characters")
    yield _bad("device_info.ip_address", "1" * 46, "must be at most 45 characters")
    yield _bad("user_id", "", "must not be empty")
    yield _bad("user_id", "u" * 129, "must be at most 128 characters")
    yield _bad("user_id", "a\0b", "must not contain U+0000")
    yield _bad("user_id", "\ud83d", "must not contain lone surrogates")
    yield _bad("transaction_id", "", "must not be empty")
    yield _bad("transaction_id", 7, "must be a string")


def wrong_in_their_own_ways() -> Iterator[Case]:
    """Fields with rules of their own."""
    yield _bad("timestamp", "2026-03-01 12:00", "RFC 3339")
    yield _bad("timestamp", 1772366400, "RFC 3339")
    yield _bad("timestamp", "2026-02-20T12:00:00Z", "must be between 7 days ago")
    yield _bad("timestamp", "2026-03-01T12:10:00Z", "must be between 7 days ago")
    yield _bad("currency", "euro", "must be three capital letters")
    yield _bad("card_id", "4111111111111111", "looks like a card number")
    yield _bad("metadata", "free", "must be an object")
    yield _bad("type", 7, "must be a string")


def no_documents() -> Iterator[Case]:
    """What is no JSON object, or none in UTF-8."""
    yield _raw("no body", b"", "must not be empty")
    yield _raw("no JSON", b"amount=1", "is not JSON")
    yield _raw("half of it", a_body()[:-9], "is not JSON")
    yield _raw("two of it", a_body() * 2, "is not JSON")
    yield _raw("a byte order mark", b"\xef\xbb\xbf" + a_body(), "is not JSON")
    yield _raw("UTF-16", a_body().decode().encode("utf-16"), "is not UTF-8")
    yield _raw("Latin-1", b'{"user_id": "\xe5"}', "is not UTF-8 at byte 13")
    yield _raw("a list", b"[" + a_body() + b"]", "must be an object")
    yield _raw("null", b"null", "must be an object")
    yield _raw("a comment", b"/* */" + a_body(), "is not JSON")
    yield _raw("a comma too many", a_body()[:-1] + b",}", "is not JSON")


def odd_numbers() -> Iterator[Case]:
    """Numbers that a lenient reader would take, or stumble over."""
    yield _raw("NaN", _with(b"NaN", amount=7), "NaN is not JSON")
    yield _raw("Infinity", _with(b"-Infinity", amount=7), "-Infinity is not JSON")
    yield _raw("a number with a zero before", _with(b"007", amount=7), "is not JSON")
    yield _raw("an amount beyond all", _with(b"1e400", amount=7), "must be between 0 and", "amount")
    yield _raw("an amount next to nothing", _with(b"1e-400", amount=7), "must be positive number", "amount")
    yield _raw("an exponent beyond all", _with(b"1e" + b"9" * 30, amount=7), "must be between 0 and", "amount")
    yield _raw("a number of 5000 digits", _with(b"1" * 5000, hour=7), "between 0 and 23", "hour")


def odd_documents() -> Iterator[Case]:
    """Documents that a lenient reader would take, or stumble over."""
    yield _raw("nested too deep", a_body(metadata={"a": 7}).replace(b"7}", DEEP + b"}"), "must not nest")
    yield _raw("nested beyond all", b"[" * 60_000, "must not nest")
    yield _raw("objects beyond all", b'{"a":' * 10_000, "must not nest")
    yield _raw("a name twice", b'{"user_id": "other", ' + a_body()[1:], "is given more than once", "user_id")
    twice = a_body().replace(b'"city"', b'"city": "Lund", "city"')
    yield _raw("a name twice inside", twice, "is given more than once", "location.city")
    hidden = b'{"metadata": {"a": [{"\\u0062": 1, "b": 1}]}, ' + a_body()[1:]
    yield _raw("a name twice, spelled in two ways", hidden, "is given more than once", "metadata.a.0.b")
    yield _raw("half a character", a_body(metadata={"a": "\udc00"}), "must not contain lone surrogates")
    fits_the_door = "x" * (65_536 - len(a_body(metadata={"blob": ""})))
    too_large = a_body(metadata={"blob": fits_the_door})  # with an id and a time it is longer than the stream takes
    yield Case("an event too large for the stream", too_large, 413, "PAYLOAD_TOO_LARGE", {"body": "as an event"})
    yield Case("a body too large", a_body(metadata={"a": "x" * 70_000}), 413, "PAYLOAD_TOO_LARGE")
    yield Case("chunks too large", a_body(metadata={"a": "x" * 70_000}), 413, "PAYLOAD_TOO_LARGE", is_chunked=True)


def wrong_headers() -> Iterator[Case]:
    """Keys, media types, methods and paths."""
    keys: tuple[KeyName, ...] = ("none", "unknown", "garbled", "revoked", "expired")
    for key in keys:
        yield Case(f"a key that is {key}", a_body(), 401, "UNAUTHORIZED", key=key)
    yield Case("a key of another scope", a_body(), 403, "FORBIDDEN", {"scope": "classify"}, key="reader")
    yield Case("a bad body and no key", b"{", 401, "UNAUTHORIZED", key="none")
    for name in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""):
        yield Case(f"the type {name!r}", a_body(), 415, "UNSUPPORTED_MEDIA_TYPE", headers={"Content-Type": name})
    yield Case("no type", a_body(), 415, "UNSUPPORTED_MEDIA_TYPE", headers={})
    packed = {**JSON, "Content-Encoding": "gzip"}
    yield Case("a packed body", a_body(), 415, "UNSUPPORTED_MEDIA_TYPE", headers=packed)
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        yield Case(f"the method {method}", a_body(), 405, "METHOD_NOT_ALLOWED", method=method)
    for path in ("/", "/api/v1/classify/", "/api/v2/classify", "/api/v1/Classify"):
        yield Case(f"the path {path}", a_body(), 404, "NOT_FOUND", path=path)


def other_routes() -> Iterator[Case]:
    """What else can be asked."""
    look_up, batch, labels = "/api/v1/transactions", f"{CLASSIFY}/batch", "/api/v1/labels"
    yield Case("an unknown id", status=404, code="NOT_FOUND", method="GET", path=f"{look_up}/nobody", key="reader")
    yield Case("no scope to read", status=403, code="FORBIDDEN", method="GET", path=f"{look_up}/t", key="labeller")
    long = f"{look_up}/{'t' * 129}"
    yield Case("an id too long", b"", 400, "VALIDATION_ERROR", {"transaction_id": "128"}, "GET", long)
    no_time = f"{look_up}/t?timestamp=now"
    yield Case("a time that is none", b"", 400, "VALIDATION_ERROR", {"timestamp": "RFC 3339"}, "GET", no_time)
    for body, text in (
        (b"{}", "is required"),
        (b'{"transactions": []}', "at least 1"),
        (b'{"transactions": 7}', "list"),
    ):
        yield Case(f"the batch {body!r}", body, 400, "VALIDATION_ERROR", {"transactions": text}, path=batch)
    many = b'{"transactions": [' + b"0," * 500 + b"0]}"
    yield Case("a batch of 501", many, 400, "VALIDATION_ERROR", {"transactions": "at most 500"}, path=batch)
    for body, path, text in (
        (b'{"labels": [{}]}', "labels.0.transaction_id", "is required"),
        (b'{"labels": [7]}', "labels.0", "must be an object"),
        (b'{"labels": []}', "labels", "at least 1"),
    ):
        yield Case(f"the labels {body!r}", body, 400, "VALIDATION_ERROR", {path: text}, path=labels, key="labeller")
    yield Case("no scope to label", b"{}", 403, "FORBIDDEN", path=labels, key="reader")


_BAD_FIELDS = [*missing_fields(), *wrong_numbers(), *wrong_texts(), *wrong_in_their_own_ways()]
_BAD_DOCUMENTS = [*no_documents(), *odd_numbers(), *odd_documents()]
REFUSED = [*_BAD_FIELDS, *_BAD_DOCUMENTS, *wrong_headers(), *other_routes()]
DECIDED = list(good_requests())
