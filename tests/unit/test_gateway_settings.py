from __future__ import annotations

from collections import Counter

import pytest

from consumer.gateway_settings import load_gateway_settings
from consumer.gateway_wiring import counting, counting_retries, limits_of
from consumer.settings import SettingsError
from consumer.telemetry.metrics import MetricName, NoMeter
from producers.gateway.limits import MemoryLimits
from producers.gateway.valkey_limits import ValkeyLimits
from producers.kinesis import Progress


class Counted(NoMeter):
    """Metrics that remember."""

    def __init__(self) -> None:
        self.sums: Counter[tuple[MetricName, str | None]] = Counter()
        self.values: list[tuple[MetricName, float, str | None]] = []

    def count(self, name: MetricName, number: float = 1, of: str | None = None) -> None:
        self.sums[name, of] += int(number)

    def observe(self, name: MetricName, value: float, of: str | None = None) -> None:
        self.values.append((name, value, of))


def test_origins_are_given_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDSTREAM_GATEWAY_CORS_ORIGINS", "https://shop.example, http://localhost:3000")
    assert load_gateway_settings().cors_origins == ("https://shop.example", "http://localhost:3000")


@pytest.mark.parametrize("origins", ["*", "shop.example", "https://", "https://shop.example/path", "https://*.example"])
def test_an_origin_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("FRAUDSTREAM_GATEWAY_CORS_ORIGINS", origins)
    with pytest.raises(SettingsError, match="must be origins such as https://shop"):
        load_gateway_settings()


def test_a_wrong_value_is_told_by_its_name_and_without_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDSTREAM_GATEWAY_DEADLINE_S", "-12345")
    with pytest.raises(SettingsError, match="gateway_deadline_s") as told:
        load_gateway_settings()
    assert "12345" not in str(told.value)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDSTREAM_API_KEY_PEPPER", "pepper-that-is-secret")
    monkeypatch.setenv("FRAUDSTREAM_VALKEY_URL", "valkey://:password-that-is-secret@host:6379/0")
    assert "that-is-secret" not in repr(load_gateway_settings())


def test_rates_are_counted_in_valkey_where_it_is_set_and_else_by_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(limits_of(load_gateway_settings()), MemoryLimits)
    monkeypatch.setenv("FRAUDSTREAM_VALKEY_URL", "valkey://host:6379/0")
    assert isinstance(limits_of(load_gateway_settings()), ValkeyLimits)
    monkeypatch.setenv("FRAUDSTREAM_VALKEY_URL", "mysql://:password@host")
    with pytest.raises(SettingsError, match="FRAUDSTREAM_VALKEY_URL: must be an address") as told:
        limits_of(load_gateway_settings())
    assert "password@host:" not in str(told.value).replace("user:password@host:6379", "")


def test_figures_of_the_gateway_become_metrics_with_one_dimension_each() -> None:
    metrics = Counted()
    measure = counting(metrics)
    measure("gateway_requests", 1, {"route": "/ready", "status": "503"})
    measure("gateway_request_ms", 12.5, {"route": "/ready"})
    measure("gateway_events", 1, {"outcome": "decided", "duplicate": "yes"})
    measure("gateway_events", 1, {"outcome": "invalid", "duplicate": "no"})
    measure("gateway_waiting", 7, {})
    assert metrics.sums["GatewayRequests", "503"] == 1
    assert metrics.values == [("GatewayLatency", 12.5, "/ready")]
    assert (metrics.sums["GatewayEvents", "decided"], metrics.sums["GatewayEvents", "invalid"]) == (1, 1)
    assert metrics.sums["GatewayDuplicates", None] == 1


def test_records_sent_again_are_counted_once_each() -> None:
    metrics = Counted()
    tell = counting_retries(metrics)
    for retried in (0, 3, 3, 4):
        tell(Progress(records=100, retried=retried))
    assert metrics.sums == {("SinkRetries", "stream"): 4}
