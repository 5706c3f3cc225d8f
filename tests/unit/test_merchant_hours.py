from __future__ import annotations

from consumer.scoring.features.merchant_hours import WINDOWS, MerchantHours
from schemas.history import MerchantWindows


def windows(number: int) -> MerchantWindows:
    return MerchantWindows((number, number + 1, number + 2), (0, 1, 2))


def test_what_was_put_is_found_under_its_merchant_and_hour_alone() -> None:
    hours = MerchantHours()
    put = hours.put("m-1", 7, windows(3))
    assert hours.find("m-1", 7) == put
    assert WINDOWS.unpack(put) == (3, 4, 5, 0, 1, 2)
    assert hours.find("m-2", 7) is None
    assert hours.find("m-1", 8) is None


def test_the_oldest_hours_are_forgotten_first_until_enough_is_gone() -> None:
    hours = MerchantHours()
    for hour in (9, 7, 8):
        for merchant in ("m-1", "m-2"):
            hours.put(merchant, hour, windows(hour))
    hours.put("m-2", 7, windows(1))
    hours.make_room(3)
    assert [hours.find("m-2", hour) is None for hour in (7, 8, 9)] == [True, True, False]
    hours.make_room(0)
    assert hours.find("m-1", 9) is None
