"""Whether traffic should come: checks that are cached, bounded, and never raise."""

from __future__ import annotations

import asyncio
from threading import Event

import httpx
import pytest
from structlog.testing import capture_logs

from producers.errors import StreamMissingError
from producers.gateway.readiness import Probe, Readiness
from sinks.errors import SchemaVersionError, TransientSinkError
from tests.front_builders import IMPATIENT, House, visit

SILENT = "does not answer"
UNREACHABLE = "cannot be reached: see the gateway's log"


WAIT_S = 10.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_gateway_lives_and_is_ready() -> None:
    async def scenario(house: House) -> None:
        assert (await house.client.get("/health")).json() == {"status": "alive"}
        answer = await house.client.get("/ready")
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "status": "ready",
                "checks": {"stream": "ok", "ledger": "ok", "lag": "ok"},
                "limits": house.front.limits.reach,
            },
        )

    visit(scenario)


@pytest.mark.parametrize("away", ["stream", "ledger"])
@pytest.mark.parametrize("error", [TransientSinkError("host 10.0.0.7"), SchemaVersionError(), StreamMissingError("s")])
def test_what_is_away_is_named_and_the_cause_stays_in_the_log(away: str, error: Exception) -> None:
    async def scenario(house: House) -> httpx.Response:
        (house.stream if away == "stream" else house.ledgers["checking"]).failure = error
        return await house.client.get("/ready")

    with capture_logs() as logs:
        answer = visit(scenario)
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert answer.json()["checks"] == {"stream": "ok", "ledger": "ok", "lag": "ok", away: UNREACHABLE}
    assert [(line["check"], line["cause"]) for line in logs if line["event"] == "not_ready"] == [(away, str(error))]


def test_events_that_are_not_decided_are_a_reason_not_to_come() -> None:
    async def scenario(house: House) -> None:
        house.stream.is_deciding = False
        readiness = Readiness(
            Probe("stream", house.stream.check),
            Probe("ledger", house.ledgers["checking"].check),
            house.front.desk.oldest_pending_s,
            most_lag_s=0.05,
        )
        await house.classify()
        report = await readiness.report()
        assert not report.is_ready
        assert report.checks["lag"] == "events wait for 0 s and none is decided: look at the consumer"
        house.stream.decide()
        await until_lag_is_gone(readiness)
        readiness.close()

    visit(scenario, settings=IMPATIENT)


async def until_lag_is_gone(readiness: Readiness) -> None:
    """The watcher looks once a second after what nobody waits for any longer."""
    for _ in range(1_000):
        if (await readiness.report()).is_ready:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the gateway never became ready again")


def test_an_answer_is_kept_for_a_while_and_then_asked_for_again() -> None:
    clock, answers = Clock(), [None, TransientSinkError(), None]

    def check() -> None:
        if error := answers.pop(0):
            raise error

    async def scenario() -> list[str]:
        probe = Probe("ledger", check, fresh_s=5.0, clock=clock)
        told = []
        for passed_s in (0.0, 4.9, 0.1, 4.9, 0.2):
            clock.now_s += passed_s
            told.append(await probe.ask())
        probe.close()
        return told

    with capture_logs():
        assert asyncio.run(scenario()) == ["ok", "ok", UNREACHABLE, UNREACHABLE, "ok"]


def test_a_check_that_hangs_is_not_waited_for_and_not_asked_twice() -> None:
    gate, calls = Event(), list[int]()

    def check() -> None:
        calls.append(1)
        assert gate.wait(WAIT_S)

    async def scenario() -> list[str]:
        probe = Probe("ledger", check, patience_s=0.01)
        told = list(await asyncio.gather(probe.ask(), probe.ask()))
        gate.set()
        probe.patience_s = WAIT_S
        told.append(await probe.ask())
        probe.close()
        return told

    assert asyncio.run(scenario()) == [SILENT, SILENT, "ok"]
    assert calls == [1]
