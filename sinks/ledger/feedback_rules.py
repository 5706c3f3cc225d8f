"""The rules of labels and of merchants' hours, pure: whose report wins, what is counted where and when. Both adapters go by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from schemas.decision import Identity
from schemas.history import LABEL_DELAY_DAYS
from schemas.label import Label
from sinks.errors import PermanentSinkError
from sinks.feedback import LabelOutcome, StoredLabel

KNOWN_AFTER = timedelta(minutes=10)
"""A label counts as known so long after the ledger took it. By then every roll-up has counted it, and no event of a later hour has been
scored without it: events are stamped up to five minutes ahead, and the roll-up looks every minute. So it does not depend on the second
at which an event is scored whether its features know of a label, and backfill, which goes by `known_at`, makes the same ones."""
_AGAIN_AFTER = timedelta(hours=1)
_GIVEN_UP_AFTER = timedelta(days=45)
_KEPT_HOURS = 45 * 24
"""More than the 7 + 30 days that windows reach back: a consumer may be eight days behind and still find its hours."""
_CLOSED_HOURS = LABEL_DELAY_DAYS * 24 - 2
_COUNT_AGAIN = "update fraudstream.roll_up set hours_until = 0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Decided = Mapping[str, Mapping[datetime, str | None]]
"""Decided events of transaction ids: their times, and the merchant of each."""


def hour_of(moment: datetime) -> int:
    """Return the whole hours from 1970 to `moment`; negative before."""
    return (moment - _EPOCH) // timedelta(hours=1)


def begin_of(hour: int) -> datetime:
    """Return the moment at which an hour begins."""
    return _EPOCH + timedelta(hours=hour)


class Verdict(NamedTuple):
    """What becomes of one report, and what is stored of it, if anything."""

    outcome: LabelOutcome
    stored: StoredLabel | None


def judge(
    labels: Iterable[Label], decided: Mapping[str, Collection[datetime]], standing: Iterable[StoredLabel], now: datetime
) -> Iterator[Verdict]:
    """Yield a verdict for each label, in order, each with those before it stored.

    `decided` and `standing` hold what there is of their transaction ids, `now` is the ledger's clock.
    """
    reports: dict[tuple[str, str], list[StoredLabel]] = {}
    for report in standing:
        reports.setdefault((report.transaction_id, report.source), []).append(report)
    for label in labels:
        earlier = reports.setdefault((label.transaction_id, label.source), [])
        verdict = _judge_one(label, decided.get(label.transaction_id, ()), earlier, now)
        if verdict.stored is not None:
            earlier.append(verdict.stored)
        yield verdict


def _judge_one(
    label: Label, event_times: Collection[datetime], earlier: Iterable[StoredLabel], now: datetime
) -> Verdict:
    if label.timestamp is None and len(event_times) > 1:
        return Verdict("ambiguous", None)
    event_time = label.timestamp or next(iter(event_times), None)
    for report in earlier:
        # Where one of them does not tell its event, there is one event of this id at most: they mean the same.
        if None in {event_time, report.event_time} or event_time == report.event_time:
            return Verdict("repeated" if report.is_fraud == label.is_fraud else "contradicted", None)
    stored = StoredLabel(
        label.transaction_id, event_time, label.source, label.is_fraud, label.reported_at, now + KNOWN_AFTER, now
    )
    return Verdict("stored" if event_time in event_times else "early", stored)


class Fraud(NamedTuple):
    """Where frauds are counted: the merchant, the hour of the events and the hour in which they became known."""

    merchant_id: str
    hour: int
    known_hour: int


class Settlement(NamedTuple):
    """What a look at labels comes to: those that it changes, before and after, and the frauds to be added."""

    changes: Sequence[tuple[StoredLabel, StoredLabel]]
    frauds: Mapping[Fraud, int]


def settle(labels: Sequence[StoredLabel], decided: Decided, now: datetime) -> Settlement:
    """Tie labels to their events, and count the frauds that are not counted yet.

    `labels` are all that there are of their transaction ids, in the order in which they became known; `decided` holds what is decided
    of these ids.
    """
    counted = {_event(label) for label in labels if label.is_fraud and label.due_at is None}
    changes, frauds = [], Counter[Fraud]()
    for label in labels:
        if label.due_at is None:
            continue
        event_times = decided.get(label.transaction_id, {})
        tied = _tied(label, event_times, now)
        changes.append((label, tied))
        event = _event(tied)
        if event is None or event.event_time not in event_times or not tied.is_fraud or event in counted:
            continue
        counted.add(event)
        if merchant_id := event_times[event.event_time]:
            frauds[Fraud(merchant_id, hour_of(event.event_time), hour_of(tied.known_at))] += 1
    return Settlement(changes, frauds)


def _tied(label: StoredLabel, event_times: Collection[datetime], now: datetime) -> StoredLabel:
    """Return the label with its event, of several the first; due again while there is none, unless that took too long."""
    event_time = label.event_time or min(event_times, default=None)
    if event_time in event_times:
        return label._replace(event_time=event_time, due_at=None)
    is_given_up = label.known_at < now - _GIVEN_UP_AFTER
    return label._replace(due_at=None if is_given_up else now + _AGAIN_AFTER)


def _event(label: StoredLabel) -> Identity | None:
    return None if label.event_time is None else Identity(label.transaction_id, label.event_time)


def due_hour(hours_until: int, now: datetime) -> int | None:
    """Return the hour to be counted next, None if none is closed. Raises PermanentSinkError if that would lie in the future."""
    if hours_until > hour_of(now):
        raise PermanentSinkError(
            f"merchants' hours are counted up to {begin_of(hours_until):%Y-%m-%d %H:%M}, which is to come: a container's clock was "
            f"wrong; mend it, then have them counted again: `{_COUNT_AGAIN}`"
        )
    hour = max(hours_until, first_kept_hour(now))
    return hour if hour < hour_of(now) - _CLOSED_HOURS else None


def first_kept_hour(now: datetime) -> int:
    """Return the first hour that any window still reaches; earlier ones are forgotten."""
    return hour_of(now) - _KEPT_HOURS


def behind_s(hours_until: int, oldest_due: datetime | None, now: datetime) -> float:
    """Return for how long the oldest of what is due has been due. `oldest_due`: of labels."""
    hour = due_hour(hours_until, now)
    since = [] if hour is None else [begin_of(hour + 1 + _CLOSED_HOURS)]
    since += [] if oldest_due is None else [oldest_due]
    return max(0.0, (now - min(since)).total_seconds()) if since else 0.0
