"""What the demo sees while it runs, as lines or as values for the live view, and at the end the commands to look around with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from consumer.auditing.received import ReceivedAlerts
from consumer.operations.demo_log import RecentMetrics
from consumer.operations.demo_look import Look, Shard, alert_of, hops_of
from consumer.operations.demo_source import EventSource
from consumer.operations.metrics_table import metrics_table
from consumer.operations.terminal import printable
from consumer.settings import Settings
from consumer.telemetry.health import HostHealth, read_health
from schemas.decision import RISK_LEVELS
from sinks.ledger.reader import LedgerCounts, LedgerReader

_ALERTS_SHOWN = 3
_ALERTS_A_LOOK = 50
"""So that a storm of alerts does not keep the figures waiting; the audit collects the rest."""
_STILL_LOOKS = 3
_HOPS_OF_LAST = timedelta(seconds=5)
_METRICS_LOOKS = 10
"""Commits are told by metrics, which come every few seconds."""
_COLUMNS = "  time   published    decided  alerts  dead letters   lag ms   p50 ms   p99 ms"


class Watch:
    """Looks at the ledger, the alert queue and the health file from outside, as an operator would."""

    def __init__(self, settings: Settings, source: EventSource, alerts: ReceivedAlerts) -> None:
        self._settings, self._source, self._alerts = settings, source, alerts
        self._reader = LedgerReader(settings.dsn(), application_name="fraudstream-demo")
        self._since = datetime.now(UTC)
        self._seen_alerts = 0
        self._before = self._reader.counts()
        self._last = self._before
        self._still = 0
        self._metrics = RecentMetrics(settings.state_dir / "consumer.log", _METRICS_LOOKS)

    def header(self) -> str:
        """Return the column heads."""
        return _COLUMNS

    def progress(self) -> LedgerCounts:
        """Return what came into the ledger since the demo began: a database of the user's may hold more."""
        return LedgerCounts(*(now - before for now, before in zip(self._reader.counts(), self._before, strict=True)))

    def latencies_ms(self, since: datetime) -> tuple[float, float] | None:
        """Return median and 99th percentile of put to scored of what was scored since then; None where nothing was."""
        return self._reader.latencies_ms(since)

    def has_decided(self) -> bool:
        """Whether the ledger holds a decision or a refusal."""
        counts = self.progress()
        return counts.decisions + counts.refusals > 0

    def lines(self) -> Iterator[str]:
        """Yield the alerts that came since the last call, a few of them, and one line of figures."""
        messages = self._alerts.collect(_ALERTS_A_LOOK)
        self._seen_alerts += len(messages)
        for message in messages[:_ALERTS_SHOWN]:
            yield printable(f"  ! {message['summary']} [{message['transaction_id']}]")
            yield from (printable(f"      {reason['text']}") for reason in message["reasons"])
        if len(messages) > _ALERTS_SHOWN:
            yield f"  ! … and {len(messages) - _ALERTS_SHOWN} more alerts"
        yield self._figures()

    def look(self) -> Look:
        """Return what the live view shows: alerts that came since the last look, and hops of the last seconds."""
        now = datetime.now(UTC)
        messages = self._alerts.collect(_ALERTS_A_LOOK)
        self._seen_alerts += len(messages)
        health = read_health(self._settings.state_dir / "health.json", now).health
        return Look(
            at=now,
            published=self._source.published,
            counts=self.progress(),
            alerts_received=self._seen_alerts,
            alerts=tuple(alert_of(message, now) for message in messages),
            hops=hops_of(self._reader.hops(now - _HOPS_OF_LAST), self._metrics.look()),
            shards=tuple(_shards(health)) if health else (),
            daemon="runs" if health and health.daemon_pid else "is down",
            restarts=health.restarts if health else 0,
        )

    def is_drained(self) -> bool:
        """Whether every alert is told, and all that was published has its verdict and a look found nothing new, or three looks did.

        One look has to, because the user may ask the gateway meanwhile: so there may be more than we published.
        """
        counts = self.progress()
        self._still = self._still + 1 if counts == self._last else 0
        self._last = counts
        is_judged = self._still > 0 and counts.decisions + counts.refusals >= self._source.published
        is_still = self._still >= _STILL_LOOKS and self._lag() == 0
        return counts.alerts == counts.alerts_sent and (is_judged or is_still)

    def summary(self) -> Iterator[str]:
        """Yield the consumer's metrics, what was decided, by risk, and the riskiest transaction. For after the consumer's end."""
        with (self._settings.state_dir / "consumer.log").open(errors="replace") as log:
            yield from metrics_table(log)
        by_risk, riskiest = self._reader.risks(), self._reader.riskiest()
        if riskiest is not None:
            shares = ", ".join(f"{by_risk[level]:,} {level}" for level in RISK_LEVELS if level in by_risk)
            yield printable(f"decided: {shares}; the riskiest is {riskiest.transaction_id}, score {riskiest.score:.3f}")

    def _figures(self) -> str:
        counts, now = self.progress(), datetime.now(UTC)
        latencies = self._reader.latencies_ms(self._since - timedelta(seconds=1))
        self._since = now
        p50, p99 = (f"{value:.0f}" for value in latencies) if latencies else ("-", "-")
        return (
            f"  {now:%H:%M:%S} {self._source.published:>8,} {counts.decisions:>10,} {self._seen_alerts:>7,}"
            f" {counts.refusals:>13,} {self._lag():>8,} {p50:>8} {p99:>8}"
        )

    def _lag(self) -> int:
        """Return the greatest lag that any shard reported, in milliseconds."""
        health = read_health(self._settings.state_dir / "health.json", datetime.now(UTC)).health
        facts: list[Any] = [w.facts.get("millis_behind_latest", 0) for w in health.workers] if health else []
        return max((int(fact or 0) for fact in facts), default=0)


def _shards(health: HostHealth) -> Iterator[Shard]:
    for facts in sorted((worker.facts for worker in health.workers), key=lambda facts: str(facts.get("shard_id", ""))):
        records, behind_ms = int(facts.get("records") or 0), int(facts.get("millis_behind_latest") or 0)
        yield Shard(str(facts.get("shard_id", "a shard that begins")), records, behind_ms)


def farewell(settings: Settings, *, is_kept: bool) -> Iterator[str]:
    """Yield the commands to look around with."""
    state = Path.cwd() / ".fraudstream"
    if not is_kept:
        yield "look around: run it again with --keep (make demo DEMO_ARGS=--keep), then, in another terminal in this folder:"
    else:
        yield "look around, in another terminal in this folder:"
    yield "  .venv/bin/fraudstream --local audit"
    yield "  .venv/bin/fraudstream --local show TRANSACTION_ID        # such as the riskiest above"
    yield "  .venv/bin/fraudstream --local replay-decision TRANSACTION_ID   # makes the same decision again, bit for bit"
    yield "  .venv/bin/fraudstream --local publish my-events.jsonl    # your own events, one JSON object a line"
    yield f"  set -a; . {state.name}/local.env; set +a                 # in a shell of its own, for the AWS CLI and psql:"
    yield f"  aws s3 ls --recursive s3://{settings.lake_bucket}/"
    yield '  psql "$DATABASE_URL" -c "select risk_level, count(*) from fraudstream.decision group by 1"'
