"""Where simulated people live and travel: real cities with their coordinates, currency, its rough value and the standard UTC offset."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A city. `units_per_dollar` is a rough, constant rate; `utc_offset_h` whole hours without daylight saving time."""

    country: str
    state: str | None
    city: str
    latitude: float
    longitude: float
    currency: str
    units_per_dollar: float
    utc_offset_h: int
    weight: int

    @property
    def has_cents(self) -> bool:
        """Whether prices have decimals."""
        return self.currency not in {"JPY", "KRW"}


PLACES = (
    Place("US", "NY", "New York", 40.713, -74.006, "USD", 1.0, -5, 9),
    Place("US", "IL", "Chicago", 41.878, -87.63, "USD", 1.0, -6, 5),
    Place("US", "TX", "Houston", 29.76, -95.37, "USD", 1.0, -6, 4),
    Place("US", "CO", "Denver", 39.739, -104.99, "USD", 1.0, -7, 2),
    Place("US", "CA", "Los Angeles", 34.052, -118.244, "USD", 1.0, -8, 6),
    Place("US", "WA", "Seattle", 47.606, -122.332, "USD", 1.0, -8, 2),
    Place("CA", "ON", "Toronto", 43.653, -79.383, "CAD", 1.36, -5, 3),
    Place("MX", "CMX", "Ciudad de México", 19.433, -99.133, "MXN", 18.5, -6, 2),
    Place("BR", "SP", "São Paulo", -23.551, -46.633, "BRL", 5.4, -3, 4),
    Place("GB", None, "London", 51.507, -0.128, "GBP", 0.78, 0, 6),
    Place("GB", None, "Manchester", 53.483, -2.244, "GBP", 0.78, 0, 2),
    Place("IE", None, "Dublin", 53.35, -6.26, "EUR", 0.91, 0, 1),
    Place("DE", "BE", "Berlin", 52.52, 13.405, "EUR", 0.91, 1, 4),
    Place("DE", "BY", "München", 48.137, 11.575, "EUR", 0.91, 1, 3),
    Place("FR", None, "Paris", 48.857, 2.352, "EUR", 0.91, 1, 4),
    Place("ES", None, "Madrid", 40.417, -3.704, "EUR", 0.91, 1, 3),
    Place("IT", None, "Milano", 45.464, 9.19, "EUR", 0.91, 1, 3),
    Place("NL", None, "Amsterdam", 52.37, 4.895, "EUR", 0.91, 1, 2),
    Place("CH", "ZH", "Zürich", 47.377, 8.541, "CHF", 0.89, 1, 1),
    Place("SE", None, "Göteborg", 57.709, 11.975, "SEK", 10.4, 1, 1),
    Place("PL", None, "Kraków", 50.065, 19.945, "PLN", 4.0, 1, 2),
    Place("RO", None, "București", 44.427, 26.103, "RON", 4.5, 2, 1),
    Place("UA", None, "Київ", 50.45, 30.523, "UAH", 41.0, 2, 1),
    Place("TR", None, "İstanbul", 41.008, 28.978, "TRY", 33.0, 3, 2),
    Place("NG", "LA", "Lagos", 6.524, 3.379, "NGN", 1500.0, 1, 1),
    Place("ZA", "GP", "Johannesburg", -26.204, 28.047, "ZAR", 18.0, 2, 1),
    Place("AE", None, "Dubai", 25.205, 55.271, "AED", 3.67, 4, 1),
    Place("IN", "MH", "Mumbai", 19.076, 72.878, "INR", 84.0, 5, 4),
    Place("ID", "JK", "Jakarta", -6.208, 106.846, "IDR", 15800.0, 7, 1),
    Place("VN", None, "Hà Nội", 21.028, 105.854, "VND", 25000.0, 7, 1),
    Place("SG", None, "Singapore", 1.352, 103.82, "SGD", 1.34, 8, 1),
    Place("JP", None, "東京", 35.676, 139.65, "JPY", 150.0, 9, 3),
    Place("KR", None, "서울", 37.567, 126.978, "KRW", 1350.0, 9, 2),
    Place("AU", "NSW", "Sydney", -33.869, 151.209, "AUD", 1.52, 10, 2),
    Place("NZ", None, "Auckland", -36.851, 174.765, "NZD", 1.66, 12, 1),
)
PLACE_WEIGHTS = tuple(place.weight for place in PLACES)
