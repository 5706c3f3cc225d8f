from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from schemas.decode import EventTimeBounds, InvalidRecord, Unknown, decode, decode_fast
from schemas.transaction import Location

ARRIVAL = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_event(**changes: object) -> bytes:
    event: dict[str, object] = {
        "transaction_id": "t1",
        "timestamp": "2026-03-01T12:00:00Z",
        "user_id": "u1",
        "amount": 12.3,
        **changes,
    }
    return json.dumps({k: v for k, v in event.items() if v is not ...}).encode()


def refusal(data: bytes) -> InvalidRecord:
    with pytest.raises(InvalidRecord) as caught:
        decode(data, Unknown())
    return caught.value


def test_the_four_required_fields_are_enough() -> None:
    transaction = decode(an_event(), Unknown())
    assert (transaction.transaction_id, transaction.user_id, transaction.amount) == ("t1", "u1", Decimal("12.30"))
    assert transaction.event_time == ARRIVAL
    assert (transaction.local_hour, transaction.local_weekday) == (12, 6)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_record"),
        (b" \n ", "empty_record"),
        (b"not json", "invalid_json"),
        (an_event()[:-5], "invalid_json"),
        (b"\xef\xbb\xbf" + an_event(), "invalid_json"),
        (an_event().decode().encode("utf-16"), "invalid_utf8"),
        (b'{"a":"\xff"}', "invalid_utf8"),
        (an_event(amount=float("nan")), "invalid_json"),
        (b"[" * 100_000, "event_too_large"),
        (b"[" * 60_000, "nesting_too_deep"),
        (b'{"metadata":' + b'{"a":' * 40 + b"1" + b"}" * 41, "nesting_too_deep"),
        (b"[]", "invalid_event"),
        (b"null", "invalid_event"),
        (b'"text"', "invalid_event"),
        (an_event(metadata={"blob": "x" * 900_000}), "event_too_large"),
        (an_event(card_id="4111 1111 1111 1111"), "looks_like_card_number"),
    ],
)
def test_what_cannot_be_an_event_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert refusal(data).reason == reason


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": "12.30"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 1.234}, "amount"),
        ({"amount": 1e20}, "amount"),
        ({"amount": 10**300}, "amount"),
        ({"amount": ...}, "amount"),
        ({"timestamp": "2026-03-01T12:00:00"}, "timestamp"),
        ({"timestamp": "2026-03-01T12:00:60Z"}, "timestamp"),
        ({"timestamp": 1772366400}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "u" * 129}, "user_id"),
        ({"user_id": "a\0b"}, "user_id"),
        ({"user_id": "\ud800"}, "user_id"),
        ({"transaction_id": None}, "transaction_id"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EUR\n"}, "currency"),
        ({"hour": 24}, "hour"),
        ({"hour": 5.5}, "hour"),
        ({"hour": "5"}, "hour"),
        ({"hour": float("1e300")}, "hour"),
        ({"day_of_week": True}, "day_of_week"),
        ({"location": {"latitude": 91}}, "location.latitude"),
        ({"location": "Berlin"}, "location"),
        ({"device_info": {"ip_address": "1" * 46}}, "device_info.ip_address"),
        ({"metadata": [1]}, "metadata"),
        ({"previous_transactions_count": 2**31}, "previous_transactions_count"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, object], field: str) -> None:
    error = refusal(an_event(**changes))
    assert (error.reason, [e.field for e in error.errors]) == ("invalid_event", [field])


def test_every_bad_field_is_named_at_once() -> None:
    error = refusal(an_event(amount=-1, user_id=7, hour=99, location={"latitude": 99}))
    assert {e.field for e in error.errors} == {"amount", "user_id", "hour", "location.latitude"}


@pytest.mark.parametrize(
    ("number", "amount"),
    [
        ("1e2", "100.00"),
        ("0", "0.00"),
        ("-0.0", "0.00"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("1.10000", "1.10"),
    ],
)
def test_money_never_passes_through_binary_floating_point(number: str, amount: str) -> None:
    data = an_event(amount=7).replace(b'"amount": 7', b'"amount": ' + number.encode())
    assert decode(data, Unknown()).amount == Decimal(amount)
    assert str(decode(data, Unknown()).amount) == amount


@pytest.mark.parametrize("number", [b"3.0", b"3e0", b"0.3e1", b"3." + b"0" * 5000])
def test_a_whole_number_is_an_integer_however_it_is_spelled(number: bytes) -> None:
    data = an_event(hour=7, day_of_week=7).replace(b"7", number)
    spelled = decode(data, Unknown())
    assert spelled == decode(an_event(hour=3, day_of_week=3), Unknown())
    assert (repr(spelled.local_hour), repr(spelled.local_weekday)) == ("3", "3")


@pytest.mark.parametrize(
    "number", [b"3.00000000000000000001", b"1e400", b"1e-400", b"1e-99999999999999999999", b"1" * 5000]
)
def test_what_only_rounds_to_a_whole_number_is_none(number: bytes) -> None:
    assert [e.field for e in refusal(an_event(hour=7).replace(b"7", number)).errors] == ["hour"]


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"90.00000000000001", b"1" * 5000])
def test_a_coordinate_beyond_its_bounds_is_refused_however_far(number: bytes) -> None:
    data = an_event(location={"latitude": 7}).replace(b"7", number)
    assert [e.field for e in refusal(data).errors] == ["location.latitude"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_the_model_refuses_coordinates_that_are_no_numbers(value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Location(latitude=value)


@pytest.mark.parametrize("number", [b"1e400", b"1" * 5000, b"1e-400", b"1e99999999999999999999"])
def test_absurd_numbers_are_refused_and_not_computed(number: bytes) -> None:
    data = an_event(amount=7).replace(b'"amount": 7', b'"amount": ' + number)
    assert [e.field for e in refusal(data).errors] == ["amount"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-03-01T12:00:00.123999999Z", ARRIVAL.replace(microsecond=123000)),
        ("2026-03-01T14:00:00.1+02:00", ARRIVAL.replace(microsecond=100000)),
        ("2026-03-01t12:00:00z", ARRIVAL),
    ],
)
def test_event_time_is_utc_truncated_to_milliseconds(sent: str, kept: datetime) -> None:
    assert decode(an_event(timestamp=sent), Unknown()).event_time == kept


def test_unknown_fields_are_accepted_counted_and_ignored() -> None:
    unknown = Unknown()
    plain = decode(an_event(), unknown)
    assert unknown.events == 0
    assert decode(an_event(loyalty="gold"), unknown) == plain
    assert decode(an_event(location={"planet": "Mars"}), unknown) == plain
    assert unknown.events == 2


@pytest.mark.parametrize("field", ["metadata", "location", "unknown"])
@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (b'"\xff"', "invalid_utf8"),
        (b"NaN", "invalid_json"),
        (b"01", "invalid_json"),
        (b"[1,]", "invalid_json"),
        (b'"\\q"', "invalid_json"),
        (b"[" * 40 + b"]" * 40, "nesting_too_deep"),
    ],
)
def test_what_stands_in_metadata_or_unknown_fields_has_to_be_json_too(field: str, inside: bytes, reason: str) -> None:
    data = an_event(**{field: {"a": 7}}).replace(b"7", inside)
    assert refusal(data).reason == reason


def test_an_event_that_only_the_model_can_read_is_counted_once() -> None:
    unknown = Unknown()
    decode(an_event(metadata={"text": "\0"}, loyalty="gold"), unknown)
    assert unknown.events == 1


def test_metadata_is_not_part_of_the_content() -> None:
    assert decode(an_event(metadata={"sent_at": 1}), Unknown()) == decode(an_event(metadata={"sent_at": 2}), Unknown())


def test_another_amount_is_another_content() -> None:
    one, other = decode(an_event(), Unknown()), decode(an_event(amount=12.31), Unknown())
    assert one.content_hash != other.content_hash


def test_the_fast_path_takes_a_full_valid_event() -> None:
    data = an_event(
        currency="EUR",
        location={"country": "DE", "latitude": 52},
        device_info={"device_id": "d"},
        card_id="tok_1",
        hour=3,
        metadata={"a": [1]},
    )
    assert decode_fast(data, Unknown()) == decode(data, Unknown())


def test_bounds_are_measured_against_the_arrival() -> None:
    bounds = EventTimeBounds(before=timedelta(days=7), after=timedelta(minutes=5))
    bounds.check(ARRIVAL - timedelta(days=7), ARRIVAL)
    bounds.check(ARRIVAL + timedelta(minutes=5), ARRIVAL)
    for outside in (ARRIVAL - timedelta(days=7, milliseconds=1), ARRIVAL + timedelta(minutes=5, milliseconds=1)):
        with pytest.raises(InvalidRecord, match="event_time_out_of_bounds"):
            bounds.check(outside, ARRIVAL)


@pytest.mark.parametrize("year", [1, 9999])
def test_bounds_may_be_wider_than_the_calendar(year: int) -> None:
    bounds = EventTimeBounds(before=timedelta.max, after=timedelta.max)
    bounds.check(ARRIVAL.replace(year=year), ARRIVAL)
    with pytest.raises(InvalidRecord, match="event_time_out_of_bounds"):
        EventTimeBounds(before=timedelta.max, after=timedelta()).check(ARRIVAL.replace(year=9999), ARRIVAL)
    with pytest.raises(InvalidRecord, match="event_time_out_of_bounds"):
        EventTimeBounds(before=timedelta(), after=timedelta.max).check(ARRIVAL.replace(year=1), ARRIVAL)
