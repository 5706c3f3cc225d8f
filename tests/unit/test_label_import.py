"""What the import of labels does with a file's lines, and what it tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from consumer.operations.label_files import LabelLine
from consumer.operations.labels import import_labels, summary
from schemas.label import Label
from sinks.feedback import LabelOutcome, StoredLabel
from sinks.ledger.memory import MemoryLedger, MemoryStore
from sinks.ledger.memory_feedback import MemoryLabels
from tests.builders import NOW
from tests.contract.feedback_builders import a_label
from tests.contract.ledger_builders import a_decision


def a_store(*ids: str) -> MemoryStore:
    store = MemoryStore()
    MemoryLedger(store).commit([a_decision(name, offset=offset) for offset, name in enumerate(ids)], [], [])
    return store


def labels_in(store: MemoryStore) -> MemoryLabels:
    return MemoryLabels(store, lambda: datetime.now(UTC))


def test_what_is_refused_is_told_with_its_line_and_the_rest_is_stored() -> None:
    store = a_store("t-1", "t-2")
    MemoryLedger(store).commit([a_decision("t-2", event_time=NOW + timedelta(days=2), offset=9)], [], [])
    lines = [
        LabelLine(1, a_label("t-1")),
        LabelLine(2, None, "is no JSON"),
        LabelLine(3, a_label("t-2")),
        LabelLine(4, a_label("t-2", timestamp=NOW)),
        LabelLine(5, a_label("t-9")),
        LabelLine(6, a_label("t-1", is_fraud=False)),
    ]

    report = import_labels(labels_in(store), lines)

    assert not report.is_complete
    bad_line, ambiguous = report.describe()
    assert bad_line == "line 2: is no JSON"
    assert ambiguous.startswith("line 3: several events have the id t-2: add the timestamp")
    assert len(store.labels) == 3
    text = "\n".join(summary(report, is_dry_run=False))
    assert text.startswith("stored: 3 labels of 6 lines")
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [
        ["stored", "2"], ["early", "1"], ["contradicted", "1"], ["ambiguous", "1"], ["bad", "line"]
    ]  # fmt: skip


def test_a_contradiction_alone_is_no_failure() -> None:
    store = a_store("t-1")

    report = import_labels(labels_in(store), [LabelLine(1, a_label()), LabelLine(2, a_label(is_fraud=False))])

    assert report.is_complete
    assert list(report.describe()) == []


def test_a_dry_run_stores_nothing_and_says_so() -> None:
    store = a_store("t-1")

    report = import_labels(labels_in(store), [LabelLine(1, a_label())], is_dry_run=True)

    assert store.labels == []
    assert next(summary(report, is_dry_run=True)).startswith("dry run, nothing is stored; would be stored: 1 labels")


def test_only_the_first_twenty_refusals_are_told_one_by_one() -> None:
    report = import_labels(labels_in(a_store()), [LabelLine(number, None, "bad") for number in range(1, 31)])

    told = list(report.describe())

    assert (len(told), told[19], told[20]) == (21, "line 20: bad", "... and 10 more lines")


class Batches:
    """Labels that only remember how many came at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def put(self, labels: Sequence[Label], *, is_dry_run: bool = False) -> Sequence[LabelOutcome]:
        assert not is_dry_run
        self.sizes.append(len(labels))
        return ["stored"] * len(labels)

    def find(self, transaction_id: str) -> Sequence[StoredLabel]:
        raise AssertionError(f"an import asked for {transaction_id}")


def test_labels_are_put_in_bounded_batches() -> None:
    batches = Batches()

    report = import_labels(batches, (LabelLine(number, a_label(f"t-{number}")) for number in range(1, 2_502)))

    assert batches.sizes == [1_000, 1_000, 501]
    assert report.outcomes["stored"] == 2_501
