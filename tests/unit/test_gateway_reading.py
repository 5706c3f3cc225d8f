"""Requests, read: what becomes of good ones, and what is said of bad ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from producers.gateway.problems import BadRequest, Refused
from producers.gateway.reading import (
    Composed,
    _refused_by_stream,
    read_batch,
    read_labels,
    read_request,
    with_identity,
)
from schemas.dead_letter import FieldError
from schemas.decode import EventTimeBounds, InvalidRecord, Unknown, decode
from tests.gateway_builders import a_body, a_document

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MOMENT = NOW.replace(microsecond=123000)


def read(body: bytes) -> Composed:
    return read_request(body, NOW, lambda: "gw-1")


def details(body: bytes) -> dict[str, str]:
    with pytest.raises(BadRequest) as caught:
        read(body)
    return dict(caught.value.details)


def test_the_smallest_request_gets_an_id_and_the_time() -> None:
    composed = read(a_body())
    assert (composed.is_id_given, composed.is_time_given) == (False, False)
    event = composed.transaction
    assert (event.transaction_id, event.event_time) == ("gw-1", MOMENT)
    assert (event.amount, event.local_hour, event.local_weekday) == (Decimal("150.00"), 14, 2)
    assert (event.location_country, event.ip_address, event.previous_transactions_count) == ("US", "203.0.113.7", 42)


def test_an_id_and_a_time_that_are_given_stay() -> None:
    composed = read(a_body(transaction_id="t-1", timestamp="2026-03-01T13:00:00.1239+01:00"))
    assert (composed.is_id_given, composed.is_time_given) == (True, True)
    assert (composed.transaction.transaction_id, composed.transaction.event_time) == ("t-1", MOMENT)
    assert json.loads(composed.data)["timestamp"] == "2026-03-01T13:00:00.1239+01:00"


def test_an_id_and_a_time_that_are_null_are_not_given() -> None:
    composed = read(a_body(transaction_id=None, timestamp=None))
    assert (composed.is_id_given, composed.is_time_given) == (False, False)
    assert (composed.transaction.transaction_id, composed.transaction.event_time) == ("gw-1", MOMENT)


def test_the_stream_reads_what_was_composed() -> None:
    composed = read(a_body(currency="EUR", card_id="tok_1", channel="online", device_info__device_id="d-1"))
    assert decode(composed.data, Unknown()) == composed.transaction
    assert (composed.transaction.currency, composed.transaction.card_id) == ("EUR", "tok_1")


@pytest.mark.parametrize("number", ["9999999999999999.99", "12.50", "1.25e1", "0.01", "9007199254740993"])
def test_numbers_keep_their_text(number: str) -> None:
    composed = read(a_body(amount=7).replace(b'"amount": 7', f'"amount": {number}'.encode()))
    assert composed.transaction.amount == Decimal(number)
    assert f'"amount":{number},'.encode() in composed.data


def test_the_type_is_kept_in_the_metadata() -> None:
    assert json.loads(read(a_body(type="purchase")).data)["metadata"] == {"type": "purchase"}
    both = read(a_body(type="purchase", metadata={"a": 1}))
    assert json.loads(both.data)["metadata"] == {"type": "purchase", "a": 1}
    taken = read(a_body(type="purchase", metadata={"type": "own"}))
    assert json.loads(taken.data)["metadata"] == {"type": "own"}
    assert "type" not in json.loads(taken.data)
    assert "metadata" not in json.loads(read(a_body(type=None)).data)


def test_the_type_is_not_part_of_the_content() -> None:
    assert read(a_body(type="purchase")).transaction == read(a_body()).transaction


def test_the_content_does_not_depend_on_the_time() -> None:
    later = read_request(a_body(), NOW + timedelta(hours=3), lambda: "gw-1")
    assert later.transaction.content_hash == read(a_body()).transaction.content_hash
    assert later.transaction.event_time != MOMENT


def test_unknown_fields_go_with_the_event() -> None:
    assert json.loads(read(a_body(loyalty={"level": 3})).data)["loyalty"] == {"level": 3}


def test_a_retry_publishes_the_first_time() -> None:
    composed = read(a_body(amount=12.5, metadata={"pi": 3.14}))
    first = MOMENT - timedelta(minutes=5)
    again = with_identity(composed, first)
    assert again.transaction == composed.transaction._replace(event_time=first)
    assert decode(again.data, Unknown()) == again.transaction
    assert with_identity(composed, MOMENT) is composed


@pytest.mark.parametrize(
    ("changes", "path", "text"),
    [
        ({"amount": ...}, "amount", "is required"),
        ({"amount": None}, "amount", "is required"),
        ({"amount": 0}, "amount", "must be positive number"),
        ({"amount": 0.0}, "amount", "must be positive number"),
        ({"amount": -1}, "amount", "must be positive number"),
        ({"amount": -0.01}, "amount", "must be positive number"),
        ({"amount": "12.30"}, "amount", "must be positive number"),
        ({"amount": True}, "amount", "must be positive number"),
        ({"amount": [1]}, "amount", "must be positive number"),
        ({"amount": 1.234}, "amount", "must have at most two decimals"),
        ({"amount": 1e16}, "amount", "must be between 0 and 9999999999999999.99"),
        ({"amount": 10**300}, "amount", "must be between 0 and 9999999999999999.99"),
        ({"hour": ...}, "hour", "is required"),
        ({"hour": 24}, "hour", "must be between 0 and 23"),
        ({"hour": -1}, "hour", "must be between 0 and 23"),
        ({"hour": 10**300}, "hour", "must be between 0 and 23"),
        ({"hour": "14"}, "hour", "must be a whole number between 0 and 23"),
        ({"hour": 14.5}, "hour", "must be a whole number between 0 and 23"),
        ({"hour": True}, "hour", "must be a whole number between 0 and 23"),
        ({"day_of_week": 7}, "day_of_week", "must be between 0 and 6"),
        ({"day_of_week": {}}, "day_of_week", "must be a whole number between 0 and 6"),
        ({"merchant_category": ...}, "merchant_category", "is required"),
        ({"merchant_category": 5}, "merchant_category", "must be a string"),
        ({"merchant_category": "m" * 65}, "merchant_category", "must be at most 64 characters"),
        ({"location": ...}, "location", "is required"),
        ({"location": None}, "location", "is required"),
        ({"location": "Berlin"}, "location", "must be an object"),
        ({"location__country": ...}, "location.country", "is required"),
        ({"location__state": None}, "location.state", "is required"),
        ({"location__city": 7}, "location.city", "must be a string"),
        ({"location__latitude": 90.1}, "location.latitude", "must be between -90 and 90"),
        ({"location__latitude": "1"}, "location.latitude", "must be a number between -90 and 90"),
        ({"location__longitude": -181}, "location.longitude", "must be between -180 and 180"),
        ({"location__longitude": False}, "location.longitude", "must be a number between -180 and 180"),
        ({"device_info": []}, "device_info", "must be an object"),
        ({"device_info__device_type": ...}, "device_info.device_type", "is required"),
        ({"device_info__ip_address": "1" * 46}, "device_info.ip_address", "must be at most 45 characters"),
        ({"user_id": ...}, "user_id", "is required"),
        ({"user_id": ""}, "user_id", "must not be empty"),
        ({"user_id": "u" * 129}, "user_id", "must be at most 128 characters"),
        ({"user_id": "a\0b"}, "user_id", "must not contain U+0000, which PostgreSQL cannot store"),
        ({"user_id": "\ud800"}, "user_id", "must not contain lone surrogates"),
        ({"previous_transactions_count": ...}, "previous_transactions_count", "is required"),
        ({"previous_transactions_count": -1}, "previous_transactions_count", "must be between 0 and 2147483647"),
        ({"transaction_id": ""}, "transaction_id", "must not be empty"),
        ({"transaction_id": 5}, "transaction_id", "must be a string"),
        ({"currency": "eur"}, "currency", "must be three capital letters, such as EUR"),
        ({"card_id": "4111 1111 1111 1111"}, "card_id", "looks like a card number: send a token instead"),
        ({"metadata": [1]}, "metadata", "must be an object"),
        ({"metadata": {"a": "\ud800"}}, "body", "must not contain lone surrogates"),
        ({"type": 1}, "type", "must be a string"),
    ],
)
def test_a_bad_field_is_named_with_what_is_wrong(changes: dict[str, Any], path: str, text: str) -> None:
    assert details(a_body(**changes)) == {path: text}


@pytest.mark.parametrize("timestamp", [1772366400, "2026-03-01T12:00:00", "yesterday", "2026-02-30T12:00:00Z"])
def test_a_time_that_is_none_is_named(timestamp: object) -> None:
    assert "RFC 3339" in details(a_body(timestamp=timestamp))["timestamp"]


@pytest.mark.parametrize("aside", [timedelta(days=-7, minutes=4), timedelta(minutes=4, seconds=1)])
def test_a_time_that_the_stream_might_refuse_is_refused_at_the_door(aside: timedelta) -> None:
    body = a_body(timestamp=(NOW + aside).isoformat())
    assert "between 7 days ago and 300 seconds from now" in details(body)["timestamp"]
    assert read_request(body, NOW, lambda: "gw-1", bounds=None).is_time_given
    assert read_request(body, NOW, lambda: "gw-1", EventTimeBounds(timedelta.max, timedelta(hours=1))).is_time_given


@pytest.mark.parametrize("aside", [timedelta(days=-7, minutes=6), timedelta(), timedelta(minutes=3)])
def test_a_time_that_the_stream_takes_is_taken(aside: timedelta) -> None:
    assert read(a_body(timestamp=(NOW + aside).isoformat())).transaction.event_time == MOMENT + aside


def test_every_bad_field_is_named_at_once() -> None:
    found = details(a_body(amount=-1, hour=99, location__latitude=99, user_id=..., device_info="phone"))
    assert found.keys() == {"amount", "hour", "location.latitude", "user_id", "device_info"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "must not be empty"),
        (b" \n", "must not be empty"),
        (b"{", "is not JSON"),
        (b"\xef\xbb\xbf" + a_body(), "is not JSON"),
        (a_body(amount=float("nan")), "NaN is not JSON"),
        (a_body() + a_body(), "is not JSON"),
        (b'{"user_id": "\xff"}', "is not UTF-8 at byte 13"),
        (a_body().decode().encode("utf-16"), "is not UTF-8"),
        (b"[" * 60_000, "must not nest"),
        (a_body(metadata={"a": 7}).replace(b'"a": 7', b'"a": ' + b"[" * 40 + b"]" * 40), "must not nest"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b"7", "must be an object"),
    ],
)
def test_what_is_no_request_is_told_so(body: bytes, text: str) -> None:
    assert text in details(body)["body"]


@pytest.mark.parametrize(
    ("inside", "path"),
    [
        (b'"user_id": "other"', "user_id"),
        (b'"metadata": {"a": [0, {"b": 1, "c": 2, "b": 1}]}', "metadata.a.1.b"),
        (b'"unknown": 1, "unknown": 1', "unknown"),
        (b'"x\\ud800\\u0007": 1, "x\\ud800\\u0007": 1', "x\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_name_that_is_given_twice_is_refused(inside: bytes, path: str) -> None:
    assert details(b"{" + inside + b", " + a_body()[1:]) == {path: "is given more than once"}


def test_a_long_name_of_the_clients_own_is_cut() -> None:
    name = "n" * 5_000
    assert list(details(f'{{"{name}": 1, "{name}": 2}}'.encode())) == ["n" * 64]


def test_an_event_that_is_too_large_for_the_stream_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        read(a_body(metadata={"blob": "x" * 65_400}))
    assert (caught.value.status, caught.value.code) == (413, "PAYLOAD_TOO_LARGE")


def test_each_of_a_batch_is_read_for_itself() -> None:
    ids = count(1)
    items = [a_document(), a_document(amount=-1), 7, a_document(transaction_id="t"), a_document()]
    good, bad, no_object, named, last = read_batch(
        json.dumps({"transactions": items}).encode(), NOW, lambda: f"gw-{next(ids)}"
    )
    assert [one.transaction.transaction_id for one in (good, named, last) if isinstance(one, Composed)] == [
        "gw-1",
        "t",
        "gw-2",
    ]
    assert isinstance(bad, Refused)
    assert bad.details == {"amount": "must be positive number"}
    assert isinstance(no_object, Refused)
    assert no_object.details == {"body": "must be an object"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {"transactions": "is required"}),
        ({"transactions": {}}, {"transactions": "must be a list"}),
        ({"transactions": []}, {"transactions": "must have at least 1 item"}),
        ({"transactions": [0] * 501}, {"transactions": "must have at most 500 items"}),
        ([], {"body": "must be an object"}),
    ],
)
def test_a_batch_that_is_none_is_refused_whole(document: object, expected: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        read_batch(json.dumps(document).encode(), NOW, lambda: "gw-1")
    assert caught.value.details == expected


def test_a_list_of_transactions_that_is_given_twice_is_refused_whole() -> None:
    with pytest.raises(BadRequest) as caught:
        read_batch(b'{"transactions": [1], "transactions": [2]}', NOW, lambda: "gw-1")
    assert caught.value.details == {"transactions": "is given more than once"}


def test_labels_are_reported_now_unless_they_say_when() -> None:
    one = {"transaction_id": "t-1", "is_fraud": True, "source": "chargeback"}
    other = {**one, "timestamp": "2026-02-01T12:00:00Z", "reported_at": "2026-02-20T12:00:00Z"}
    first, second = read_labels(json.dumps({"labels": [one, other]}).encode(), NOW)
    assert (first.transaction_id, first.timestamp, first.is_fraud, first.source) == ("t-1", None, True, "chargeback")
    assert first.reported_at == MOMENT
    assert (second.timestamp, second.reported_at) == (
        datetime(2026, 2, 1, 12, tzinfo=UTC),
        datetime(2026, 2, 20, 12, tzinfo=UTC),
    )


def test_a_bad_label_is_named_by_its_place() -> None:
    good = {"transaction_id": "t-1", "is_fraud": True, "source": "chargeback"}
    body = json.dumps({"labels": [good, {"transaction_id": "t", "is_fraud": 1}]}).encode()
    with pytest.raises(BadRequest) as caught:
        read_labels(body, NOW)
    assert caught.value.details == {"labels.1.is_fraud": "must be true or false", "labels.1.source": "is required"}


def test_what_only_the_stream_refuses_is_told_all_the_same() -> None:
    errors = (FieldError(field="hour", message="must be another"), FieldError(field="", message="is odd"))
    refused = _refused_by_stream(InvalidRecord("invalid_event", errors), b"")
    assert (refused.status, refused.details) == (400, {"hour": "must be another", "body": "is odd"})
