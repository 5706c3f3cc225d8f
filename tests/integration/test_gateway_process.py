"""`fraudstream serve` as its orchestrator meets it: how it starts, what it refuses to start with, how it ends, what it logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from consumer.chaos.deployment import Deployment, a_deployment
from consumer.chaos.gateway import PEPPER, GatewayProcess, a_gateway
from consumer.chaos.gateway_requests import request_of
from consumer.chaos.waiting import wait_until
from consumer.telemetry.emf_reader import read_emf
from consumer.telemetry.metrics import METRICS
from infra.local.environment import LocalEnvironment

pytestmark = pytest.mark.real

PATH = "/api/v1/classify"
NO_WAIT = {"FRAUDSTREAM_GATEWAY_DEADLINE_S": "0.5"}


@pytest.fixture
def deployment(local_environment: LocalEnvironment, tmp_path: Path) -> Iterator[Deployment]:
    """Without a consumer: nothing is decided."""
    with a_deployment(local_environment, tmp_path, shards=1) as deployment:
        yield deployment


@pytest.fixture
def gateway(deployment: Deployment) -> Iterator[GatewayProcess]:
    with a_gateway(deployment.folder, {**deployment.variables, **NO_WAIT}, deployment.database_url) as gateway:
        yield gateway


def a_request(deployment: Deployment, **changes: Any) -> dict[str, Any]:
    return request_of(deployment.events(1)[0]) | changes


def serve(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a gateway that is expected to end by itself."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDSTREAM")}
    command = [sys.executable, "-m", "consumer.cli", "serve"]
    return subprocess.run(command, env=ours | variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_request_under_way_is_answered_before_the_end_and_the_exit_code_is_zero(
    deployment: Deployment, gateway: GatewayProcess
) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(gateway.ask, "POST", PATH, a_request(deployment))
        wait_until(lambda: reserved(deployment) == 1, "the request under way")
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        answer = waiting.result()
    assert answer.status == HTTPStatus.ACCEPTED
    assert gateway.process.wait(30) == 0
    assert '"event": "stopped"' in gateway.log()
    with pytest.raises(OSError, match="refused"):
        gateway.ask("GET", "/health")


def reserved(deployment: Deployment) -> int:
    from tests.contract.databases import execute

    [(number,)] = execute(deployment.database_url, b"select count(*) from fraudstream.reservation")
    return int(str(number))


def test_the_log_holds_neither_keys_nor_payloads_and_the_metrics_count_what_was_asked(
    deployment: Deployment, gateway: GatewayProcess
) -> None:
    request = a_request(deployment, user_id="somebody-special", card_id="tok_of-a-card")
    assert gateway.ask("POST", PATH, request).status == HTTPStatus.ACCEPTED
    assert gateway.ask("POST", PATH, request).status == HTTPStatus.ACCEPTED
    assert gateway.ask("POST", PATH, request | {"hour": 77}).status == HTTPStatus.BAD_REQUEST
    assert gateway.ask("POST", PATH, request, key=gateway.key[:-1] + "!").status == HTTPStatus.UNAUTHORIZED
    assert gateway.ask("GET", "/no/such/path").status == HTTPStatus.NOT_FOUND
    assert gateway.stop() == 0

    log = gateway.log()
    for secret in (
        gateway.key,
        gateway.key[-20:],
        PEPPER,
        "somebody-special",
        "tok_of-a-card",
        request["transaction_id"],
    ):
        assert secret not in log
    assert all(json.loads(line) for line in log.splitlines())
    metrics = read_emf(log.splitlines())
    by_status = {of: series.total for (name, of), series in metrics.items() if name == "GatewayRequests"}
    assert (by_status["202"], by_status["400"], by_status["401"], by_status["404"]) == (2, 1, 1, 1)
    assert metrics["GatewayEvents", "accepted"].total == 2
    assert len(metrics["GatewayLatency", PATH].values) == 4
    plain = {name for name, metric in METRICS.items() if metric.emitters == ("gateway",) and metric.dimension is None}
    assert plain <= {name for name, _ in metrics}


def test_a_gateway_starts_while_the_ledger_is_away_and_says_that_it_is_not_ready(deployment: Deployment) -> None:
    deployment.proxy.fall_silent()
    try:
        with a_gateway(deployment.folder, {**deployment.variables, **NO_WAIT}, deployment.database_url) as gateway:
            ready = gateway.ask("GET", "/ready")
            assert (ready.status, ready.body["checks"]["stream"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "ok")
            assert ready.body["checks"]["ledger"] != "ok"
            assert gateway.ask("POST", PATH, a_request(deployment)).status == HTTPStatus.SERVICE_UNAVAILABLE
            deployment.proxy.resume()
            wait_until(lambda: gateway.ask("GET", "/ready").status == HTTPStatus.OK, "a gateway that is ready")
    finally:
        deployment.proxy.resume()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"FRAUDSTREAM_API_KEY_PEPPER": None}, "no pepper for API keys"),
        ({"DATABASE_URL": None}, "no ledger: set DATABASE_URL"),
        ({"FRAUDSTREAM_STREAM_NAME": "no-such-stream"}, "create it, or name another with FRAUDSTREAM_STREAM_NAME"),
        ({"FRAUDSTREAM_VALKEY_URL": "http://:hush-hush@host"}, "FRAUDSTREAM_VALKEY_URL: must be an address"),
        ({"FRAUDSTREAM_GATEWAY_PORT": "70000"}, "gateway_port"),
        ({"FRAUDSTREAM_GATEWAY_HOST": "203.0.113.1"}, "cannot listen on 203.0.113.1"),
    ],
    ids=["pepper", "ledger", "stream", "valkey", "port", "host"],
)
def test_what_it_cannot_start_with_is_told_in_one_line(
    deployment: Deployment, changes: dict[str, str | None], words: str
) -> None:
    whole = {**deployment.variables, "FRAUDSTREAM_API_KEY_PEPPER": PEPPER, "FRAUDSTREAM_GATEWAY_PORT": "0", **changes}
    done = serve({name: value for name, value in whole.items() if value is not None})
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "hush-hush" not in done.stderr


def test_a_port_that_is_taken_is_told_with_the_remedy(deployment: Deployment, gateway: GatewayProcess) -> None:
    taken = {"FRAUDSTREAM_API_KEY_PEPPER": PEPPER, "FRAUDSTREAM_GATEWAY_PORT": str(gateway.port)}
    done = serve({**deployment.variables, **taken})
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {gateway.port}" in done.stderr
    assert "set FRAUDSTREAM_GATEWAY_PORT" in done.stderr
