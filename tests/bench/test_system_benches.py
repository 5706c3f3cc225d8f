"""The parts that run the whole system, at the scale that takes seconds: what they tell, never how quick it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.bench import end_to_end, gateway, latency, memory, recovery
from consumer.bench.hops import HOPS
from consumer.bench.result import Row, Sample
from consumer.bench.terms import Terms

pytestmark = [pytest.mark.real, pytest.mark.daemon]


@pytest.fixture
def terms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terms:
    def say(line: str) -> None:
        with capsys.disabled():
            print(f"  {line}", flush=True)

    return Terms("smoke", tmp_path, 1, say)


def number(row: Row, column: str) -> float:
    cell = row.cells[column]
    assert not isinstance(cell, str)
    return cell.middle if isinstance(cell, Sample) else float(cell)


def test_end_to_end_holds_a_rate_and_audits_all_that_it_sent(terms: Terms) -> None:
    result = end_to_end.measure(terms)
    [row] = result.rows
    assert number(row, "rate") > 0
    assert all(number(row, kind) > 0 for kind in ("load", "emulator", "java", "workers", "postgres", "all"))
    assert str(row.cells["audit"]).startswith("clean, ")


def test_latency_times_every_hop_of_every_event(terms: Terms) -> None:
    result = latency.measure(terms)
    assert [row.label for row in result.rows] == [f"100/s polling: {hop}" for hop in HOPS]
    medians = {hop: number(row, "p50") for hop, row in zip(HOPS, result.rows, strict=True) if "p50" in row.cells}
    assert medians.keys() >= set(HOPS[:4])
    assert 0 <= medians["received → scored"] <= medians["received → committed"] <= medians["put → committed"]
    assert {row.cells["events"] for row in result.rows[:4]} == {300}


def test_the_gateway_answers_every_request_with_its_decision_and_the_audit_is_clean(terms: Terms) -> None:
    [row] = gateway.measure(terms).rows
    assert (row.label, row.cells["requests"], row.cells["audit"]) == ("polling", 60, "clean, 80")
    assert 0 < number(row, "p50") <= number(row, "p90")
    assert number(row, "CPU") > 0


def test_memory_tells_of_every_kind_of_process(terms: Terms) -> None:
    [row] = memory.measure(terms).rows
    kinds = ("java", "workers", "other")
    assert all(0 < number(row, f"{kind} PSS") <= number(row, f"{kind} RSS") for kind in kinds)
    assert number(row, "all PSS") == pytest.approx(sum(number(row, f"{kind} PSS") for kind in kinds))


def test_recovery_ends_with_new_decisions(terms: Terms) -> None:
    result = recovery.measure(terms)
    seconds = {row.label: number(row, "seconds") for row in result.rows}
    assert seconds.keys() == {"warm start, fast failover", "kill -9 of a worker, fast failover", "model load"}
    assert all(value > 0 for value in seconds.values())
