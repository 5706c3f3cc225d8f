"""Reason codes of what an event means beside its user's and its merchant's past; apart from those of the event itself."""

from __future__ import annotations

from collections.abc import Iterator

from consumer.scoring.coded import Coded

_WINDOWS = {
    "10m": ("10_MINUTES", "10 minutes"),
    "1h": ("HOUR", "an hour"),
    "1d": ("DAY", "a day"),
    "7d": ("7_DAYS", "7 days"),
    "30d": ("30_DAYS", "30 days"),
}


def _user_codes() -> Iterator[tuple[str, Coded]]:
    for window, (name, _) in _WINDOWS.items():
        yield f"user_count_{window}", Coded("pace", f"MANY_IN_{name}", f"FEW_IN_{name}")
        yield f"user_sum_{window}", Coded("spending", f"SPENT_MUCH_IN_{name}", f"SPENT_LITTLE_IN_{name}")
        yield f"user_mean_{window}", Coded("average", f"AVERAGE_HIGH_IN_{name}", f"AVERAGE_LOW_IN_{name}")
    for window in ("7d", "30d"):
        name = _WINDOWS[window][0]
        unusual = Coded("unusual", f"ABOVE_USUAL_OF_{name}", f"BELOW_USUAL_OF_{name}")
        yield f"user_amount_ratio_{window}", unusual._replace(border=1.0)
        yield f"user_amount_z_{window}", unusual._replace(border=0.0)


def _merchant_codes() -> Iterator[tuple[str, Coded]]:
    for window in ("1d", "7d", "30d"):
        name = _WINDOWS[window][0]
        yield (
            f"merchant_count_{window}",
            Coded("merchant_pace", f"MERCHANT_BUSY_IN_{name}", f"MERCHANT_QUIET_IN_{name}"),
        )
        yield f"merchant_fraud_share_{window}", Coded("merchant_fraud", f"MERCHANT_FRAUD_IN_{name}")


VELOCITY_CODES: dict[str, Coded] = {
    **dict(_user_codes()),
    "user_large_count_14d": Coded("unusual", "LARGE_AMOUNTS_IN_14_DAYS"),
    "user_seconds_since_last": Coded("pause", "LONG_PAUSE", "QUICK_SUCCESSION", "NO_RECENT_TRANSACTION", border=3600.0),
    "user_new_device": Coded("known_device", "NEW_DEVICE", "KNOWN_DEVICE", border=0.5),
    "user_new_country": Coded("known_country", "NEW_COUNTRY", "KNOWN_COUNTRY", border=0.5),
    "user_new_merchant": Coded("known_merchant", "NEW_MERCHANT", "KNOWN_MERCHANT", border=0.5),
    "user_distance_km": Coded("travel", "FAR_FROM_LAST_PLACE", "NEAR_LAST_PLACE"),
    "user_speed_kmh": Coded("travel", "FAST_TRAVEL"),
    **dict(_merchant_codes()),
}
"""Every feature of `velocity/1` that `event/1` lacks."""


def _user_sentences() -> Iterator[tuple[str, str]]:
    for name, time in _WINDOWS.values():
        yield f"MANY_IN_{name}", f"{{:.0f}} transactions of the customer within {time}."
        yield f"FEW_IN_{name}", f"Only {{:.0f}} transaction(s) of the customer within {time}."
        yield f"SPENT_MUCH_IN_{name}", f"The customer spent {{:,.2f}} dollars within {time}."
        yield f"SPENT_LITTLE_IN_{name}", f"The customer spent only {{:,.2f}} dollars within {time}."
        yield f"AVERAGE_HIGH_IN_{name}", f"The customer's average within {time} is {{:,.2f}} dollars, which is high."
        yield f"AVERAGE_LOW_IN_{name}", f"The customer's average within {time} is {{:,.2f}} dollars, which is low."


def _window_sentences() -> Iterator[tuple[str, str]]:
    for window in ("7d", "30d"):
        name, time = _WINDOWS[window]
        yield f"ABOVE_USUAL_OF_{name}", f"The amount is {{:,.2f}} times this customer's average of {time}."
        yield f"BELOW_USUAL_OF_{name}", f"The amount is only {{:,.2f}} times this customer's average of {time}."
    for window in ("1d", "7d", "30d"):
        name, time = _WINDOWS[window]
        yield (
            f"MERCHANT_BUSY_IN_{name}",
            f"The merchant had {{:,.0f}} transactions in {time}, a week ago; that is many.",
        )
        yield (
            f"MERCHANT_QUIET_IN_{name}",
            f"The merchant had {{:,.0f}} transactions in {time}, a week ago; that is few.",
        )
        yield (
            f"MERCHANT_FRAUD_IN_{name}",
            f"{{:.2%}} of the merchant's transactions in {time}, a week ago, were reported as fraud.",
        )


VELOCITY_SENTENCES: dict[str, str] = {
    **dict(_user_sentences()),
    **dict(_window_sentences()),
    "LARGE_AMOUNTS_IN_14_DAYS": "{:.0f} unusually large amount(s) of the customer within 14 days.",
    "LONG_PAUSE": "The customer's last transaction was {:,.0f} seconds ago, after a pause.",
    "QUICK_SUCCESSION": "The customer's last transaction was {:,.0f} seconds ago.",
    "NO_RECENT_TRANSACTION": "The customer has no other transaction within 30 days.",
    "NEW_DEVICE": "The customer did not use this device in the last 30 days.",
    "KNOWN_DEVICE": "The customer used this device in the last 30 days.",
    "NEW_COUNTRY": "The customer was not in this country in the last 30 days.",
    "KNOWN_COUNTRY": "The customer was in this country in the last 30 days.",
    "NEW_MERCHANT": "The customer did not buy from this merchant in the last 30 days.",
    "KNOWN_MERCHANT": "The customer bought from this merchant in the last 30 days.",
    "FAR_FROM_LAST_PLACE": "It is {:,.0f} km from where the customer was last.",
    "NEAR_LAST_PLACE": "It is {:,.0f} km from where the customer was last.",
    "FAST_TRAVEL": "The customer would have travelled at {:,.0f} km/h since the last transaction.",
}
"""What each code says to a person; the place in braces is for the reason's value."""
