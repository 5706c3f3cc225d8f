"""Who may come in: what the ring of keys remembers, for how long, and what a flood of wrong keys cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Any, TypeVar

import pytest

from producers.gateway import keys as key_ring
from producers.gateway.api_key import MadeKey
from producers.gateway.keys import Client, KeyRefused, KeyRing, KeysBusy
from sinks.errors import TransientSinkError
from sinks.front import ApiKey
from sinks.ledger.memory import MemoryStore
from sinks.ledger.memory_api_keys import MemoryApiKeys
from tests.builders import NOW
from tests.key_builders import PEPPER, WELL_FORMED, a_key

T = TypeVar("T")


class WatchedKeys(MemoryApiKeys):
    """Keys in memory that count how often they are read, and can be made to wait or to fail."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.finds, self.is_closed, self.is_away = 0, False, False
        self.may_answer = Event()
        self.may_answer.set()

    def find(self, key_id: str) -> ApiKey | None:
        self.finds += 1
        self.may_answer.wait(30)
        if self.is_away:
            raise TransientSinkError
        return super().find(key_id)

    def close(self) -> None:
        self.is_closed = True


class World:
    """A ring, its keys, and the time, which a test moves."""

    def __init__(self) -> None:
        self.keys, self.passed_s = WatchedKeys(), 0.0
        self.rings: list[KeyRing] = []

    def ring(self, **settings: Any) -> KeyRing:
        now: Callable[[], datetime] = lambda: NOW + timedelta(seconds=self.passed_s)  # noqa: E731 - a clock
        self.rings.append(KeyRing(self.keys, PEPPER, now=now, clock_s=lambda: self.passed_s, **settings))
        return self.rings[-1]

    def key(self, **changes: Any) -> MadeKey:
        made = a_key(**changes)
        self.keys.add(made.kept)
        return made


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for ring in made.rings:
        ring.close()


def run(*asked: Coroutine[Any, Any, T]) -> list[T | BaseException]:
    async def together() -> list[T | BaseException]:
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(together())


def wrong(number: int) -> str:
    return f"fs_abcdefghijkl_{number:043d}"


def test_a_good_key_says_who_comes_in_and_what_they_may(world: World) -> None:
    made = world.key(name="shop", scopes=["read", "classify"], rate_per_s=2.5, burst=7)
    (client,) = run(world.ring().verify(made.shown))
    assert client == Client(made.kept.key_id, "shop", frozenset({"classify", "read"}), 2.5, 7)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "header X-API-Key"),
        ("", "no API key"),
        ("secret", "no API key"),
        (WELL_FORMED, "not known"),
        ("é", "no API key"),
    ],
)
def test_whoever_has_no_key_stays_outside(world: World, header: str | None, words: str) -> None:
    (refused,) = run(world.ring().verify(header))
    assert isinstance(refused, KeyRefused)
    assert refused.code == "UNAUTHORIZED"
    assert words in refused.message


def test_a_wrong_secret_is_refused_in_the_words_for_an_unknown_id_and_none_holds_the_key(world: World) -> None:
    made = world.key()
    other = made.shown[:-2] + ("AA" if made.shown[-2:] != "AA" else "BB")
    refused = [str(each) for each in run(world.ring().verify(other), world.ring().verify(WELL_FORMED))]
    assert refused[0] == refused[1]
    assert made.kept.key_id not in refused[0]


def test_an_unknown_id_is_hashed_as_a_known_one_is(world: World) -> None:
    ring = world.ring()
    ring._pepper = b""  # with which nothing can be hashed, which is how the test sees that something was to be
    (seen,) = run(ring.verify(WELL_FORMED))
    assert isinstance(seen, ValueError)


def test_a_key_is_read_once_while_it_is_remembered(world: World) -> None:
    made, ring = world.key(), world.ring(cache_s=30)
    for passed_s in (0.0, 10.0, 29.9):
        world.passed_s = passed_s
        run(ring.verify(made.shown))
    assert world.keys.finds == 1


def test_a_revoked_key_is_refused_once_it_is_no_longer_remembered(world: World) -> None:
    made, ring = world.key(), world.ring(cache_s=30)
    run(ring.verify(made.shown))
    world.keys.revoke(made.kept.key_id, NOW)
    world.passed_s = 29.9
    (remembered,) = run(ring.verify(made.shown))
    world.passed_s = 30.0
    (refused,) = run(ring.verify(made.shown))
    assert isinstance(remembered, Client)
    assert isinstance(refused, KeyRefused)
    assert "was revoked at 2026-08-12T10:30:00.000Z" in refused.message


def test_a_key_that_expires_is_refused_at_once(world: World) -> None:
    made, ring = world.key(expires_at=NOW + timedelta(seconds=5)), world.ring(cache_s=30)
    world.passed_s = 4.999
    (before,) = run(ring.verify(made.shown))
    world.passed_s = 5.0
    (after,) = run(ring.verify(made.shown))
    assert isinstance(before, Client)
    assert "expired at 2026-08-12T10:30:05.000Z" in str(after)


def test_whether_a_key_was_revoked_is_told_to_its_owner_alone(world: World) -> None:
    made = world.key()
    world.keys.revoke(made.kept.key_id, NOW)
    (refused,) = run(world.ring().verify(made.shown[:-2] + "__"))
    assert "not known" in str(refused)


def test_a_key_that_came_in_is_read_again_but_not_hashed_again(world: World) -> None:
    made, ring = world.key(), world.ring(cache_s=30)
    run(ring.verify(made.shown))
    ring._pepper = b""  # nothing can be hashed any more
    world.passed_s = 31.0
    (client,) = run(ring.verify(made.shown))
    assert isinstance(client, Client)
    assert world.keys.finds == 2


@pytest.mark.parametrize("changed", [{"salt": b"another"}, {"secret_hash": b"another"}, None])
def test_a_proof_ends_with_the_row_that_it_was_of(world: World, changed: dict[str, bytes] | None) -> None:
    made, ring = world.key(), world.ring(cache_s=30)
    run(ring.verify(made.shown))
    rows = world.keys._store.api_keys
    row = rows.pop(made.kept.key_id)
    rows |= {} if changed is None else {row.key_id: row._replace(**changed)}  # type: ignore[arg-type]
    world.passed_s = 31.0
    (refused,) = run(ring.verify(made.shown))
    assert isinstance(refused, KeyRefused)
    assert ring._proofs == {}


def test_a_wrong_key_that_is_shown_again_costs_nothing_for_a_while(world: World) -> None:
    ring, found = world.ring(cache_s=30), []
    for passed_s in (0.0, 29.9, 30.0):
        world.passed_s = passed_s
        (refused,) = run(ring.verify(WELL_FORMED))
        assert isinstance(refused, KeyRefused)
        found.append(world.keys.finds)
    assert found == [1, 1, 2]


def test_of_wrong_keys_only_so_many_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "_MOST_REFUSALS", 2)
    ring = world.ring()
    found = []
    for number in (1, 2, 3, 3, 2, 1):
        run(ring.verify(wrong(number)))
        found.append(world.keys.finds)
    assert found == [1, 2, 3, 3, 3, 4], "the oldest is forgotten"
    assert len(ring._refusals) == 2


def test_a_key_that_many_requests_show_at_once_is_checked_once(world: World) -> None:
    made, ring = world.key(), world.ring()
    clients = run(*(ring.verify(made.shown) for _ in range(20)))
    assert clients == [Client(made.kept.key_id, "shop", frozenset({"classify"}), 50.0, 100)] * 20
    assert world.keys.finds == 1


def test_a_request_that_is_given_up_leaves_the_others_their_answer(world: World) -> None:
    made, ring = world.key(), world.ring()
    world.keys.may_answer.clear()

    async def scenario() -> tuple[Client | BaseException, Client | BaseException]:
        first, second = (asyncio.create_task(ring.verify(made.shown)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        world.keys.may_answer.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    gone, answered = asyncio.run(scenario())
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(answered, Client)


def test_a_flood_of_wrong_keys_is_turned_away_and_keeps_no_known_client_outside(world: World) -> None:
    made, ring = world.key(), world.ring(cache_s=30, most_checks=2)
    run(ring.verify(made.shown))
    world.passed_s = 31.0  # what is remembered has to be read again
    *flood, known = run(*(ring.verify(wrong(number)) for number in range(5)), ring.verify(made.shown))
    assert [type(each) for each in flood] == [KeyRefused, KeyRefused, KeysBusy, KeysBusy, KeysBusy]
    assert isinstance(known, Client)
    (later,) = run(ring.verify(wrong(4)))
    assert isinstance(later, KeyRefused), "the places are free again"


def test_nobody_waits_for_longer_than_the_timeout(world: World) -> None:
    made, ring = world.key(), world.ring(timeout_s=0.05)
    world.keys.may_answer.clear()

    async def scenario() -> tuple[BaseException, Client]:
        (busy,) = await asyncio.gather(ring.verify(made.shown), return_exceptions=True)
        world.keys.may_answer.set()
        ring._timeout_s = 30.0
        return busy, await ring.verify(made.shown)  # type: ignore[return-value]

    busy, client = asyncio.run(scenario())
    assert isinstance(busy, KeysBusy)
    assert (busy.code, busy.retry_after_s) == ("UNAVAILABLE", 1.0)
    assert isinstance(client, Client)


def test_a_ledger_that_is_away_refuses_nobody_for_good(world: World) -> None:
    made, ring = world.key(), world.ring(cache_s=30)
    run(ring.verify(made.shown))
    for is_away in (True, False):
        world.keys.is_away, world.passed_s = is_away, 31.0
        known, unknown = run(ring.verify(made.shown), ring.verify(WELL_FORMED))
        expected = (TransientSinkError, TransientSinkError) if is_away else (Client, KeyRefused)
        assert (type(known), type(unknown)) == expected


def test_closing_closes_the_keys() -> None:
    world = World()
    world.ring().close()
    assert world.keys.is_closed
