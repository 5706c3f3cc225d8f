"""An alert as it travels: ASCII JSON, and attributes that SNS takes and filters can compare."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from schemas.alert import Alert
from sinks.alerts.document import attributes_of, payload_of
from tests.contract.ledger_builders import a_risky_decision, an_alert


def test_the_document_is_the_alert_in_ascii() -> None:
    alert = an_alert(a_risky_decision(merchant_id="Café \u2028 \U0001f4a3 \x01"))

    payload = payload_of(alert)

    assert payload.isascii()
    assert Alert.model_validate(json.loads(payload)) == alert


def test_money_keeps_its_decimals_in_the_document() -> None:
    alert = an_alert(a_risky_decision(amount=Decimal("9999999999999999.90")))

    assert json.loads(payload_of(alert))["amount"] == "9999999999999999.90"


def test_the_attributes_are_those_that_subscriptions_filter_on() -> None:
    assert attributes_of(an_alert(a_risky_decision())) == {
        "schema": "fraud-alert/1",
        "severity": "critical",
        "rule": "score",
        "country": "SE",
        "merchant_category": "grocery",
        "model_version": "model-1",
        "amount": 980.0,
        "score": 0.93,
    }


@pytest.mark.parametrize("absent", [None, ""])
def test_what_is_absent_is_left_out(absent: str | None) -> None:
    attributes = attributes_of(an_alert(a_risky_decision(location_country=absent, merchant_category=absent)))

    assert not {"country", "merchant_category"} & attributes.keys()


def test_characters_that_cannot_be_sent_are_replaced() -> None:
    attributes = attributes_of(an_alert(a_risky_decision(location_country="S\x01E\uffff\t")))

    assert attributes["country"] == "S\N{REPLACEMENT CHARACTER}E\N{REPLACEMENT CHARACTER}\t"


def test_an_amount_beyond_what_filters_compare_still_passes_a_lower_bound() -> None:
    attributes = attributes_of(an_alert(a_risky_decision(amount=Decimal("9999999999999999.99"))))

    assert attributes["amount"] == 1e9
