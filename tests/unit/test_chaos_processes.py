from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from consumer.chaos.processes import family, is_alive, pause, private_bytes, resume, state_of
from consumer.chaos.waiting import WaitedInVainError, wait_until

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def tree() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process and its child in another session, as Java is."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        yield parent, child
        for pid in family(parent.pid)[::-1]:
            subprocess.run(["kill", "-9", str(pid)], check=False)


def test_a_family_is_stopped_and_goes_on_whole(tree: tuple[subprocess.Popen[str], int]) -> None:
    parent, child = tree
    assert family(parent.pid) == [parent.pid, child]
    assert pause(parent.pid) == [parent.pid, child]
    wait_until(lambda: {state_of(parent.pid), state_of(child)} == {"T"}, "a family that stands still")
    resume([parent.pid, child])
    wait_until(lambda: "T" not in {state_of(parent.pid), state_of(child)}, "a family that goes on")


def test_what_has_ended_is_neither_alive_nor_holds_memory(tree: tuple[subprocess.Popen[str], int]) -> None:
    parent, child = tree
    wait_until(lambda: private_bytes(child) > 100_000, "an interpreter that has begun")
    parent.kill()
    wait_until(lambda: not is_alive(parent.pid), "the end")
    assert (family(parent.pid), private_bytes(parent.pid)) == ([], 0)
    subprocess.run(["kill", "-9", str(child)], check=True)


def test_a_wait_in_vain_says_what_it_waited_for() -> None:
    with pytest.raises(WaitedInVainError, match="in vain: the end of time"):
        wait_until(lambda: False, "the end of time", 0.01)
