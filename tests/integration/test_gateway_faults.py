"""The gateway while what stands around it fails, or itself: no answer is a 500, and every accepted event has one decision."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from consumer.bench.http_load import NO_ANSWER, Shot, fire, post
from consumer.chaos.deployment import Deployment, a_deployment
from consumer.chaos.gateway import Answer, GatewayProcess, a_gateway
from consumer.chaos.gateway_requests import request_of
from consumer.chaos.waiting import wait_until
from infra.local.aws.faults import Fault
from infra.local.environment import LocalEnvironment

pytestmark = [pytest.mark.real, pytest.mark.daemon]

PATH = "/api/v1/classify"
ACCEPTED = {HTTPStatus.OK, HTTPStatus.ACCEPTED}
RATE = 20


@pytest.fixture
def deployment(local_environment: LocalEnvironment, tmp_path: Path) -> Iterator[Deployment]:
    """Everything but the consumer runs."""
    with a_deployment(local_environment, tmp_path, shards=2) as deployment:
        yield deployment


@pytest.fixture
def gateway(deployment: Deployment) -> Iterator[GatewayProcess]:
    with a_gateway(deployment.folder, deployment.variables, deployment.database_url) as gateway:
        yield gateway


@pytest.fixture
def another(deployment: Deployment) -> Iterator[GatewayProcess]:
    with a_gateway(deployment.folder, deployment.variables, deployment.database_url) as gateway:
        yield gateway


def requests_of(deployment: Deployment, number: int) -> list[dict[str, Any]]:
    return [request_of(event) for event in deployment.events(number)]


def shoot(gateway: GatewayProcess, requests: Sequence[dict[str, Any]], rate: float = RATE) -> list[Shot]:
    headers = {"X-API-Key": gateway.key}
    return fire(gateway.address, [post(PATH, headers, msgspec.json.encode(each)) for each in requests], rate)


def decided(deployment: Deployment) -> Counter[str]:
    """How many decisions each transaction id has."""
    with psycopg.connect(deployment.database_url) as connection:
        rows = connection.execute("select transaction_id, count(*) from fraudstream.decision group by 1").fetchall()
    return Counter(dict(rows))


def ids(requests: Sequence[dict[str, Any]]) -> set[str]:
    return {each["transaction_id"] for each in requests}


def wait_decided(deployment: Deployment, requests: Sequence[dict[str, Any]]) -> None:
    wait_until(lambda: ids(requests) <= decided(deployment).keys(), "a decision for every accepted request")


def warm(deployment: Deployment, gateway: GatewayProcess) -> None:
    """Start the consumer and wait until a request is decided in time."""
    deployment.consumer.start()

    def is_decided() -> bool:
        return ask(gateway, requests_of(deployment, 1)[0]).status == HTTPStatus.OK

    wait_until(is_decided, "a request that is decided in time")


def ask(gateway: GatewayProcess, request: dict[str, Any]) -> Answer:
    return gateway.ask("POST", PATH, request)


def require_proof(deployment: Deployment) -> None:
    deployment.wait_told()
    assert deployment.consumer.stop() == 0, deployment.consumer.tail()
    report = deployment.audit()
    assert report.is_clean, report.findings
    assert report.is_complete, report.counts


def test_while_the_consumer_is_dead_nothing_is_a_500_and_what_was_accepted_is_decided_once(
    deployment: Deployment, gateway: GatewayProcess
) -> None:
    warm(deployment, gateway)
    requests = requests_of(deployment, 15 * RATE)
    with ThreadPoolExecutor(1) as threads:
        shooting = threads.submit(shoot, gateway, requests)
        time.sleep(3)
        deployment.consumer.kill()
        time.sleep(4)
        deployment.consumer.start()
        shots = shooting.result()
    statuses = Counter(shot.status for shot in shots)
    assert statuses.keys() <= {*ACCEPTED, HTTPStatus.SERVICE_UNAVAILABLE}, statuses
    assert statuses[HTTPStatus.OK], "some were decided in time"
    assert statuses[HTTPStatus.OK] < len(shots), "some met a dead consumer"
    accepted = [requests[shot.number] for shot in shots if shot.status in ACCEPTED]
    wait_decided(deployment, accepted)
    counts = decided(deployment)
    assert all(counts[name] == 1 for name in ids(accepted))
    assert all(counts[name] <= 1 for name in ids(requests))

    late = next(shot for shot in shots if shot.status == HTTPStatus.ACCEPTED)
    name = requests[late.number]["transaction_id"]
    found = gateway.ask("GET", f"/api/v1/transactions/{name}")
    assert (found.status, found.body["transaction_id"]) == (HTTPStatus.OK, name)
    wait_until(lambda: gateway.ask("GET", "/ready").status == HTTPStatus.OK, "a gateway that is ready again")
    require_proof(deployment)


def test_a_client_that_retries_through_another_gateway_gets_the_first_decision(
    deployment: Deployment, gateway: GatewayProcess, another: GatewayProcess
) -> None:
    warm(deployment, gateway)
    requests = requests_of(deployment, 4 * RATE)
    with ThreadPoolExecutor(1) as threads:
        shooting = threads.submit(shoot, gateway, requests)
        time.sleep(2)
        gateway.kill()
        first = shooting.result()
    assert {shot.status for shot in first} == {HTTPStatus.OK, NO_ANSWER}

    again = shoot(another, requests)
    assert {shot.status for shot in again} == {HTTPStatus.OK}
    for before, after in zip(first, again, strict=True):
        if before.status == HTTPStatus.OK:
            assert msgspec.json.decode(after.body) == {**msgspec.json.decode(before.body), "duplicate": True}
    assert all(decided(deployment)[name] == 1 for name in ids(requests))
    require_proof(deployment)


def test_an_event_that_a_killed_gateway_had_published_is_published_again_as_the_same(
    deployment: Deployment, gateway: GatewayProcess, another: GatewayProcess
) -> None:
    requests = requests_of(deployment, 10)
    headers = {"X-API-Key": gateway.key}
    posts = [post(PATH, headers, msgspec.json.encode(each)) for each in requests]
    with ThreadPoolExecutor(1) as threads:
        shooting = threads.submit(fire, gateway.address, posts, 1_000)
        wait_until(lambda: in_stream(deployment) >= len(requests), "every event in the stream")
        gateway.kill()
        assert {shot.status for shot in shooting.result()} <= {NO_ANSWER, HTTPStatus.ACCEPTED}
    deployment.consumer.start()

    def is_decided(request: dict[str, Any]) -> bool:
        answer = ask(another, request)
        assert answer.status != HTTPStatus.OK or answer.body["duplicate"] is True
        return answer.status == HTTPStatus.OK

    for request in requests:
        wait_until(partial(is_decided, request), "the decision of an event published before")
    assert all(decided(deployment)[name] == 1 for name in ids(requests))
    require_proof(deployment)


def in_stream(deployment: Deployment) -> int:
    """How many records the stream holds."""
    stream, total = deployment.resources.stream_name, 0
    for shard in deployment.open_shards():
        iterator = deployment.kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        total += len(deployment.kinesis.get_records(ShardIterator=iterator)["Records"])
    return total


def test_without_the_ledger_requests_are_put_off_and_afterwards_they_come_through(
    deployment: Deployment, gateway: GatewayProcess
) -> None:
    warm(deployment, gateway)
    [request] = requests_of(deployment, 1)
    deployment.proxy.fall_silent()
    try:
        answer = ask(gateway, request)
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE, answer
        assert answer.body["error"]["code"] == "UNAVAILABLE"
        assert int(answer.headers["retry-after"]) >= 1
        wait_until(lambda: gateway.ask("GET", "/ready").status == HTTPStatus.SERVICE_UNAVAILABLE, "not ready")
        assert gateway.ask("GET", "/health").status == HTTPStatus.OK
    finally:
        deployment.proxy.resume()
        deployment.proxy.cut()
    wait_until(lambda: ask(gateway, request).status == HTTPStatus.OK, "the decision, now that the ledger is back")
    assert decided(deployment)[request["transaction_id"]] == 1


def test_without_the_stream_requests_are_put_off_and_afterwards_they_come_through(
    deployment: Deployment, gateway: GatewayProcess
) -> None:
    warm(deployment, gateway)
    [request] = requests_of(deployment, 1)
    away = Fault(name="gateway-stream-away", service="kinesis", operation="PutRecords", effect="error", status=503)
    with deployment.environment.faults.injected(away) as injection:
        answer = ask(gateway, request)
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE, answer
        assert injection.fired()
    wait_until(lambda: ask(gateway, request).status == HTTPStatus.OK, "the decision, now that the stream is back")
    assert decided(deployment)[request["transaction_id"]] == 1
    require_proof(deployment)
