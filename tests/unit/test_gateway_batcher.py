"""Many ask, one thread works: batches, order, bounds, failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event, get_ident

import pytest
from structlog.testing import capture_logs

from producers.gateway.batcher import Batcher, Overloaded
from sinks.errors import PermanentSinkError, TransientSinkError

WAIT_S = 10.0
"""A bound for what never takes that long; nothing is measured."""


class Held:
    """Work that doubles numbers, remembers its batches, and waits at the gate before each."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began, self.gate, self.threads = Event(), Event(), set[int]()

    def __call__(self, items: list[int]) -> list[int]:
        self.began.set()
        assert self.gate.wait(WAIT_S)
        self.batches.append(items)
        self.threads.add(get_ident())
        return [2 * item for item in items]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def held() -> Held:
    return Held()


def a_batcher(stack: ExitStack, work: Callable[[list[int]], list[int]], **options: float) -> Batcher[int, int]:
    batcher: Batcher[int, int] = Batcher(work, name="test", **{"linger_s": 0.0, **options})  # type: ignore[arg-type]
    stack.callback(batcher.close)
    if isinstance(work, Held):
        stack.callback(work.gate.set)
    return batcher


def test_what_comes_while_work_is_done_is_the_next_batch_in_its_order(stack: ExitStack, held: Held) -> None:
    batcher = a_batcher(stack, held)
    first = batcher.submit(1)
    assert held.began.wait(WAIT_S)
    later = [batcher.submit(item) for item in (2, 3, 4)]
    held.gate.set()
    assert [future.result(WAIT_S) for future in [first, *later]] == [2, 4, 6, 8]
    assert held.batches == [[1], [2, 3, 4]]
    assert held.threads != {get_ident()}


def test_a_batch_never_has_more_than_its_most_items(stack: ExitStack, held: Held) -> None:
    batcher = a_batcher(stack, held, most_items=2)
    futures = [batcher.submit(0)]
    assert held.began.wait(WAIT_S)
    futures += [batcher.submit(item) for item in range(1, 6)]
    held.gate.set()
    assert [future.result(WAIT_S) for future in futures] == [0, 2, 4, 6, 8, 10]
    assert held.batches == [[0], [1, 2], [3, 4], [5]]


def test_what_comes_while_it_lingers_is_one_batch(stack: ExitStack, held: Held) -> None:
    held.gate.set()
    batcher = a_batcher(stack, held, linger_s=WAIT_S, most_items=3)
    futures = [batcher.submit(item) for item in (1, 2, 3)]
    assert [future.result(WAIT_S) for future in futures] == [2, 4, 6]
    assert held.batches == [[1, 2, 3]]


def test_closing_ends_the_lingering_and_does_what_waits(stack: ExitStack, held: Held) -> None:
    held.gate.set()
    batcher = a_batcher(stack, held, linger_s=3600.0)
    future = batcher.submit(1)
    assert batcher.close()
    assert future.result(0) == 2
    with pytest.raises(Overloaded):
        batcher.submit(2)


def test_closing_says_when_work_does_not_end(stack: ExitStack, held: Held) -> None:
    batcher = a_batcher(stack, held)
    future = batcher.submit(1)
    assert held.began.wait(WAIT_S)
    assert not batcher.close(0.0)
    held.gate.set()
    assert future.result(WAIT_S) == 2


def test_more_than_may_wait_is_refused_and_what_waits_is_done(stack: ExitStack, held: Held) -> None:
    batcher = a_batcher(stack, held, most_waiting=2)
    futures = [batcher.submit(1)]
    assert held.began.wait(WAIT_S)
    futures += [batcher.submit(2), batcher.submit(3)]
    with pytest.raises(Overloaded):
        batcher.submit(4)
    held.gate.set()
    assert [future.result(WAIT_S) for future in futures] == [2, 4, 6]


def test_what_is_cancelled_before_its_batch_is_left_out_of_it(stack: ExitStack, held: Held) -> None:
    batcher = a_batcher(stack, held)
    first = batcher.submit(1)
    assert held.began.wait(WAIT_S)
    gone, stays = batcher.submit(2), batcher.submit(3)
    assert gone.cancel()
    assert not first.cancel()
    held.gate.set()
    assert stays.result(WAIT_S) == 6
    assert held.batches == [[1], [3]]


def test_a_batch_of_nothing_but_cancelled_items_is_no_work(stack: ExitStack, held: Held) -> None:
    batcher = a_batcher(stack, held)
    batcher.submit(1)
    assert held.began.wait(WAIT_S)
    batcher.submit(2).cancel()
    held.gate.set()
    assert batcher.close()
    assert held.batches == [[1]]


@pytest.mark.parametrize(
    ("error", "level", "cause"),
    [
        (TransientSinkError("away"), "warning", "away"),
        (PermanentSinkError("broken"), "error", "broken"),
        (ValueError("4111 1111 1111 1111"), "error", ""),
    ],
    ids=["transient", "permanent", "bug"],
)
def test_a_failed_batch_fails_all_in_it_tells_the_log_once_and_the_next_is_done(
    stack: ExitStack, error: Exception, level: str, cause: str
) -> None:
    answers: list[Exception | None] = [error, None]

    def work(items: list[int]) -> list[int]:
        if failure := answers.pop(0):
            raise failure
        return items

    batcher = a_batcher(stack, work, linger_s=WAIT_S, most_items=2)
    with capture_logs() as logs:
        failed = [batcher.submit(1), batcher.submit(2)]
        assert [future.exception(WAIT_S) for future in failed] == [error, error]
        done = [batcher.submit(3), batcher.submit(4)]
        assert [future.result(WAIT_S) for future in done] == [3, 4]
    assert [(line["event"], line["log_level"], line["items"], line["cause"]) for line in logs] == [
        ("batch_failed", level, 2, cause)
    ]


def test_work_that_answers_too_little_answers_nobody(stack: ExitStack) -> None:
    batcher = a_batcher(stack, lambda items: items[1:], linger_s=WAIT_S, most_items=2)
    futures = [batcher.submit(1), batcher.submit(2)]
    with capture_logs():
        assert [type(future.exception(WAIT_S)) for future in futures] == [ValueError, ValueError]
