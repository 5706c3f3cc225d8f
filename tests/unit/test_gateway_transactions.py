"""GET /api/v1/transactions/{id}: whatever an id looks like, and however many events have it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from sinks.errors import TransientSinkError
from tests.builders import NOW, PLAIN_DECISION
from tests.front_builders import IMPATIENT, House, visit

PATH = "/api/v1/transactions/"
EARLIER = PLAIN_DECISION._replace(event_time=NOW - timedelta(days=3), score=0.75)


def remember(house: House) -> None:
    """Two events have the id t-1."""
    house.world.store.decisions |= {each.identity: each for each in (PLAIN_DECISION, EARLIER)}


def test_of_several_decisions_the_newest_is_told_and_the_times_of_the_others() -> None:
    async def scenario(house: House) -> None:
        remember(house)
        body = (await house.client.get(f"{PATH}t-1")).json()
        assert (body["times"]["event"], body["others"]) == ("2026-08-12T10:30:00.000Z", ["2026-08-09T10:30:00.000Z"])

    visit(scenario)


@pytest.mark.parametrize("timestamp", ["2026-08-09T10:30:00.000Z", "2026-08-09T12:30:00%2B02:00"])
def test_a_time_chooses_among_them(timestamp: str) -> None:
    async def scenario(house: House) -> None:
        remember(house)
        body = (await house.client.get(f"{PATH}t-1?timestamp={timestamp}")).json()
        assert (body["times"]["event"], body["fraud_score"], body["others"]) == ("2026-08-09T10:30:00.000Z", 0.75, [])

    visit(scenario)


def test_a_time_at_which_nothing_happened_is_unknown() -> None:
    async def scenario(house: House) -> int:
        remember(house)
        return (await house.client.get(f"{PATH}t-1?timestamp=2026-08-10T00:00:00Z")).status_code

    assert visit(scenario) == 404


def test_what_is_reserved_at_another_time_is_not_what_was_asked_for() -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        where = (await house.classify(transaction_id="t-1")).headers["Location"]
        assert (await house.client.get(where)).status_code == 202
        assert (await house.client.get(f"{PATH}t-1?timestamp=2026-03-01T00:00:00Z")).status_code == 404

    visit(scenario, settings=IMPATIENT)


@pytest.mark.parametrize("transaction_id", ["a/b", "ключ 7", "?x=1#y", "%2F", "a+b", "🦊" * 32])
def test_any_id_survives_the_way(transaction_id: str) -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        where = (await house.classify(transaction_id=transaction_id)).headers["Location"]
        house.stream.decide()
        answer = await house.client.get(where)
        assert (answer.status_code, answer.json()["transaction_id"]) == (200, transaction_id)

    visit(scenario, settings=IMPATIENT)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (quote("x" * 129), "transaction_id"),
        ("a%00b", "transaction_id"),
        ("", "transaction_id"),
        ("t-1?timestamp=yesterday", "timestamp"),
        ("t-1?timestamp=", "timestamp"),
    ],
)
def test_what_no_id_or_time_can_be_is_refused_by_its_name(path: str, field: str) -> None:
    async def scenario(house: House) -> None:
        answer = await house.client.get(PATH + path)
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [field])

    visit(scenario)


def test_a_ledger_that_is_away_is_to_be_asked_again() -> None:
    async def scenario(house: House) -> None:
        house.ledgers["finding"].failure = TransientSinkError()
        answer = await house.client.get(f"{PATH}t-1")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")

    visit(scenario)
