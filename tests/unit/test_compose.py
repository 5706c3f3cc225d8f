from __future__ import annotations

from datetime import timedelta

from consumer.scoring.compose import alert_of
from schemas.alert import alert_id
from schemas.decision import Reason
from tests.builders import PLAIN_DECISION

RISKY = PLAIN_DECISION._replace(score=0.9375, risk_level="critical", reasons=(Reason("AMOUNT_HIGH", 9.0, 1.5),))


def test_the_summary_says_how_risky_how_much_where_who_and_why() -> None:
    assert (
        alert_of(RISKY, 0.5, "method").summary
        == "Critical fraud risk 0.94: 12.30 SEK in SE by user user-7 because of AMOUNT_HIGH."
    )


def test_the_summary_says_no_more_than_is_known() -> None:
    decision = RISKY._replace(currency=None, location_country=None, reasons=None)
    assert alert_of(decision, 0.5, "method").summary == "Critical fraud risk 0.94: 12.30 by user user-7."


def test_every_incarnation_gives_the_alert_of_an_event_the_same_id() -> None:
    later = RISKY._replace(model_version="other", score=0.99, sequence_number="7")
    assert (
        alert_of(RISKY, 0.5, "method").alert_id
        == alert_of(later, 0.7, "method").alert_id
        == alert_id(RISKY.identity, "score")
    )


def test_other_events_and_rules_have_other_ids() -> None:
    other = RISKY._replace(transaction_id="t-2").identity
    later = RISKY.identity._replace(event_time=RISKY.event_time + timedelta(milliseconds=1))
    ids = [alert_id(RISKY.identity, "score"), alert_id(other, "score"), alert_id(later, "score")]
    assert len({*ids, alert_id(RISKY.identity, "velocity")}) == 4
