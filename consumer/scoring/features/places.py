"""Countries, their regions and currencies. Part of the feature set: a change needs a new set's name."""

from __future__ import annotations

from consumer.scoring.features.vocabulary import Vocabulary

_CURRENCIES_BY_REGION = {
    "north_america": "US:USD CA:CAD PR:USD",
    "latin_america": (
        "MX:MXN BR:BRL AR:ARS CL:CLP CO:COP PE:PEN UY:UYU EC:USD BO:BOB PY:PYG VE:VES GT:GTQ CR:CRC PA:USD DO:DOP HN:HNL "
        "SV:USD NI:NIO CU:CUP JM:JMD TT:TTD"
    ),
    "western_europe": (
        "GB:GBP IE:EUR FR:EUR DE:EUR NL:EUR BE:EUR LU:EUR AT:EUR CH:CHF ES:EUR PT:EUR IT:EUR MT:EUR GR:EUR CY:EUR "
        "DK:DKK SE:SEK NO:NOK FI:EUR IS:ISK MC:EUR AD:EUR LI:CHF"
    ),
    "eastern_europe": (
        "PL:PLN CZ:CZK SK:EUR HU:HUF RO:RON BG:BGN HR:EUR SI:EUR RS:RSD BA:BAM ME:EUR MK:MKD AL:ALL EE:EUR LV:EUR LT:EUR "
        "UA:UAH BY:BYN MD:MDL RU:RUB GE:GEL AM:AMD AZ:AZN KZ:KZT"
    ),
    "middle_east_africa": (
        "TR:TRY IL:ILS AE:AED SA:SAR QA:QAR KW:KWD BH:BHD OM:OMR JO:JOD LB:LBP IQ:IQD IR:IRR EG:EGP MA:MAD DZ:DZD TN:TND "
        "ZA:ZAR NG:NGN KE:KES GH:GHS ET:ETB TZ:TZS UG:UGX CI:XOF SN:XOF CM:XAF ZW:ZWG ZM:ZMW"
    ),
    "asia_pacific": (
        "CN:CNY JP:JPY KR:KRW IN:INR ID:IDR VN:VND TH:THB PH:PHP MY:MYR SG:SGD HK:HKD TW:TWD PK:PKR BD:BDT LK:LKR NP:NPR "
        "KH:KHR MM:MMK AU:AUD NZ:NZD FJ:FJD MO:MOP MN:MNT UZ:UZS"
    ),
}
_ALIASES = {"USA": "US", "UK": "GB"}


def _pairs(region: str) -> list[tuple[str, str]]:
    return [(pair[:2], pair[3:]) for pair in _CURRENCIES_BY_REGION[region].split()]


REGIONS = Vocabulary(
    {
        region: [
            *(country.lower() for country, _ in _pairs(region)),
            *(alias.lower() for alias, country in _ALIASES.items() if country in dict(_pairs(region))),
        ]
        for region in _CURRENCIES_BY_REGION
    }
)
"""ISO 3166 alpha-2 codes to regions; codes that are not listed are `other`."""

HOME_CURRENCIES: dict[str | None, str] = dict(pair for region in _CURRENCIES_BY_REGION for pair in _pairs(region))
HOME_CURRENCIES |= {alias: HOME_CURRENCIES[country] for alias, country in _ALIASES.items()}


class DollarValues(dict[str | None, float]):
    """What a unit of a currency is worth in US dollars, roughly and for ever: only the magnitude of an amount hangs on it.

    Currencies that are missing or not listed count as 1.
    """

    def __missing__(self, currency: str | None) -> float:
        return 1.0


DOLLAR_VALUES = DollarValues(
    USD=1.0, EUR=1.1, GBP=1.25, CHF=1.1, CAD=0.75, AUD=0.65, NZD=0.6, SGD=0.75, KWD=3.25, BHD=2.65, OMR=2.6, JOD=1.4,
    AED=0.27, SAR=0.27, QAR=0.27, ILS=0.27, PEN=0.27, MYR=0.22, PLN=0.25, RON=0.22, BGN=0.55, GEL=0.37, BRL=0.2, CNY=0.14,
    HKD=0.13, DKK=0.15, SEK=0.1, NOK=0.1, MAD=0.1, TWD=0.03, TRY=0.03, THB=0.03, MXN=0.055, ZAR=0.055, CZK=0.045,
    UAH=0.025, UYU=0.025, EGP=0.02, PHP=0.018, DOP=0.017, INR=0.012, RUB=0.011, BDT=0.009, RSD=0.009, KES=0.008,
    ISK=0.007, JPY=0.007, PKR=0.0036, LKR=0.0033, HUF=0.0028, AMD=0.0026, KZT=0.002, CRC=0.002, XOF=0.0017, XAF=0.0017,
    CLP=0.001, ARS=0.001, IQD=0.00076, KRW=0.00075, NGN=0.0007, TZS=0.0004, UGX=0.00027, COP=0.00025, KHR=0.00025,
    PYG=0.00013, UZS=0.00008, IDR=0.00006, VND=0.00004, IRR=0.000024, LBP=0.000011,
)  # fmt: skip
