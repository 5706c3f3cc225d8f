"""Puts the gateway together. The only place that names its concrete adapters, as `consumer.wiring` does for the consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import structlog

from consumer.auditing.stream import read_epoch
from consumer.clients import AwsClients
from consumer.gateway_settings import GatewaySettings
from consumer.pepper import read_pepper
from consumer.scoring.reasons import reason_text
from consumer.settings import SettingsError
from consumer.telemetry.metrics import Metrics
from producers.background import BackgroundPublisher, BackgroundSettings
from producers.batches import BatchLimits
from producers.gateway.front import Front, FrontLedgers, FrontSettings, open_front
from producers.gateway.keys import KeyRing
from producers.gateway.limits import MemoryLimits, RateLimits
from producers.gateway.metrics import GatewayMetric, Measure
from producers.gateway.valkey_limits import ValkeyLimits
from producers.kinesis import Progress, PublisherSettings
from schemas.decode import EventTimeBounds
from sinks.ledger.api_keys import PostgresApiKeys
from sinks.ledger.front import PostgresFront
from sinks.ledger.labels import PostgresLabels

_log = structlog.get_logger()
_NAME = "fraudstream-gateway"
_GIVE_UP_S = 10.0
"""Of a PutRecords that gets nowhere: those who asked have their 503 by then, and what waits behind it is to have its turn."""


@contextmanager
def a_front(settings: GatewaySettings, metrics: Metrics) -> Iterator[Front]:
    """Give everything that the app needs, to be closed by the loop that used it; the ledger's connections are closed behind it.

    Raises SettingsError where a setting is missing, and what AWS clients raise where the stream cannot be asked. A ledger that is away
    is no hindrance: until it is back, requests are answered with 503.
    """
    pepper, clients, limits = read_pepper(settings), AwsClients(settings), limits_of(settings)
    epoch = read_epoch(clients.kinesis, settings.stream_name)
    reserving, watching, finding, checking = (_front_ledger(settings) for _ in range(4))
    labels = PostgresLabels(settings.dsn(), application_name=_NAME)
    front = open_front(
        FrontLedgers(reserving, watching, finding, checking, labels),
        _publisher(settings, clients, metrics),
        KeyRing(PostgresApiKeys(settings.dsn(), application_name=_NAME), pepper, now=lambda: datetime.now(UTC)),
        limits,
        epoch=epoch,
        check_stream=lambda: _ask_stream(clients, settings.stream_name),
        reason_text=reason_text,
        measure=counting(metrics),
        settings=_front_settings(settings),
    )
    metrics.watch("GatewayWaiting", lambda: front.desk.waiting)
    metrics.watch("GatewayUnanswered", front.desk.oldest_pending_s)
    _log.info("limits_count", reach=limits.reach)
    try:
        yield front
    finally:
        for handle in (reserving, watching, finding, checking):
            handle.close()
        labels.close()


def limits_of(settings: GatewaySettings) -> RateLimits:
    """Return what counts the rates of keys. Raises SettingsError for an address that is none."""
    if settings.valkey_url is None:
        return MemoryLimits()
    try:
        return ValkeyLimits.at(settings.valkey_url.get_secret_value(), MemoryLimits())
    except ValueError:  # its message might hold the password
        raise SettingsError(
            "FRAUDSTREAM_VALKEY_URL: must be an address such as valkey://user:password@host:6379/0"
        ) from None


def _front_ledger(settings: GatewaySettings) -> PostgresFront:
    return PostgresFront(settings.dsn(), dedup_horizon=settings.dedup_horizon, application_name=_NAME)


def _publisher(settings: GatewaySettings, clients: AwsClients, metrics: Metrics) -> BackgroundPublisher:
    publishing = BackgroundSettings(
        PublisherSettings(limits=BatchLimits(has_unique_keys=True), give_up_after_s=_GIVE_UP_S),
        linger_s=settings.gateway_linger_s,
        most_waiting=settings.gateway_max_waiting,
    )
    client = cast("Any", clients.kinesis)
    return BackgroundPublisher(client, settings.stream_name, settings=publishing, on_progress=counting_retries(metrics))


def _front_settings(settings: GatewaySettings) -> FrontSettings:
    bounds = EventTimeBounds(settings.event_time_before, settings.event_time_after)
    return FrontSettings(
        deadline_s=settings.gateway_deadline_s,
        poll_s=settings.gateway_poll_s,
        linger_s=settings.gateway_linger_s,
        most_waiting=settings.gateway_max_waiting,
        most_lag_s=settings.gateway_ready_lag_s,
        has_docs=settings.gateway_docs,
        cors_origins=settings.cors_origins,
        bounds=bounds if settings.event_time_check else None,
    )


def _ask_stream(clients: AwsClients, stream_name: str) -> None:
    clients.kinesis.describe_stream_summary(StreamName=stream_name)


def counting(metrics: Metrics) -> Measure:
    """Return what counts the gateway's figures as our metrics. A label too many is left out: each value of one is paid for."""

    def measure(name: GatewayMetric, value: float, labels: Mapping[str, str], /) -> None:
        match name:
            case "gateway_requests":
                metrics.count("GatewayRequests", value, labels["status"])
            case "gateway_request_ms":
                metrics.observe("GatewayLatency", value, labels["route"])
            case "gateway_events":
                metrics.count("GatewayEvents", value, labels["outcome"])
                metrics.count("GatewayDuplicates", value if labels["duplicate"] == "yes" else 0)
            case "gateway_waiting":
                pass  # read when metrics leave

    return measure


def counting_retries(metrics: Metrics) -> Callable[[Progress], None]:
    """Return what is told of a publisher's progress and counts what had to be sent again."""
    told = 0

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.retried > told:
            metrics.count("SinkRetries", progress.retried - told, "stream")
        told = progress.retried

    return tell
