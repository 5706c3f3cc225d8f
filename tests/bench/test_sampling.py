from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from consumer.bench.hops import percentiles
from consumer.bench.sampling import Memory, cpu_by_kind, machine, memory, memory_by_kind


def test_memory_grows_with_what_a_process_holds() -> None:
    before = memory(os.getpid())
    held = np.ones(64 << 20, np.uint8)
    after = memory(os.getpid())
    assert after.rss - before.rss > held.nbytes // 2
    assert after.pss - before.pss > held.nbytes // 2


def test_an_ended_process_has_neither_memory_nor_time() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert memory(ended.pid) == Memory(0, 0)
    assert cpu_by_kind({"ended": [ended.pid]}) == {"ended": 0.0}


def test_kinds_are_summed_each_for_itself() -> None:
    own = os.getpid()
    used = cpu_by_kind({"one": [own], "none": []})
    assert used["one"] > 0
    assert used["none"] == 0
    assert memory_by_kind({"none": []}) == {"none": Memory(0, 0)}


def test_the_machine_is_never_less_busy_than_before() -> None:
    before, after = machine(), machine()
    assert after.busy_s >= before.busy_s > 0


@pytest.mark.parametrize(("number", "told"), [(9, {"p50": 5}), (100, {"p50": 51, "p99": 100}), (0, {})])
def test_a_quantile_is_told_only_of_enough_values(number: int, told: dict[str, float]) -> None:
    values = np.arange(1, number + 1, dtype=np.float64)
    assert percentiles(values, {"p50": 0.5, "p99": 0.99}) == told
