"""From a request to the stream's own decision: once, whatever is sent again, and never a 500 where something is away."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from schemas.decode import EventTimeBounds
from sinks.errors import PermanentSinkError, SchemaVersionError, SinkError, TransientSinkError
from tests.front_builders import CLASSIFY, IMPATIENT, QUICK, House, a_house, only, visit
from tests.gateway_builders import a_body
from tests.pipeline_builders import NOW, World, an_event

UNAVAILABLE = {
    "code": "UNAVAILABLE",
    "message": "Nobody knows yet what became of the event: send it again with this transaction_id, nothing happens twice",
    "details": {"transaction_id": "t-1"},
}


def test_a_request_gets_the_decision_of_the_stream() -> None:
    async def scenario(house: House) -> None:
        answer = await house.classify(transaction_id="t-1", user_id="u-7")
        decision = only(house.world.store.decisions.values())
        assert (answer.status_code, answer.json()["transaction_id"]) == (200, decision.transaction_id)
        assert answer.json()["fraud_score"] == pytest.approx(decision.score)
        assert answer.json()["duplicate"] is False
        assert decision.event_time == NOW
        assert only(house.stream.records).partition_key == "u-7"

    visit(scenario)


def test_without_an_id_each_request_gets_one_of_its_own() -> None:
    async def scenario(house: House) -> list[str]:
        return [(await house.classify()).json()["transaction_id"] for _ in range(2)]

    assert visit(scenario) == ["gw-1", "gw-2"]


def test_a_retry_gets_the_first_decision_and_publishes_nothing() -> None:
    async def scenario(house: House) -> None:
        first, again = [(await house.classify(transaction_id="t-1")).json() for _ in range(2)]
        assert again == first | {"duplicate": True}
        assert len(house.stream.records) == 1

    visit(scenario)


def test_a_retry_through_another_gateway_publishes_what_was_reserved_before_the_crash() -> None:
    world = World()

    async def crash(house: House) -> httpx.Response:
        house.stream.is_silent = True
        return await house.classify(transaction_id="t-1")

    async def retry(house: House) -> httpx.Response:
        return await house.classify(transaction_id="t-1")

    lost = visit(crash, world=world, settings=IMPATIENT)
    answer = visit(retry, world=world, now=NOW + timedelta(seconds=9))
    assert (lost.status_code, lost.json()["error"]) == (503, UNAVAILABLE)
    assert (answer.status_code, answer.json()["duplicate"]) == (200, True)
    assert only(world.store.decisions).event_time == NOW


def test_what_is_not_decided_in_time_is_in_the_stream_and_can_be_asked_for() -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        answer = await house.classify(transaction_id="t-1")
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        where = answer.headers["Location"]
        assert where == answer.json()["location"]
        later = await house.client.get(where)
        assert (later.status_code, later.json(), later.headers["Location"]) == (202, answer.json(), where)
        house.stream.decide()
        assert (await house.client.get(where)).json()["status"] == "decided"
        assert (await house.classify(transaction_id="t-1")).json()["duplicate"] is True

    visit(scenario, settings=IMPATIENT)


def test_a_retry_of_what_is_not_decided_waits_for_the_same_decision() -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        asked = [asyncio.create_task(house.classify(transaction_id="t-1")) for _ in range(3)]
        await house.stream.wait_for(3)
        house.stream.decide()
        answers = [await each for each in asked]
        assert {answer.status_code for answer in answers} == {200}
        assert sorted(answer.json()["duplicate"] for answer in answers) == [False, True, True]
        assert len(house.world.store.decisions) == 1

    visit(scenario)


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"amount": 3}, {"transaction_id": "was used before for another event"}),
        (
            {"timestamp": "2026-03-01T11:00:00Z"},
            {"timestamp": "was 2026-03-01T12:00:00.000Z when this transaction_id was first used"},
        ),
    ],
    ids=["content", "time"],
)
def test_the_id_of_another_event_is_a_conflict(change: dict[str, Any], details: dict[str, str]) -> None:
    async def scenario(house: House) -> None:
        await house.classify(transaction_id="t-1")
        answer = await house.classify(transaction_id="t-1", **change)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
        assert answer.json()["error"]["details"] == details
        assert len(house.stream.records) == 1

    visit(scenario)


@pytest.mark.parametrize("timestamp", ["2026-03-01T12:00:00Z", "2026-03-01T11:59:59Z"], ids=["same time", "other time"])
def test_the_stream_may_find_a_conflict_that_nobody_had_reserved(timestamp: str) -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        house.stream.take(an_event("t-1", timestamp=timestamp))
        asked = asyncio.create_task(house.classify(transaction_id="t-1"))
        await house.stream.wait_for(2)
        house.stream.decide()
        answer = await asked
        assert answer.status_code == 409
        assert answer.json()["error"]["details"] == {"transaction_id": "was used before for another event"}

    visit(scenario)


def test_what_the_stream_refuses_is_the_clients_fault_with_a_text_for_the_field() -> None:
    async def scenario(house: House) -> None:
        house.stream.arrival_time = NOW + timedelta(days=9)
        answer = await house.classify(transaction_id="t-1")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert answer.json()["error"]["details"]["timestamp"].startswith("lies 9 days before the arrival")

    visit(scenario)


@pytest.mark.parametrize(
    "error", [TransientSinkError(), PermanentSinkError(), SchemaVersionError()], ids=["away", "broken", "old"]
)
def test_a_ledger_that_does_not_reserve_is_unavailable_and_nothing_is_published(error: SinkError) -> None:
    async def scenario(house: House) -> None:
        house.ledgers["reserving"].failure = error
        answer = await house.classify(transaction_id="t-1")
        assert (answer.status_code, answer.json()["error"]) == (503, UNAVAILABLE)
        assert answer.headers["Retry-After"] == "1"
        assert house.stream.records == []
        house.ledgers["reserving"].failure = None
        assert (await house.classify(transaction_id="t-1")).json()["duplicate"] is False

    visit(scenario)


def test_a_reservation_whose_answer_was_lost_is_found_by_the_retry() -> None:
    async def scenario(house: House) -> None:
        house.ledgers["reserving"].lose_next_answer()
        assert (await house.classify(transaction_id="t-1")).status_code == 503
        answer = await house.classify(transaction_id="t-1")
        assert (answer.status_code, answer.json()["duplicate"]) == (200, True)

    visit(scenario)


def test_a_stream_that_takes_nothing_is_unavailable() -> None:
    async def scenario(house: House) -> None:
        house.stream.is_failing = True
        answer = await house.classify(transaction_id="t-1")
        assert (answer.status_code, answer.json()["error"]) == (503, UNAVAILABLE)
        house.stream.is_failing = False
        assert (await house.classify(transaction_id="t-1")).status_code == 200

    visit(scenario)


def test_a_ledger_that_is_away_while_a_decision_is_waited_for_is_asked_again() -> None:
    async def scenario(house: House) -> None:
        house.ledgers["watching"].fail_next(3)
        assert (await house.classify()).status_code == 200

    visit(scenario)


def test_more_than_may_wait_are_told_to_come_again() -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        answers = await asyncio.gather(*(house.classify() for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [202, 503, 503]
        assert house.front.desk.waiting == 0

    visit(scenario, settings=replace(IMPATIENT, most_waiting=1))


@pytest.mark.parametrize(
    ("bounds", "status"),
    [(EventTimeBounds(before=timedelta(hours=1)), 400), (EventTimeBounds(before=timedelta(hours=3)), 200), (None, 200)],
)
def test_what_the_stream_would_refuse_for_its_time_is_not_published(
    bounds: EventTimeBounds | None, status: int
) -> None:
    async def scenario(house: House) -> None:
        body = a_body(timestamp="2026-03-01T10:00:00Z")
        answer = await house.classify(body)
        batch = await house.post(f"{CLASSIFY}/batch", b'{"transactions": [%s]}' % body)
        assert [answer.status_code, only(batch.json()["results"])["status"]] == [status, status]
        assert len(house.stream.records) == (2 if status == 200 else 0)

    visit(scenario, settings=replace(QUICK, bounds=bounds))


def test_a_batch_has_a_result_for_each_in_their_order() -> None:
    async def scenario(house: House) -> None:
        await house.classify(transaction_id="known")
        items = [a_body(transaction_id="t-1"), a_body(amount=-1), b"7", a_body(transaction_id="known", amount=2)]
        answer = await house.post(f"{CLASSIFY}/batch", b'{"transactions": [%s]}' % b",".join(items))
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert [(each["index"], each["status"]) for each in results] == [(0, 200), (1, 400), (2, 400), (3, 409)]
        assert results[0]["body"]["transaction_id"] == "t-1"
        assert results[1]["body"]["error"]["details"] == {"amount": "must be positive number"}

    visit(scenario)


def test_a_batch_is_published_in_its_order_and_an_id_twice_in_it_is_one_event() -> None:
    async def scenario(house: House) -> None:
        names = [f"t-{number}" for number in range(20)]
        body = b'{"transactions": [%s]}' % b",".join(a_body(transaction_id=name) for name in [*names, "t-3"])
        results = (await house.post(f"{CLASSIFY}/batch", body)).json()["results"]
        published = [json.loads(record.data)["transaction_id"] for record in house.stream.records]
        assert published[:20] == names
        assert [each["body"]["duplicate"] for each in results] == [False] * 20 + [True]
        assert len(house.world.store.decisions) == 20

    visit(scenario)


def test_a_gateway_that_ends_closes_its_publisher() -> None:
    async def scenario() -> House:
        async with a_house(settings=QUICK) as house:
            return house

    assert asyncio.run(scenario()).stream.is_closed
