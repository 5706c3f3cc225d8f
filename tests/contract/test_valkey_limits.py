"""What Valkey adds to the limits: gateways count together, and go on, each by itself, where it is away."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from valkey.asyncio import Valkey

from producers.gateway.limits import MemoryLimits
from producers.gateway.valkey_limits import ValkeyLimits
from tests.contract.limit_subjects import Unreachable, ValkeyServer, patient_limits, valkey_server

pytestmark = pytest.mark.real

SLOW = 1e-4
ALONE = "each gateway process by itself, because Valkey is away"
TOGETHER = "all gateways of one Valkey together"


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    with valkey_server() as started:
        yield started


class World:
    """A gateway's limits, and the clock that says when Valkey is tried again."""

    def __init__(self, server: ValkeyServer) -> None:
        self.now_s = 0.0
        client = Valkey.from_url(server.url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self.limits = ValkeyLimits(client, MemoryLimits(), timeout_s=0.5, clock_s=lambda: self.now_s)

    async def goes(self, key_id: str = "k", burst: int = 3) -> bool:
        return await self.limits.take(key_id, SLOW, burst) == 0.0


def test_gateways_share_one_bucket(server: ValkeyServer) -> None:
    async def scenario() -> int:
        gateways = [patient_limits(server) for _ in range(3)]
        waits = await asyncio.gather(*(gateway.take("k", SLOW, 20) for gateway in gateways for _ in range(20)))
        for gateway in gateways:
            await gateway.close()
        return waits.count(0.0)

    assert asyncio.run(scenario()) == 20


def test_a_full_bucket_takes_no_memory_and_an_emptied_one_ends_by_itself(server: ValkeyServer) -> None:
    async def scenario() -> tuple[int, int]:
        limits = patient_limits(server)
        await limits.take("slow", SLOW, 2, 2)
        await limits.take("fast", 1_000.0, 1)
        await asyncio.sleep(0.1)
        async with Valkey.from_url(server.url) as client:
            found = await client.pttl("fraudstream:rate:slow"), await client.exists("fraudstream:rate:fast")
        await limits.close()
        return found

    lives_ms, is_there = asyncio.run(scenario())
    assert lives_ms == pytest.approx(20_000_000, rel=0.01)
    assert is_there == 0


@pytest.mark.parametrize("is_frozen", [False, True])
def test_without_valkey_each_process_counts_by_itself_says_so_once_and_comes_back(
    server: ValkeyServer, *, is_frozen: bool
) -> None:
    async def scenario() -> list[object]:
        world = World(server)
        seen: list[object] = [await world.goes(), world.limits.reach]
        _take_away(server, is_frozen=is_frozen)
        seen += [[await world.goes() for _ in range(5)], world.limits.reach]
        _bring_back(server, is_frozen=is_frozen)
        seen += [await world.goes(), world.limits.reach]
        world.now_s = 1.1
        seen += [await world.goes("another"), world.limits.reach]
        await world.limits.close()
        return seen

    with capture_logs() as logs:
        seen = asyncio.run(scenario())
    own_burst = [True, True, True, False, False]
    assert seen == [True, TOGETHER, own_burst, ALONE, False, ALONE, True, TOGETHER]
    assert [log["event"] for log in logs] == ["valkey_away", "valkey_back"]
    assert "k" not in {str(value) for log in logs for value in log.values()}


def test_while_valkey_is_away_one_request_a_second_tries_it(server: ValkeyServer) -> None:
    async def scenario() -> list[bool]:
        world = World(server)
        server.kill()
        await world.goes()
        server.start()
        world.now_s = 1.1
        first, second = asyncio.create_task(world.goes("x", 1)), asyncio.create_task(world.goes("x", 1))
        tried = [await first, await second]  # one is counted by Valkey, the other by the process: both go
        await world.limits.close()
        return tried

    assert asyncio.run(scenario()) == [True, True]


def test_it_stays_away_as_long_as_trying_fails_and_says_nothing_more(server: ValkeyServer) -> None:
    async def scenario() -> list[bool]:
        world, gone = World(server), []
        server.kill()
        for now_s in (0.0, 0.5, 1.1, 2.2):
            world.now_s = now_s
            gone.append(await world.goes())
        await world.limits.close()
        return gone

    with capture_logs() as logs:
        assert asyncio.run(scenario()) == [True, True, True, False]
    assert [log["event"] for log in logs] == ["valkey_away"]


def test_a_request_that_is_given_up_leaves_no_answer_for_the_next(server: ValkeyServer) -> None:
    async def scenario() -> list[float]:
        limits = patient_limits(server)
        assert await limits.take("a", SLOW, 1) == 0.0
        server.signal(signal.SIGSTOP)
        given_up = asyncio.create_task(limits.take("a", SLOW, 1))  # its answer would be a wait
        await asyncio.sleep(0.02)
        given_up.cancel()
        await asyncio.wait([given_up])
        server.signal(signal.SIGCONT)
        waits = [await limits.take(key_id, SLOW, 1) for key_id in ("b", "c")]
        await limits.close()
        return waits

    assert asyncio.run(scenario()) == [0.0, 0.0]


def test_what_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="valkeys"):
        ValkeyLimits.at("nonsense", Unreachable())


def _take_away(server: ValkeyServer, *, is_frozen: bool) -> None:
    if is_frozen:
        server.signal(signal.SIGSTOP)
    else:
        server.kill()


def _bring_back(server: ValkeyServer, *, is_frozen: bool) -> None:
    if is_frozen:
        server.signal(signal.SIGCONT)
    else:
        server.start()
