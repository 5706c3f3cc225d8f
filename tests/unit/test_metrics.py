from __future__ import annotations

import json
import os
import select
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread
from typing import Any, get_args

import pytest

from consumer.telemetry.emf import MAX_VALUES, Gathered, GroupKey
from consumer.telemetry.log_stream import LogStream
from consumer.telemetry.metrics import METRICS, MetricName, NoMeter, Process
from consumer.telemetry.process_meter import ProcessMeter, memory_used

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROCESSES: tuple[Process, ...] = get_args(Process)
CLOUDWATCH_UNITS = {"Count", "Milliseconds", "Seconds", "Bytes"}


class Scene:
    """A meter on a pipe, and a clock that the test moves."""

    def __init__(self, process: Process = "worker") -> None:
        self._read_fd, self._write_fd = os.pipe()
        self.stream, self.clock_s = LogStream(self._write_fd), 0.0
        gathered = Gathered("payments", process, {"pid": "7"})
        self.meter = ProcessMeter(gathered, self.stream, 60.0, lambda: self.clock_s, lambda: NOW)

    def lines(self) -> list[bytes]:
        if not select.select([self._read_fd], [], [], 0)[0]:
            return []
        return os.read(self._read_fd, 1 << 20).splitlines()

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def emitted(self) -> list[dict[str, Any]]:
        """What is written now, whatever the clock says."""
        self.meter.close()
        return self.documents()

    def close_reader(self) -> None:
        os.close(self._read_fd)


def a_directive(document: dict[str, Any]) -> dict[str, Any]:
    [directive] = document["_aws"]["CloudWatchMetrics"]
    assert isinstance(directive, dict)
    return directive


def test_every_name_has_a_unit_that_cloudwatch_knows_and_a_process_that_emits_it() -> None:
    assert set(METRICS) == set(get_args(MetricName))
    assert {metric.unit for metric in METRICS.values()} <= CLOUDWATCH_UNITS
    assert all(metric.emitters for metric in METRICS.values())


def test_a_document_is_what_the_specification_asks_for() -> None:
    scene = Scene()
    scene.meter.count("DecisionsMade", 3)
    scene.meter.observe("BatchLatency", 12.5)
    scene.meter.observe("BatchLatency", 1234.56789)
    [document] = scene.emitted()
    assert document["_aws"]["Timestamp"] == 1_772_366_400_000
    directive = a_directive(document)
    assert (directive["Namespace"], directive["Dimensions"]) == ("fraudstream", [["Application"]])
    assert {"Name": "BatchLatency", "Unit": "Milliseconds"} in directive["Metrics"]
    assert (document["Application"], document["process"], document["pid"]) == ("payments", "worker", "7")
    assert (document["DecisionsMade"], document["BatchLatency"]) == (3, [12.5, 1234.57])
    assert all(definition["Name"] in document for definition in directive["Metrics"])


@pytest.mark.parametrize("process", PROCESSES)
def test_sums_without_a_dimension_are_emitted_as_zero_too(process: Process) -> None:
    [document] = Scene(process).emitted()
    expected = {n for n, m in METRICS.items() if m.kind == "sum" and m.dimension is None and process in m.emitters}
    assert {name for name in METRICS if name in document} == expected
    assert all(document[name] == 0 for name in expected)


def test_each_value_of_a_dimension_has_a_document_of_its_own() -> None:
    scene = Scene()
    for sink in ("ledger", "lake", "ledger"):
        scene.meter.count("SinkRetries", of=sink)
    documents = [document for document in scene.emitted() if "Sink" in document]
    assert {document["Sink"]: document["SinkRetries"] for document in documents} == {"ledger": 2, "lake": 1}
    assert a_directive(documents[0])["Dimensions"] == [["Application", "Sink"]]


def test_nothing_leaves_before_its_time_and_what_left_is_not_counted_again() -> None:
    scene = Scene()
    scene.meter.count("RecordsConsumed", 5)
    scene.clock_s = 59.9
    scene.meter.tick()
    assert scene.lines() == []
    scene.clock_s = 60.0
    scene.meter.tick()
    scene.clock_s = 119.9
    scene.meter.tick()
    assert [document["RecordsConsumed"] for document in scene.documents()] == [5]
    scene.clock_s = 120.0
    scene.meter.tick()
    assert [document["RecordsConsumed"] for document in scene.documents()] == [0]


def test_a_full_document_leaves_before_its_time_and_is_one_atomic_write() -> None:
    scene = Scene()
    for number in range(MAX_VALUES - 1):
        scene.meter.observe(("BatchLatency", "DecisionLatency", "ChunkPutLatency")[number % 3], 1234.5678 + number)
    scene.meter.tick()
    assert scene.lines() == []
    scene.meter.observe("LedgerCommitLatency", 9.9)
    for name, metric in METRICS.items():
        if metric.dimension is None and metric.kind == "reading":
            scene.meter.watch(name, lambda: 123456.7)
        elif metric.dimension is None and metric.kind == "sum":
            scene.meter.count(name, 123_456_789)
    scene.meter.tick()
    [line] = scene.lines()
    document = json.loads(line)
    assert len(line) < select.PIPE_BUF
    assert len(document["BatchLatency"]) + len(document["DecisionLatency"]) + len(document["ChunkPutLatency"]) == 99


def test_a_reading_is_taken_when_metrics_leave_and_left_out_where_there_is_none() -> None:
    scene = Scene()
    readings: list[float | None] = [None, 42.0]
    scene.meter.watch("CheckpointAge", lambda: readings.pop(0))
    assert ["CheckpointAge" in document for document in scene.emitted()] == [False]
    assert [document["CheckpointAge"] for document in scene.emitted()] == [42]


def test_sums_outlive_a_log_that_cannot_be_written() -> None:
    scene = Scene()
    while scene.stream.write_line(b"x" * 4000):
        pass
    lost = scene.stream.lines_lost
    scene.meter.count("RecordsConsumed", 5)
    scene.meter.observe("BatchLatency", 1.0)
    scene.meter.close()
    scene.lines()
    scene.meter.count("RecordsConsumed", 2)
    scene.meter.close()
    [document] = [json.loads(line) for line in scene.lines() if b"_aws" in line]
    assert (document["RecordsConsumed"], "BatchLatency" in document) == (7, False)
    assert document["LogLinesLost"] == lost + 1


def test_memory_is_bounded_while_nothing_can_be_written() -> None:
    scene = Scene()
    scene.close_reader()
    for _ in range(10 * MAX_VALUES):
        scene.meter.observe("BatchLatency", 1.0)
        scene.meter.tick()
    documents = dict(scene.meter._gathered.documents(NOW))
    assert len(documents[GroupKey()]) < select.PIPE_BUF
    assert scene.meter.lines_lost == 10


def test_a_document_never_holds_more_values_than_the_format_allows() -> None:
    scene = Scene()
    for _ in range(MAX_VALUES + 5):
        scene.meter.observe("ChunkRows", 7)
    [document] = scene.emitted()
    assert document["ChunkRows"] == [7] * 100


def test_a_forked_process_does_not_answer_for_lines_that_its_parent_lost() -> None:
    scene = Scene()
    scene.close_reader()
    scene.stream.write_line(b"lost by the parent")
    child = ProcessMeter(Gathered("payments", "worker"), scene.stream, 60.0)
    assert (scene.meter.lines_lost, child.lines_lost) == (1, 0)


def test_memory_is_that_of_the_process() -> None:
    own, parents = memory_used(), memory_used(os.getppid())
    assert own is not None
    assert own > 10_000_000
    assert parents != own
    assert memory_used(2**22 + 1) is None


def test_a_meter_that_nobody_reads_takes_everything() -> None:
    meter = NoMeter()
    meter.count("RecordsConsumed")
    meter.observe("BatchLatency", 1.0)
    meter.watch("CheckpointAge", lambda: 1.0)
    meter.tick()
    meter.close()
    assert meter.lines_lost == 0


class CountedMeanwhile(LogStream):
    """While a line is written, another thread counts."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.count: Callable[[], None] = lambda: None
        self.threads: list[Thread] = []

    def write_line(self, line: bytes) -> bool:
        thread = Thread(target=self.count)
        thread.start()
        thread.join(0.1)  # it may have to wait for us
        self.threads.append(thread)
        return super().write_line(line)


def test_what_another_thread_counts_while_documents_are_written_is_in_the_next_ones() -> None:
    read_fd, write_fd = os.pipe()
    stream = CountedMeanwhile(write_fd)
    meter = ProcessMeter(Gathered("payments", "worker"), stream, 60.0, lambda: 0.0, lambda: NOW)
    stream.count = lambda: meter.count("ChunksAdopted")
    for _ in range(3):
        meter.close()
        for thread in stream.threads:
            thread.join()
    stream.count = lambda: None
    meter.close()

    documents = [json.loads(line) for line in os.read(read_fd, 1 << 20).splitlines()]
    assert [document["ChunksAdopted"] for document in documents] == [0, 1, 1, 1]
