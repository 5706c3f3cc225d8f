"""Who may come in, what the routes read and answer, and what the OpenAPI page says of them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest

from sinks.errors import TransientSinkError
from tests.front_builders import CLASSIFY, MADE, QUICK, House, only, scopes, visit
from tests.gateway_builders import a_body

LABELS = "/api/v1/labels"
LABEL = b'{"labels": [{"transaction_id": "t-1", "is_fraud": true, "source": "analyst"}]}'


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("shown", ["", "fs_nonsense", MADE.shown[:-1] + "!", "fs_aaaaaaaaaaaa_" + "A" * 43])
def test_without_a_key_that_is_known_nobody_comes_in(shown: str) -> None:
    async def scenario(house: House) -> None:
        answer = await house.classify()
        assert error(answer) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].startswith("ApiKey")
        assert house.world.store.reservations == {}

    visit(scenario, shown=shown)


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("classify", "POST", CLASSIFY, a_body()),
        ("classify", "POST", f"{CLASSIFY}/batch", b'{"transactions": [%s]}' % a_body()),
        ("read", "GET", "/api/v1/transactions/t-1", b""),
        ("label", "POST", LABELS, LABEL),
    ],
)
def test_a_key_does_what_its_scopes_say_and_nothing_else(scope: str, method: str, path: str, body: bytes) -> None:
    async def scenario(house: House) -> httpx.Response:
        return await house.client.request(method, path, content=body, headers={"Content-Type": "application/json"})

    others = {"classify", "read", "label"} - {scope}
    assert visit(scenario, **scopes(scope)).status_code in {200, 404}
    refused = visit(scenario, **scopes(*others))
    assert error(refused) == (403, "FORBIDDEN")
    assert refused.json()["error"]["details"] == {"scope": scope}


def test_a_key_that_asks_too_often_is_told_when_to_come_again() -> None:
    async def scenario(house: House) -> None:
        assert (await house.classify()).status_code == 200
        answer = await house.classify()
        assert error(answer) == (429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["Retry-After"]) <= 10

    visit(scenario, key=MADE.kept._replace(rate_per_s=0.1, burst=1))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{CLASSIFY}/batch", b'{"transactions": [%s]}' % b",".join([b"0"] * 500)),
        (LABELS, b'{"labels": [%s]}' % b",".join([b'{"transaction_id": "t", "is_fraud": true, "source": "a"}'] * 500)),
    ],
    ids=["batch", "labels"],
)
def test_a_batch_beyond_the_burst_goes_and_is_paid_by_those_after_it(path: str, body: bytes) -> None:
    async def scenario(house: House) -> None:
        assert (await house.post(path, body)).status_code == 200
        answer = await house.classify()
        assert error(answer) == (429, "RATE_LIMITED")
        assert 380 <= int(answer.headers["Retry-After"]) <= 402

    visit(scenario, key=MADE.kept._replace(rate_per_s=1.0, burst=100))


def test_keys_that_cannot_be_looked_up_are_no_reason_to_turn_anybody_away_for_good() -> None:
    async def scenario(house: House) -> None:
        house.keys.failure = TransientSinkError()
        answer = await house.classify()
        assert error(answer) == (503, "UNAVAILABLE")
        assert answer.headers["Retry-After"] == "1"
        house.keys.failure = None
        assert (await house.classify()).status_code == 200

    visit(scenario)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 200),
        ({"Content-Type": "Application/JSON; charset=UTF-8"}, 200),
        ({"Content-Type": 'application/json;charset="utf-8"'}, 200),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/jsonp"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "identity"}, 200),
    ],
)
def test_only_json_in_utf_8_is_read(headers: dict[str, str], status: int) -> None:
    async def scenario(house: House) -> httpx.Response:
        return await house.client.post(CLASSIFY, content=a_body(), headers=headers)

    answer = visit(scenario)
    assert answer.status_code == status
    assert status == 200 or error(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_paths_and_methods_that_are_none_are_refused_in_the_same_shape() -> None:
    async def scenario(house: House) -> None:
        assert error(await house.client.get("/nowhere")) == (404, "NOT_FOUND")
        assert error(await house.client.get(f"{CLASSIFY}/")) == (404, "NOT_FOUND")
        answer = await house.client.delete(CLASSIFY)
        assert error(answer) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["Allow"] == "POST"

    visit(scenario)


def test_labels_are_stored_and_what_became_of_each_is_told() -> None:
    async def scenario(house: House) -> None:
        await house.classify(transaction_id="t-1")
        answers = [await house.post(LABELS, LABEL) for _ in range(2)]
        outcomes = [only(answer.json()["results"]) for answer in answers]
        assert outcomes == [{"transaction_id": "t-1", "outcome": what} for what in ("stored", "repeated")]
        assert only(house.world.store.labels).is_fraud

    visit(scenario)


def test_a_bad_label_is_named_and_none_is_stored() -> None:
    async def scenario(house: House) -> None:
        bad = LABEL.replace(b"]}", b', {"transaction_id": "t-2", "is_fraud": 1, "source": "analyst"}]}')
        answer = await house.post(LABELS, bad)
        assert error(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json()["error"]["details"]) == ["labels.1.is_fraud"]
        assert house.world.store.labels == []

    visit(scenario)


def test_labels_that_cannot_be_stored_are_to_be_sent_again() -> None:
    async def scenario(house: House) -> None:
        house.labels.failure = TransientSinkError()
        answer = await house.post(LABELS, LABEL)
        assert error(answer) == (503, "UNAVAILABLE")
        assert answer.headers["Retry-After"] == "1"

    visit(scenario)


def test_no_page_may_call_unless_its_origin_is_listed() -> None:
    async def scenario(house: House) -> list[str | None]:
        answers = [
            await house.client.get("/health", headers={"Origin": f"https://{name}.example"})
            for name in ("shop", "else")
        ]
        return [answer.headers.get("Access-Control-Allow-Origin") for answer in answers]

    assert visit(scenario) == [None, None]
    assert visit(scenario, settings=replace(QUICK, cors_origins=("https://shop.example",))) == [
        "https://shop.example",
        None,
    ]


def test_requests_and_events_are_counted_by_route_and_outcome() -> None:
    async def scenario(house: House) -> None:
        await house.classify(transaction_id="t-1")
        await house.classify(transaction_id="t-1")
        await house.client.get("/api/v1/transactions/t-1")
        await house.client.get("/nowhere")
        counted = [(name, *labels.values()) for name, value, labels in house.figures if value == 1]
        assert counted == [
            ("gateway_events", "decided", "no"),
            ("gateway_requests", CLASSIFY, "200"),
            ("gateway_events", "decided", "yes"),
            ("gateway_requests", CLASSIFY, "200"),
            ("gateway_requests", "/api/v1/transactions/{transaction_id}", "200"),
            ("gateway_requests", "unmatched", "404"),
        ]

    visit(scenario)


def test_the_page_runs_its_own_script_and_no_other() -> None:
    async def scenario(house: House) -> httpx.Response:
        return await house.client.get("/docs")

    page = visit(scenario)
    policy = page.headers["Content-Security-Policy"]
    script = only(re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL))
    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_where_the_page_is_not_wanted_there_is_none() -> None:
    async def scenario(house: House) -> list[int]:
        return [(await house.client.get(path)).status_code for path in ("/docs", "/openapi.json", "/redoc")]

    assert visit(scenario, settings=replace(QUICK, has_docs=False)) == [404, 404, 404]


def test_the_document_describes_every_route_with_what_it_refers_to() -> None:
    async def scenario(house: House) -> dict[str, Any]:
        document: dict[str, Any] = (await house.client.get("/openapi.json")).json()
        return document

    document = visit(scenario)
    operations = {f"{method} {path}": each for path, item in document["paths"].items() for method, each in item.items()}
    keyed = {name for name, each in operations.items() if each.get("security") == [{"ApiKey": []}]}
    assert set(operations) - keyed == {"get /health", "get /ready"}
    assert {name for name, each in operations.items() if "422" in each["responses"]} == set()
    assert {name for name in keyed if not {"401", "403", "429", "503"} <= operations[name]["responses"].keys()} == set()
    missing = {name for name in _references(document) if name not in document["components"]["schemas"]}
    assert missing == set()


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix("#/components/schemas/")
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _references(child)
