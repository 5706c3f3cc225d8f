from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from consumer.bench.cpu import cpu_s, family_cpu_s
from consumer.bench.spending import spend

_WORK_S = 0.2
_ROUNDED_S = 0.04  # what ended children used is told in hundredths, user and system apart, now and before
_BUSY = f"import time\nwhile time.process_time() < {_WORK_S}: pass"


def test_the_clock_of_a_process_is_its_cpu_time() -> None:
    before_s = time.process_time()
    found_s = cpu_s(os.getpid())
    assert before_s <= found_s <= time.process_time()


def test_a_process_that_has_ended_has_no_clock() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    with pytest.raises(OSError, match="Invalid argument"):
        cpu_s(child.pid)


def test_a_family_counts_children_that_live_and_children_that_have_ended() -> None:
    before_s = family_cpu_s(os.getpid())
    with subprocess.Popen([sys.executable, "-c", f"{_BUSY}\nprint(flush=True)\ninput()"], stdin=-1, stdout=-1) as child:
        assert child.stdout is not None
        child.stdout.readline()
        living_s = family_cpu_s(os.getpid())
        child.communicate(b"\n")
    assert living_s - before_s >= _WORK_S
    assert family_cpu_s(os.getpid()) - before_s >= _WORK_S - _ROUNDED_S


def test_what_work_takes_is_told_per_record_and_with_the_server_apart() -> None:
    def work() -> None:
        until_s = time.process_time() + 0.01
        while time.process_time() < until_s:
            pass

    spent = spend([work, work], records=4)
    assert spent.own_us >= 0.02 / 4 * 1e6
    assert spent.wall_us > 0
    assert spent.server_us == 0
    assert spend([work], 1, os.getpid()).server_us >= 0.01 * 1e6
