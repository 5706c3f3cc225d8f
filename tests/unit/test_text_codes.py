from __future__ import annotations

from consumer.scoring.features.texts import NO_TEXT, TextCodes


def test_every_text_has_a_number_of_its_own_and_missing_ones_share_one() -> None:
    codes = TextCodes()
    assert codes[None] == codes[""] == NO_TEXT
    assert len({codes[text] for text in ("a", "b", "a", "c")}) == 3
    assert codes["b"] == codes["b"] != NO_TEXT


def test_a_number_is_never_given_again_when_its_text_was_forgotten() -> None:
    codes = TextCodes()
    numbers = [codes[text] for text in ("a", "b", "c")]
    codes.keep([numbers[1]])
    assert codes["b"] == numbers[1]
    assert codes["a"] not in numbers
    assert codes[None] == NO_TEXT
