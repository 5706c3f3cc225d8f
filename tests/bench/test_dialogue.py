from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from consumer.bench.dialogue import Dialogue, WorkerSilent

STATUS = b'{"action":"status","responseFor":"processRecords"}\n'
REQUEST = b'{"action":"checkpoint","sequenceNumber":"17","subSequenceNumber":2}\n'


class Ends(NamedTuple):
    """The worker's ends of the pipes, and the dialogue at the others."""

    stdin: int
    stdout: int
    dialogue: Dialogue


@pytest.fixture
def ends() -> Iterator[Ends]:
    stdin, to_worker = os.pipe()
    from_worker, stdout = os.pipe()
    dialogue = Dialogue(to_worker, from_worker)
    yield Ends(stdin, stdout, dialogue)
    dialogue.hang_up()
    for fd in (stdin, stdout):
        try:
            os.close(fd)
        except OSError:  # the test closed it
            continue


def test_a_line_is_said_and_its_answer_awaited(ends: Ends) -> None:
    os.write(ends.stdout, STATUS)
    assert ends.dialogue.say(b"a line\n") >= 0
    assert os.read(ends.stdin, 1000) == b"a line\n"
    assert ends.dialogue.checkpoints == 0


def test_a_checkpoint_is_granted_as_the_daemon_grants_it(ends: Ends) -> None:
    os.write(ends.stdout, REQUEST + STATUS)
    ends.dialogue.say(b"a line\n")
    granted = b'{"action":"checkpoint","sequenceNumber":"17","subSequenceNumber":2,"error":null}\n'
    assert os.read(ends.stdin, 1000) == b"a line\n" + granted
    assert ends.dialogue.checkpoints == 1


def test_a_worker_that_ends_is_told_from_one_that_works(ends: Ends) -> None:
    os.close(ends.stdout)
    with pytest.raises(WorkerSilent, match="the worker ended"):
        ends.dialogue.say(b"a line\n")


def test_a_worker_that_closed_its_stdin_is_told(ends: Ends) -> None:
    os.close(ends.stdin)
    with pytest.raises(WorkerSilent, match="closed its pipe"):
        ends.dialogue.say(b"a line\n")


def test_hanging_up_twice_does_no_harm(ends: Ends) -> None:
    ends.dialogue.hang_up()
    ends.dialogue.hang_up()
    assert os.read(ends.stdin, 1) == b""
