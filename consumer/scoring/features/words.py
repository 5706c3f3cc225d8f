"""The words that senders use for categories, channels and devices. Part of the feature set: a change needs a new set's name."""

from __future__ import annotations

from consumer.scoring.features.vocabulary import Vocabulary

CATEGORIES = Vocabulary(
    {
        "grocery": ("groceries", "supermarket", "food", "5411", "5499"),
        "fuel": ("gas", "gas_station", "gas_transport", "petrol", "5541", "5542"),
        "dining": ("restaurant", "restaurants", "food_dining", "fast_food", "cafe", "bar", "5812", "5813", "5814"),
        "retail": ("clothing", "fashion", "home", "department_store", "shopping", "online_retail", "books", "sports", "5311", "5651"),
        "electronics": ("computers", "appliances", "5732", "5734"),
        "travel": ("airline", "airlines", "hotel", "lodging", "car_rental", "transport", "taxi", "3000", "4111", "4121", "4511", "7011"),
        "leisure": ("entertainment", "cinema", "events", "sport", "7832", "7922"),
        "health": ("healthcare", "pharmacy", "health_fitness", "medical", "beauty", "5912", "8011", "8062"),
        "bills": ("utilities", "utility", "telecom", "insurance", "education", "government", "4814", "4900", "6300"),
        "digital": ("digital_goods", "gaming", "games", "subscription", "streaming", "software", "5815", "5816", "5817", "5818"),
        "charity": ("donation", "donations", "charities", "nonprofit", "8398"),
        "gambling": ("betting", "casino", "lottery", "7995", "7800", "7801"),
        "money": (
            "crypto", "cryptocurrency", "money_transfer", "transfer", "remittance", "gift_card", "gift_cards", "cash", "atm",
            "4829", "6010", "6011", "6012", "6051", "6540",
        ),
    }
)  # fmt: skip

CHANNELS = Vocabulary(
    {
        "card_present": ("pos", "in_store", "instore", "store", "chip", "contactless", "swipe", "terminal"),
        "online": ("web", "ecommerce", "e_commerce", "card_not_present", "internet", "browser"),
        "mobile": ("mobile_app", "app", "wallet", "mobile_wallet", "in_app"),
        "atm": ("cash_machine", "cash"),
        "transfer": ("bank_transfer", "wire", "p2p", "ach", "sepa"),
        "phone": ("moto", "telephone", "mail_order", "call_center", "call_centre"),
    }
)

DEVICES = Vocabulary(
    {
        "mobile": ("phone", "smartphone", "ios", "android", "iphone"),
        "desktop": ("pc", "laptop", "computer", "web", "browser", "windows", "mac", "linux"),
        "tablet": ("ipad",),
        "terminal": ("pos", "pos_terminal", "card_reader", "atm", "kiosk"),
    }
)
