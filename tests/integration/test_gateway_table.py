"""The table of requests, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from producers.gateway.responses import ClassifyResponse, ErrorResponse
from tests.gateway_world import Served, served
from tests.integration.gateway_table import DECIDED, REFUSED, Case
from tests.pipeline_builders import NOW

PROTECTION = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Served]:
    with served() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def keys(gateway: Served) -> dict[str, str]:
    keys = {
        "good": gateway.key(),
        "reader": gateway.key("read"),
        "labeller": gateway.key("label"),
        "revoked": gateway.key(),
        "expired": gateway.key(expires_at=NOW),
        "unknown": f"fs_{'a' * 12}_{'b' * 43}",
        "garbled": "Bearer 7",
    }
    gateway.revoke(keys["revoked"])
    return keys


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


def send(client: httpx.Client, case: Case, keys: dict[str, str]) -> httpx.Response:
    headers = dict(case.headers) | ({"X-API-Key": keys[case.key]} if case.key != "none" else {})
    content = iter([case.body[:99], case.body[99:]]) if case.is_chunked else case.body
    return client.request(case.method, case.path, content=content, headers=headers)


def test_the_table_has_sixty_requests_of_different_names() -> None:
    names = [case.name for case in [*DECIDED, *REFUSED]]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case.name)
def test_a_good_request_is_decided(case: Case, client: httpx.Client, keys: dict[str, str], gateway: Served) -> None:
    store = gateway.house.world.store
    answer = send(client, case, keys)
    assert answer.status_code == 200, answer.text
    body = ClassifyResponse.model_validate(answer.json())
    assert body.details.legitimate_probability + body.details.fraud_probability == 1
    assert body.classification == (body.fraud_score > 0.5)
    assert PROTECTION.items() <= dict(answer.headers).items()
    made = [each for each in store.decisions if each.transaction_id == body.transaction_id]
    assert len(made) == 1


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_bad_request_is_refused_and_comes_to_nothing(
    case: Case, client: httpx.Client, keys: dict[str, str], gateway: Served
) -> None:
    store = gateway.house.world.store
    before = len(store.decisions), len(store.reservations)
    answer = send(client, case, keys)
    assert answer.status_code == case.status, answer.text
    error = ErrorResponse.model_validate(answer.json()).error
    assert error.code == case.code
    assert {path: text in error.details.get(path, "") for path, text in case.details.items()} == dict.fromkeys(
        case.details, True
    )
    assert PROTECTION.items() <= dict(answer.headers).items()
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["x-request-id"])
    assert (len(store.decisions), len(store.reservations)) == before
    assert store.refusals == {}
