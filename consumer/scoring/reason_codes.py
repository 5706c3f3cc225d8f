"""The table of reason codes: which feature speaks of which topic, what it is called when it raises the score, and the sentence."""

from __future__ import annotations

from consumer.scoring.coded import Coded
from consumer.scoring.features.places import REGIONS
from consumer.scoring.features.words import CATEGORIES, CHANNELS, DEVICES
from consumer.scoring.velocity_codes import VELOCITY_CODES, VELOCITY_SENTENCES


def _name_words(prefix: str, names: tuple[str, ...], topic: str) -> dict[str, Coded]:
    return {f"{prefix}_{name}": Coded(topic, f"{topic}_{name}".upper()) for name in names}


CODES: dict[str, Coded] = {
    "amount_log2": Coded("amount", "AMOUNT_HIGH", "AMOUNT_LOW"),
    "amount_log2_above_512": Coded("amount", "AMOUNT_HIGH"),
    "amount_is_zero": Coded("amount", "AMOUNT_ZERO"),
    "amount_is_tiny": Coded("amount", "AMOUNT_TINY"),
    "amount_cents": Coded("cents", "AMOUNT_CENTS", "AMOUNT_CENTS"),
    "amount_is_whole": Coded("cents", "AMOUNT_ROUND", "AMOUNT_NOT_ROUND"),
    "amount_is_whole_hundreds": Coded("cents", "AMOUNT_ROUND"),
    "amount_ends_in_99": Coded("cents", "AMOUNT_CENTS"),
    "hour_sin": Coded("hour", "HOUR_OF_DAY", "HOUR_OF_DAY"),
    "hour_cos": Coded("hour", "HOUR_OF_DAY", "HOUR_OF_DAY"),
    "is_night": Coded("hour", "NIGHT_TIME"),
    "weekday_sin": Coded("weekday", "DAY_OF_WEEK", "DAY_OF_WEEK"),
    "weekday_cos": Coded("weekday", "DAY_OF_WEEK", "DAY_OF_WEEK"),
    "is_weekend": Coded("weekday", "WEEKEND", "WORKING_DAY"),
    **_name_words("category", CATEGORIES.names, "category"),
    **_name_words("region", REGIONS.names, "region"),
    "currency_differs_from_country": Coded("currency", "CURRENCY_MISMATCH", "CURRENCY_MATCH"),
    **_name_words("channel", CHANNELS.names, "channel"),
    **_name_words("device", DEVICES.names, "device"),
    "has_device_id": Coded("device_id", "DEVICE_IDENTIFIED", "DEVICE_UNIDENTIFIED"),
    "ip_is_private": Coded("ip", "IP_PRIVATE", "IP_PUBLIC"),
    "ip_is_v6": Coded("ip", "IP_VERSION_6", "IP_VERSION_4"),
    "has_merchant_id": Coded("merchant_id", "MERCHANT_IDENTIFIED", "MERCHANT_UNIDENTIFIED"),
    "has_card_id": Coded("card_id", "CARD_IDENTIFIED", "CARD_UNIDENTIFIED"),
    "has_coordinates": Coded("coordinates", "COORDINATES_SENT", "COORDINATES_ABSENT"),
    "previous_transactions_log2": Coded("seniority", "CUSTOMER_ESTABLISHED", "CUSTOMER_NEW"),
    "is_first_transaction": Coded("seniority", "FIRST_TRANSACTION"),
    **VELOCITY_CODES,
}
"""Every feature of every known set."""


def _plain(name: str) -> str:
    return "something that is not listed" if name == "other" else name.replace("_", " ")


SENTENCES: dict[str, str] = {
    "AMOUNT_HIGH": "The amount is higher than usual.",
    "AMOUNT_LOW": "The amount is lower than usual.",
    "AMOUNT_ZERO": "The amount is zero, as when somebody checks whether a card works.",
    "AMOUNT_TINY": "The amount is tiny, as when somebody tests a card.",
    "AMOUNT_CENTS": "The cents of the amount are unusual.",
    "AMOUNT_ROUND": "The amount is a round one.",
    "AMOUNT_NOT_ROUND": "The amount is not a round one.",
    "HOUR_OF_DAY": "The customer's local hour is one with more fraud.",
    "NIGHT_TIME": "It is between midnight and six in the morning for the customer.",
    "DAY_OF_WEEK": "The weekday is one with more fraud.",
    "WEEKEND": "It is Saturday or Sunday for the customer.",
    "WORKING_DAY": "It is a day from Monday to Friday for the customer.",
    "CURRENCY_MISMATCH": "The currency is not the one of the country.",
    "CURRENCY_MATCH": "The currency is the one of the country.",
    "DEVICE_IDENTIFIED": "The device sent an identifier.",
    "DEVICE_UNIDENTIFIED": "The device sent no identifier.",
    "IP_PRIVATE": "The IP address is a private one.",
    "IP_PUBLIC": "The IP address is a public one.",
    "IP_VERSION_6": "The IP address is of version 6.",
    "IP_VERSION_4": "The IP address is of version 4.",
    "MERCHANT_IDENTIFIED": "The event names the merchant.",
    "MERCHANT_UNIDENTIFIED": "The event does not name the merchant.",
    "CARD_IDENTIFIED": "The event names the card.",
    "CARD_UNIDENTIFIED": "The event does not name the card.",
    "COORDINATES_SENT": "The event has coordinates.",
    "COORDINATES_ABSENT": "The event has no coordinates.",
    "CUSTOMER_ESTABLISHED": "The customer has more earlier transactions than usual.",
    "CUSTOMER_NEW": "The customer has fewer earlier transactions than usual.",
    "FIRST_TRANSACTION": "It is the customer's first transaction.",
    **VELOCITY_SENTENCES,
    **{f"CATEGORY_{n}".upper(): f"The merchant's category is {_plain(n)}." for n in CATEGORIES.names},
    **{f"REGION_{n}".upper(): f"The region is {_plain(n)}." for n in REGIONS.names},
    **{f"CHANNEL_{n}".upper(): f"The channel is {_plain(n)}." for n in CHANNELS.names},
    **{f"DEVICE_{n}".upper(): f"The kind of device is {_plain(n)}." for n in DEVICES.names},
}
"""What each code says to a person. Codes are never reused for another meaning: ledgers and lakes are full of them."""
