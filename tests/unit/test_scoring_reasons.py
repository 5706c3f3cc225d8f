"""Reason codes and how contributions become reasons."""

from __future__ import annotations

import math

import pytest

from consumer.scoring.features import FEATURE_SETS
from consumer.scoring.reason_codes import CODES, SENTENCES
from consumer.scoring.reasons import Explainer, reason_text

NAMES = (
    "amount_log2",
    "amount_log2_above_512",
    "is_night",
    "category_gambling",
    "category_grocery",
    "ip_is_private",
    "ip_is_v6",
)
BASELINE = (5.0, 0.1, 0.2, 0.1, 0.4, 0.5, 0.5)
NOTHING = (5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def explain(values: dict[str, float], contributions: dict[str, float]) -> list[tuple[str, float | None, float]]:
    rows = (dict(zip(NAMES, NOTHING, strict=True)) | values, dict.fromkeys(NAMES, 0.0) | contributions)
    found = Explainer(NAMES, BASELINE).explain(*([row[name] for name in NAMES] for row in rows))
    return [(reason.code, reason.value, reason.contribution) for reason in found]


def test_every_feature_of_every_set_has_codes_and_every_code_a_sentence() -> None:
    names = {name for feature_set in FEATURE_SETS.values() for name in feature_set.names}
    assert set(CODES) == names
    codes = {code for coded in CODES.values() for code in coded[1:4] if code}
    assert codes == set(SENTENCES)
    assert all(reason_text(code, 1.0).endswith(".") and "{" not in reason_text(code, 1.0) for code in codes)
    assert not any("{" in reason_text(code) for code in codes)


def test_a_sentence_tells_the_value() -> None:
    assert reason_text("MANY_IN_10_MINUTES", 17.0) == "17 transactions of the customer within 10 minutes."
    assert reason_text("MERCHANT_FRAUD_IN_7_DAYS", 0.0125).startswith("1.25% of the merchant's transactions in 7 days")
    assert reason_text("FAR_FROM_LAST_PLACE") == "It is ? km from where the customer was last."


@pytest.mark.parametrize(
    ("name", "value", "mean", "code"),
    [
        ("user_amount_ratio_7d", 5.0, 8.6, "ABOVE_USUAL_OF_7_DAYS"),
        ("user_amount_ratio_7d", 0.5, 0.4, "BELOW_USUAL_OF_7_DAYS"),
        ("user_amount_z_30d", 2.0, 8.7, "ABOVE_USUAL_OF_30_DAYS"),
        ("user_new_device", 1.0, 1.0, "NEW_DEVICE"),
    ],
)
def test_what_is_compared_with_the_customers_own_past_is_not_held_against_others(
    name: str, value: float, mean: float, code: str
) -> None:
    names = (name, name.replace("_z_", "_ratio_")) if "_z_" in name else (name,)
    [reason] = Explainer(names, (mean, 1.0)).explain((value, 3.0), (1.0, 0.0))
    assert reason.code == code


def test_an_unknown_code_has_no_sentence() -> None:
    with pytest.raises(KeyError):
        reason_text("MOON_PHASE")


def test_a_code_belongs_to_one_topic() -> None:
    topics: dict[str, set[str]] = {}
    for coded in CODES.values():
        for code in filter(None, coded[1:4]):
            topics.setdefault(code, set()).add(coded.topic)
    assert all(len(found) == 1 for found in topics.values())


def test_features_of_one_topic_are_one_reason_with_the_first_ones_value() -> None:
    found = explain(
        {"amount_log2": 10.0, "amount_log2_above_512": 1.0}, {"amount_log2": 0.5, "amount_log2_above_512": 1.5}
    )
    assert found == [("AMOUNT_HIGH", 10.0, 2.0)]


def test_a_low_amount_is_not_called_high() -> None:
    assert explain({"amount_log2": 1.0}, {"amount_log2": 0.7}) == [("AMOUNT_LOW", 1.0, 0.7)]


def test_a_category_is_named_by_its_hot_column_and_counts_what_it_is_not() -> None:
    found = explain({"category_gambling": 1.0}, {"category_gambling": 1.0, "category_grocery": 0.25})
    assert found == [("CATEGORY_GAMBLING", 1.0, 1.25)]


def test_what_lowers_the_score_is_no_reason() -> None:
    assert explain({"is_night": 1.0}, {"is_night": -0.5}) == []
    assert explain({"category_gambling": 1.0}, {"category_gambling": 0.5, "category_grocery": -0.6}) == []


def test_a_flag_that_is_not_set_is_no_reason() -> None:
    assert explain({"is_night": 0.0}, {"is_night": 0.5}) == []


def test_the_three_greatest_are_kept_and_ties_go_by_code() -> None:
    values = {"amount_log2": 9.0, "is_night": 1.0, "category_gambling": 1.0, "ip_is_private": 1.0}
    found = explain(values, dict.fromkeys(values, 1.0) | {"is_night": 2.0})
    assert [code for code, _, _ in found] == ["NIGHT_TIME", "AMOUNT_HIGH", "CATEGORY_GAMBLING"]


def test_a_missing_value_is_none_and_never_nan() -> None:
    found = explain({"amount_log2": math.nan, "amount_log2_above_512": 2.0}, {"amount_log2_above_512": 1.0})
    assert found == [("AMOUNT_HIGH", None, 1.0)]


def test_what_is_missing_is_a_reason_only_where_its_absence_has_a_code() -> None:
    names = ("user_seconds_since_last", "user_new_device")
    found = Explainer(names, (100.0, 0.1)).explain((math.nan, math.nan), (0.5, 0.75))
    assert [tuple(reason) for reason in found] == [("NO_RECENT_TRANSACTION", None, 0.5)]
