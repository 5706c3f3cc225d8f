"""What a look-up tells of users' earlier transactions: which, in which order, how many, and with which values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.decision import Decision
from schemas.history import NEWEST, PastTransaction, Wanted
from sinks.errors import TransientSinkError
from sinks.port import Known
from tests.builders import NOW
from tests.contract.ledger_builders import a_candidate, a_decision, a_delivery, a_refusal
from tests.contract.ledger_subjects import SUBJECT_NAMES, SUBJECTS, LedgerSubject

NOW_MS = 1_786_530_600_000
MILLISECOND = timedelta(milliseconds=1)
USER = "user-7"


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[LedgerSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def history_of(subject: LedgerSubject, user_id: str = USER, since_ms: int = 0) -> Sequence[PastTransaction]:
    return subject.new_ledger().look_up([], [], Wanted({user_id: since_ms}, ())).histories[user_id]


def ids_of(history: Sequence[PastTransaction]) -> list[str]:
    return [past.transaction_id for past in history]


def committed(subject: LedgerSubject, *decisions: Decision) -> None:
    subject.new_ledger().commit(decisions, [], [])


def test_a_past_transaction_has_the_values_of_its_row(subject: LedgerSubject) -> None:
    committed(subject, a_decision("t-1", event_time=NOW + 7 * MILLISECOND))

    [past] = history_of(subject)

    assert past == PastTransaction("t-1", NOW_MS + 7, 12.3, "SEK", "merchant-9", "SE", "device-1", 55.605, 13.0038)
    assert isinstance(past, PastTransaction)
    assert [type(value) for value in past] == [str, int, float, str, str, str, str, float, float]


def test_what_a_row_does_not_have_is_none(subject: LedgerSubject) -> None:
    names = ("currency", "merchant_id", "location_country", "device_id", "location_latitude", "location_longitude")
    nothing: dict[str, Any] = dict.fromkeys(names)
    committed(subject, a_decision(**nothing))

    assert history_of(subject) == [PastTransaction("t-1", NOW_MS, 12.3, None, None, None, None, None, None)]


def test_a_history_is_in_order_of_time_and_ties_in_order_of_code_points(subject: LedgerSubject) -> None:
    tied = ["", "A", "Z", "a", "a b", "ab", "z", "ß", "é", "ü", "Ω", "中", "\uffff", "\U0001f600", "\U0010ffff"]
    rows = [a_decision(name) for name in reversed(tied)]
    later, earlier = a_decision("0", event_time=NOW + MILLISECOND), a_decision("zz", event_time=NOW - MILLISECOND)
    committed(subject, later, *rows[::2], earlier, *rows[1::2])

    assert ids_of(history_of(subject)) == ["zz", *tied, "0"]


def test_the_time_asked_for_is_left_out(subject: LedgerSubject) -> None:
    committed(subject, *(a_decision(str(n), event_time=NOW + n * MILLISECOND) for n in (-1, 0, 1)))

    assert ids_of(history_of(subject, since_ms=NOW_MS)) == ["1"]
    assert ids_of(history_of(subject, since_ms=NOW_MS - 1)) == ["0", "1"]


def test_each_user_has_a_time_and_a_history_of_its_own(subject: LedgerSubject) -> None:
    times = (NOW - timedelta(days=20), NOW)
    committed(
        subject,
        *(a_decision(f"{user}{n}", user_id=user, event_time=at) for user in "abc" for n, at in enumerate(times)),
    )
    asked = {"a": 0, "b": NOW_MS - 1, "nobody": 0, "c": NOW_MS}

    histories = subject.new_ledger().look_up([], [], Wanted(asked, ())).histories

    assert {user: ids_of(history) for user, history in histories.items()} == {
        "a": ["a0", "a1"], "b": ["b1"], "c": [], "nobody": [],
    }  # fmt: skip


def test_rows_of_every_week_and_of_odd_dates_belong_to_a_history(subject: LedgerSubject) -> None:
    days = (-9_000, -400, -22, -15, -8, -1, 0, 6, 13, 20, 27, 400, 9_000)
    committed(subject, *(a_decision(str(day), event_time=NOW + timedelta(days=day)) for day in reversed(days)))

    assert ids_of(history_of(subject)) == [str(day) for day in days]
    assert ids_of(history_of(subject, since_ms=NOW_MS)) == ["6", "13", "20", "27", "400", "9000"]


def test_the_ends_of_the_calendar_are_times_like_any_other(subject: LedgerSubject) -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    first_ms, last_ms = -62_135_596_800_000, 253_402_300_799_999
    committed(subject, a_decision("first", event_time=first), a_decision("last", event_time=last))

    assert [past.event_ms for past in history_of(subject, since_ms=first_ms - 10**12)] == [first_ms, last_ms]
    assert ids_of(history_of(subject, since_ms=first_ms)) == ["last"]
    assert history_of(subject, since_ms=last_ms) == history_of(subject, since_ms=last_ms + 10**12) == []


def test_only_the_newest_are_looked_at_and_of_tied_ones_those_with_the_greatest_id(subject: LedgerSubject) -> None:
    newer = [a_decision(f"newer-{n:04}", event_time=NOW + timedelta(minutes=n)) for n in range(1, NEWEST - 2)]
    tied = [a_decision(name) for name in ("Z", "é", "a", "\U0001f600", "\uffff")]
    older = [a_decision("zz", event_time=NOW - MILLISECOND)]
    committed(subject, *newer[::-1], *tied, *older)

    history = ids_of(history_of(subject))

    assert len(history) == NEWEST
    assert history == ["é", "\uffff", "\U0001f600", *(row.transaction_id for row in newer)]


@pytest.mark.parametrize(
    "amount", ["0", "0.01", "0.07", "0.1", "1.15", "90071992547409.93", "1234567890123456.78", "9999999999999999.99"]
)
def test_an_amount_is_the_float_that_python_makes_of_it(subject: LedgerSubject, amount: str) -> None:
    committed(subject, a_decision(amount=Decimal(amount)))

    [past] = history_of(subject)

    assert past.amount == float(Decimal(amount))


HOSTILE = (
    "",
    " ",
    "NULL",
    "{a,b}",
    '"',
    "'; drop table fraudstream.decision; --",
    "%s",
    "\\",
    "\u202e",
    "A",
    "a",
    "é",
    "e\u0301",
)


def test_a_user_is_found_by_exactly_its_name_whatever_that_holds(subject: LedgerSubject) -> None:
    fields = ("currency", "merchant_id", "location_country", "device_id")
    texts: list[dict[str, Any]] = [dict.fromkeys(fields, name[:3]) for name in HOSTILE]
    rows = [a_decision(f"t{name}", user_id=name, **text) for name, text in zip(HOSTILE, texts, strict=True)]
    committed(subject, *rows)

    histories = subject.new_ledger().look_up([], [], Wanted(dict.fromkeys(HOSTILE, 0), ())).histories

    assert {user: [(p.transaction_id, *p[3:7]) for p in history] for user, history in histories.items()} == {
        name: [(f"t{name}", *[name[:3]] * 4)] for name in HOSTILE
    }


def test_histories_come_with_all_else_that_is_asked(subject: LedgerSubject) -> None:
    row, refusal = a_decision(), a_refusal(1)
    subject.new_ledger().commit([row], [], [refusal])

    known = subject.new_ledger().look_up([a_candidate(row)], [a_delivery(refusal.position)], Wanted({USER: 0}, ()))

    assert known == Known({refusal.position: refusal}, (row,), {USER: history_of(subject)}, {})
    assert ids_of(known.histories[USER]) == ["t-1"]


def test_a_history_is_empty_where_nothing_is_asked_of_it(subject: LedgerSubject) -> None:
    committed(subject, a_decision())
    assert subject.new_ledger().look_up([a_candidate(a_decision())], []).histories == {}


def test_a_row_committed_while_its_answer_was_lost_is_in_the_history(subject: LedgerSubject) -> None:
    fragile = subject.new_fragile_ledger()
    wanted = Wanted({USER: 0}, ())
    assert fragile.ledger.look_up([], [], wanted).histories == {USER: []}
    fragile.lose_next_answer()
    with pytest.raises(TransientSinkError):
        fragile.ledger.commit([a_decision()], [], [])

    assert ids_of(fragile.ledger.look_up([], [], wanted).histories[USER]) == ["t-1"]


def test_what_another_decision_of_the_same_event_says_is_not_in_the_history(subject: LedgerSubject) -> None:
    changes: dict[str, Any] = {"amount": Decimal("99.00"), "user_id": "user-8"}
    committed(subject, a_decision())
    committed(subject, a_decision(**changes))

    histories = subject.new_ledger().look_up([], [], Wanted({USER: 0, "user-8": 0}, ())).histories

    assert [past.amount for past in histories[USER]] == [12.3]
    assert histories["user-8"] == []
