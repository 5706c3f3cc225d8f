"""What a look-up tells of merchants: three windows of whole hours that end a label delay before the hour that asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pytest

from schemas.history import MerchantHour, MerchantWindows, Wanted
from sinks.port import Known
from tests.contract.ledger_builders import a_candidate, a_decision
from tests.contract.ledger_subjects import SUBJECT_NAMES, SUBJECTS, LedgerSubject, MerchantRows

HOUR = 496_258
END = HOUR - 168
ASKED = MerchantHour("m", HOUR)
NOTHING = MerchantWindows((0, 0, 0), (0, 0, 0))
WINDOWS_OF_AN_HOUR = {
    END - 721: (0, 0, 0),
    END - 720: (0, 0, 1),
    END - 169: (0, 0, 1),
    END - 168: (0, 1, 1),
    END - 25: (0, 1, 1),
    END - 24: (1, 1, 1),
    END - 1: (1, 1, 1),
    END: (0, 0, 0),
    END + 1: (0, 0, 0),
    HOUR: (0, 0, 0),
    HOUR + 1: (0, 0, 0),
}


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[LedgerSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def windows(subject: LedgerSubject, asked: Collection[MerchantHour]) -> Mapping[MerchantHour, MerchantWindows]:
    return subject.new_ledger().look_up([], [], Wanted({}, asked)).merchants


@pytest.mark.parametrize(("hour", "expected"), WINDOWS_OF_AN_HOUR.items())
def test_an_hour_counts_in_the_windows_it_lies_in(
    subject: LedgerSubject, hour: int, expected: tuple[int, int, int]
) -> None:
    subject.roll_up(MerchantRows([("m", hour)], [("m", hour, END - 1)]))

    assert windows(subject, [ASKED]) == {ASKED: MerchantWindows(expected, expected)}


def test_every_transaction_and_every_fraud_counts(subject: LedgerSubject) -> None:
    hours = [("m", hour) for hour in range(END - 800, END + 50) for _ in range(3)]
    frauds = [("m", hour, hour + delay) for hour in range(END - 800, END + 50, 2) for delay in (5, 5, 9)]
    subject.roll_up(MerchantRows(hours, frauds))

    assert windows(subject, [ASKED]) == {ASKED: MerchantWindows((72, 504, 2160), (36, 252, 1080))}


@pytest.mark.parametrize(
    ("known_hour", "frauds"), [(HOUR - 1, 1), (HOUR, 0), (HOUR + 1, 0), (END - 30, 1), (-(2**31), 1)]
)
def test_a_label_counts_from_the_hour_after_it_was_known(subject: LedgerSubject, known_hour: int, frauds: int) -> None:
    subject.roll_up(MerchantRows([("m", END - 1)], [("m", END - 1, known_hour)]))

    assert windows(subject, [ASKED])[ASKED].frauds == (frauds,) * 3


def test_merchants_and_hours_are_told_apart(subject: LedgerSubject) -> None:
    subject.roll_up(MerchantRows([("m", END - 1), ("m", END), ("M", END)], [("M", END, END)]))
    asked = [MerchantHour(name, hour) for name in ("m", "M", "other") for hour in (HOUR, HOUR + 1)]

    assert windows(subject, asked) == {
        ("m", HOUR): MerchantWindows((1, 1, 1), (0, 0, 0)),
        ("m", HOUR + 1): MerchantWindows((2, 2, 2), (0, 0, 0)),
        ("M", HOUR): NOTHING,
        ("M", HOUR + 1): MerchantWindows((1, 1, 1), (1, 1, 1)),
        ("other", HOUR): NOTHING,
        ("other", HOUR + 1): NOTHING,
    }


def test_the_answer_holds_plain_numbers_under_the_very_keys(subject: LedgerSubject) -> None:
    subject.roll_up(MerchantRows([("m", END - 1)], [("m", END - 1, END)]))

    [(key, value)] = windows(subject, {ASKED, MerchantHour("m", HOUR)}).items()

    assert (type(key), type(value)) == (MerchantHour, MerchantWindows)
    assert {type(number) for part in value for number in part} == {int}


@pytest.mark.parametrize("name", ["", "NULL", "{a,b}", '"', "'; --", "%s", "\\", "é", "e\u0301", "\U0001f600"])
def test_a_merchant_is_found_by_exactly_its_name_whatever_that_holds(subject: LedgerSubject, name: str) -> None:
    subject.roll_up(MerchantRows([(name, END - 1)], [(name, END - 1, END)]))

    asked = MerchantHour(name, HOUR)

    assert windows(subject, [asked, ASKED]) == {asked: MerchantWindows((1, 1, 1), (1, 1, 1)), ASKED: NOTHING}


@pytest.mark.parametrize("hour", [-17_259_889, -1, 0, 168, 70_389_527])
def test_hours_may_lie_anywhere_in_the_calendar(subject: LedgerSubject, hour: int) -> None:
    subject.roll_up(MerchantRows([("m", hour - 169)], [("m", hour - 169, hour - 1)]))

    asked = MerchantHour("m", hour)

    assert windows(subject, [asked]) == {asked: MerchantWindows((1, 1, 1), (1, 1, 1))}


def test_a_commit_alone_closes_no_hour(subject: LedgerSubject) -> None:
    decision = a_decision()
    subject.new_ledger().commit([decision], [], [])
    asked = MerchantHour("merchant-9", HOUR + 168 + 1)

    known = subject.new_ledger().look_up([a_candidate(decision)], [], Wanted({"user-7": 0}, [asked]))

    assert known == Known({}, (decision,), known.histories, {asked: NOTHING})
    assert len(known.histories["user-7"]) == 1
