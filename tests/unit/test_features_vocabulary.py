"""Closed vocabularies: nothing that is looked up may make them grow."""

from __future__ import annotations

import pytest

from consumer.scoring.features.places import DOLLAR_VALUES, HOME_CURRENCIES, REGIONS
from consumer.scoring.features.vocabulary import Vocabulary
from consumer.scoring.features.words import CATEGORIES, CHANNELS, DEVICES

VOCABULARIES = {"categories": CATEGORIES, "channels": CHANNELS, "devices": DEVICES, "regions": REGIONS}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_stream_of_unknown_words_takes_no_memory(name: str) -> None:
    vocabulary = VOCABULARIES[name]
    before = len(vocabulary)
    found = {vocabulary[f"word {number}"] for number in range(1000)}
    assert (len(vocabulary), found) == (before, {vocabulary.names.index("other")})


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_code_is_a_column_or_missing(name: str) -> None:
    vocabulary = VOCABULARIES[name]
    assert set(vocabulary.values()) == set(range(len(vocabulary.names) + 1)) - {vocabulary.names.index("other")}


def test_the_order_of_meanings_is_the_order_of_codes() -> None:
    vocabulary = Vocabulary({"a": ("x",), "b": ()})
    assert [vocabulary[word] for word in ("a", "X", "b", "c", None)] == [0, 0, 1, 2, 3]


def test_unknown_currencies_leave_no_trace() -> None:
    before = len(DOLLAR_VALUES)
    assert (DOLLAR_VALUES["ZZZ"], len(DOLLAR_VALUES)) == (1.0, before)


def test_every_country_has_a_region_and_a_currency() -> None:
    assert all(REGIONS[country] < REGIONS.names.index("other") for country in HOME_CURRENCIES)
    assert all(len(currency) == 3 for currency in HOME_CURRENCIES.values())
