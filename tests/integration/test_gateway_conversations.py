"""What passes between a client and the gateway in several requests, over real HTTP and a stream that answers, waits or is away."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from producers.errors import NoProgressError
from producers.gateway.front import FrontSettings
from producers.gateway.responses import (
    BatchResponse,
    ClassifyResponse,
    ErrorResponse,
    LabelResponse,
    PendingResponse,
    TransactionResponse,
)
from tests.gateway_builders import a_document
from tests.gateway_world import PATIENCE_S, Served, served

CLASSIFY = "/api/v1/classify"


@pytest.fixture
def deadline_s() -> float:
    """So long that a busy machine answers in time."""
    return PATIENCE_S


@pytest.fixture
def gateway(deadline_s: float) -> Iterator[Served]:
    with served(FrontSettings(deadline_s=deadline_s)) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Served) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": gateway.key()}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=2 * PATIENCE_S) as client:
        yield client


def classify(client: httpx.Client, **changes: Any) -> httpx.Response:
    return client.post(CLASSIFY, json=a_document(**changes))


def wait_for_decision(client: httpx.Client, location: str) -> httpx.Response:
    """Ask until it is decided."""
    until = time.monotonic() + PATIENCE_S
    while (found := client.get(location)).status_code == 202 and time.monotonic() < until:
        time.sleep(0.02)
    assert found.status_code == 200
    return found


def test_a_retry_gets_the_first_decision(client: httpx.Client, gateway: Served) -> None:
    first, again = (ClassifyResponse.model_validate(classify(client, transaction_id="t").json()) for _ in range(2))
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again == first.model_copy(update={"duplicate": True})
    assert len(gateway.house.world.store.decisions) == 1


def test_an_id_stands_for_one_event(client: httpx.Client, gateway: Served) -> None:
    classify(client, transaction_id="t")
    answer = classify(client, transaction_id="t", amount=151)
    error = ErrorResponse.model_validate(answer.json()).error
    assert (answer.status_code, error.code) == (409, "CONFLICT")
    assert error.details == {"transaction_id": "was used before for another event"}
    assert len(gateway.house.world.store.decisions) == 1


@pytest.mark.parametrize("deadline_s", [1.0])
def test_what_is_not_decided_in_time_can_be_asked_for(client: httpx.Client, gateway: Served) -> None:
    with gateway.undecided():
        answer = classify(client, transaction_id="t/ä ?#")
        pending = PendingResponse.model_validate(answer.json())
        assert (answer.status_code, answer.headers["Location"]) == (202, pending.location)
        still = client.get(pending.location)
        assert (still.status_code, PendingResponse.model_validate(still.json())) == (202, pending)
    found = wait_for_decision(client, pending.location)
    again = classify(client, transaction_id="t/ä ?#")
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    told = TransactionResponse.model_validate(found.json())
    assert (told.transaction_id, told.fraud_score, told.others) == ("t/ä ?#", again.json()["fraud_score"], [])


def test_a_stream_that_is_away_is_told_with_a_time_to_wait(client: httpx.Client, gateway: Served) -> None:
    gateway.house.stream.is_failing = True
    answer = classify(client, transaction_id="t")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
    gateway.house.stream.is_failing = False
    again = classify(client, transaction_id="t")
    assert (again.status_code, again.json()["transaction_id"]) == (200, "t")


def test_a_ledger_that_is_away_is_told_with_a_time_to_wait(client: httpx.Client, gateway: Served) -> None:
    for ledger in gateway.house.ledgers.values():
        ledger.fail_next(1)
    assert [classify(client).status_code, classify(client).status_code] == [503, 200]
    answer = client.get("/api/v1/transactions/t")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")


def test_a_client_that_asks_too_often_is_told_when_to_come_again(client: httpx.Client, gateway: Served) -> None:
    client.headers["X-API-Key"] = gateway.key(rate_per_s=0.01, burst=1)
    assert classify(client).status_code == 200
    answer = classify(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 101


def test_each_of_a_batch_has_its_own_answer(client: httpx.Client, gateway: Served) -> None:
    one, other = a_document(transaction_id="t-1"), a_document(transaction_id="t-1", amount=7)
    answer = client.post(f"{CLASSIFY}/batch", json={"transactions": [one, one, other, a_document(hour=24), 7]})
    results = BatchResponse.model_validate(answer.json()).results
    assert [(each.index, each.status) for each in results] == [(0, 200), (1, 200), (2, 409), (3, 400), (4, 400)]
    assert isinstance(results[3].body, ErrorResponse)
    assert results[3].body.error.details == {"hour": "must be between 0 and 23"}
    assert len(gateway.house.world.store.decisions) == 1


def test_five_hundred_are_decided_at_once(client: httpx.Client, gateway: Served) -> None:
    documents = [a_document(user_id=f"u-{number}") for number in range(500)]
    answer = client.post(f"{CLASSIFY}/batch", json={"transactions": documents})
    assert {each["status"] for each in answer.json()["results"]} == {200}
    assert len(gateway.house.world.store.decisions) == 500


def test_labels_are_stored_once(client: httpx.Client) -> None:
    classify(client, transaction_id="t")
    report = {"transaction_id": "t", "is_fraud": True, "source": "chargeback"}
    reports = [report, {**report, "is_fraud": False}, {**report, "transaction_id": "unknown"}]
    answer = LabelResponse.model_validate(client.post("/api/v1/labels", json={"labels": reports}).json())
    assert [each.outcome for each in answer.results] == ["stored", "contradicted", "early"]


def test_a_transaction_is_chosen_by_its_time(client: httpx.Client) -> None:
    times = ["2026-02-27T12:00:00.000Z", "2026-03-01T12:00:00.000Z"]
    statuses = [classify(client, transaction_id="t", timestamp=moment).status_code for moment in times]
    told = TransactionResponse.model_validate(client.get("/api/v1/transactions/t").json())
    assert statuses == [200, 409]
    assert (told.times.event, told.others) == (times[0], [])
    assert client.get("/api/v1/transactions/t", params={"timestamp": times[0]}).status_code == 200
    assert client.get("/api/v1/transactions/t", params={"timestamp": times[1]}).status_code == 404


def test_it_says_whether_it_lives_and_whether_it_is_ready(client: httpx.Client, gateway: Served) -> None:
    del client.headers["X-API-Key"]
    gateway.house.stream.failure = NoProgressError(1, 10, "a test")
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert answer.json()["checks"]["ledger"] == "ok"
    assert client.get("/health").json() == {"status": "alive"}


def test_the_page_shows_requests_that_work(client: httpx.Client) -> None:
    assert "swagger" in client.get("/docs").text
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for example in schemas.get(shown.get("$ref", "").rpartition("/")[2], {}).get("examples", []):
                answer = client.request(
                    method, path, content=json.dumps(example), headers={"Content-Type": "application/json"}
                )
                assert answer.status_code == 200, (path, answer.text)
    answered = {name for name, schema in schemas.items() if schema.get("examples")}
    assert answered >= {"ClassifyResponse", "PendingResponse", "ErrorResponse", "TransactionResponse", "LabelResponse"}


def test_the_log_has_neither_keys_nor_payloads(client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    for changes in ({"card_id": "tok_secret"}, {"card_id": "4111111111111111"}, {"user_id": "secret", "amount": -1}):
        classify(client, metadata={"secret": "secret"}, **changes)
    client.get("/api/v1/transactions/secret", params={"timestamp": "secret"})
    client.get("/secret", headers={"X-API-Key": "secret", "X-Request-Id": "a secret"})
    told = "".join(capsys.readouterr())
    assert told.count("/api/v1/classify") == 3
    assert [word for word in ("secret", "4111", client.headers["X-API-Key"].split("_")[2]) if word in told] == []
