"""The main metrics of a log as a table for people, from the same lines that CloudWatch reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from consumer.telemetry.emf_reader import Series, read_emf
from consumer.telemetry.metrics import METRICS, MetricName

_SHOWN: tuple[MetricName, ...] = (
    "RecordsConsumed",
    "DecisionsMade",
    "RecordsRepeated",
    "RecordsRefused",
    "AlertsRaised",
    "AlertsSent",
    "DecisionLatency",
    "LedgerCommitLatency",
    "ChunkPutLatency",
    "ChunkRows",
    "SinkRetries",
    "MemoryUsed",
    "LogLinesLost",
)
_MEGABYTE = 1_000_000


def metrics_table(log: Iterable[str]) -> Iterator[str]:
    """Yield a head and one line for each main metric that the log holds; nothing where it holds none."""
    series = read_emf(log)
    if not series:
        return
    yield "the consumer's metrics, from its log, as CloudWatch would show them (all of them: README, Metrics):"
    for name in _SHOWN:
        of_name = {of: each for (found, of), each in series.items() if found == name}
        if of_name:
            yield f"  {name:<20} {_shown(name, of_name)}"


def _shown(name: MetricName, of_name: Mapping[str | None, Series]) -> str:
    metric = METRICS[name]
    match metric.kind:
        case "values":
            unit = " ms" if metric.unit == "Milliseconds" else ""
            return "  ".join(f"{word} {value:,.0f}{unit}" for word, value in _spread(of_name[None]))
        case "reading":
            return ", ".join(
                f"{of} {max(each.values) / _MEGABYTE:,.0f} MB" for of, each in sorted(of_name.items(), key=str)
            )
        case "sum":
            total = f"{sum(each.total for each in of_name.values()):,.0f}"
            parts = ", ".join(f"{of} {each.total:,.0f}" for of, each in of_name.items() if of)
            return f"{total} ({parts})" if parts else total


def _spread(series: Series) -> Iterator[tuple[str, float]]:
    yield "p50", series.percentile(0.5)
    yield "p99", series.percentile(0.99)
    yield "max", max(series.values)
