"""`fraudstream show`: one decision with everything that explains it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

from consumer.operations.terminal import printable
from consumer.scoring.features import FEATURE_SETS
from consumer.scoring.lists import LIST_SENTENCES
from consumer.scoring.reasons import reason_text
from schemas.decision import Decision, Reason
from schemas.timestamps import format_timestamp
from sinks.ledger.reader import LedgerReader


def show(dsn: str, transaction_id: str) -> list[str]:
    """Return the lines that tell of every decision of a transaction id; empty if there is none."""
    with closing(LedgerReader(dsn, application_name="fraudstream-show")) as reader:
        alerts = {row.identity: row.state for row in reader.find_alerts(transaction_id)}
        decisions = reader.find(transaction_id)
    lines: list[str] = []
    for decision in decisions:
        lines += [*_lines(decision), f"alert        {alerts.get(decision.identity, 'none')}", ""]
    return [printable(line) for line in lines[:-1]]


def _lines(decision: Decision) -> Iterator[str]:
    where = ", ".join(filter(None, (decision.location_city, decision.location_state, decision.location_country)))
    yield f"transaction  {decision.transaction_id} of user {decision.user_id}, {format_timestamp(decision.event_time)}"
    yield f"event        {decision.amount} {decision.currency or ''} {decision.merchant_category or ''} {where}".rstrip()
    verdict = f"{decision.risk_level} risk, class {decision.classification}, confidence {decision.confidence}"
    yield f"decision     score {decision.score:.6f}, {verdict}"
    yield from _reasons(decision)
    yield f"versions     model {decision.model_version}, policy {decision.policy_version}, features {decision.feature_set}"
    yield f"position     {decision.stream_epoch} {decision.shard_id} {decision.sequence_number} {decision.sub_sequence}"
    arrival = decision.arrival_time
    yield (
        f"times        arrived {format_timestamp(arrival)}, received +{_ms(decision.received_at - arrival)} ms, "
        f"scored +{_ms(decision.scored_at - arrival)} ms"
    )
    yield from _features(decision)


def _reasons(decision: Decision) -> Iterator[str]:
    if not decision.reasons:
        yield "reasons      none: they are kept for what alerts"
    for reason in decision.reasons or ():
        yield f"reason       {reason.code}: {reason_text(reason.code, reason.value)}{_evidence(reason)}"


def _evidence(reason: Reason) -> str:
    """Return what stands behind a reason of the model; a list has neither value nor contribution."""
    if reason.code in LIST_SENTENCES:
        return ""
    value = "missing" if reason.value is None else f"{reason.value:g}"
    return f" (value {value}, {reason.contribution:+.3f} log-odds)"


def _features(decision: Decision) -> Iterator[str]:
    feature_set = FEATURE_SETS.get(decision.feature_set)
    values = struct.unpack(f"<{len(decision.features) // 4}f", decision.features)
    names = feature_set.names if feature_set is not None else tuple(map(str, range(len(values))))
    present = [f"{name}={value:g}" for name, value in zip(names, values, strict=True) if value == value]  # noqa: PLR0124 - NaN is missing
    yield f"features     {' '.join(present)}"


def _ms(delta: timedelta) -> int:
    return round(delta.total_seconds() * 1000)
