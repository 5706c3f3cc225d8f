"""The settings of `fraudstream serve`. Apart from `settings`, because no consumer needs them; read from the environment likewise."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator

from consumer.settings import LOCAL_STATE_DIR, Settings, read_local_env, settings_error


class GatewaySettings(Settings):
    """What a gateway needs to know besides the ledger, the stream and the region, which it shares with the consumer."""

    gateway_host: str = Field(
        default="127.0.0.1", description="address to listen on; 0.0.0.0 behind a load balancer, which ends TLS"
    )
    gateway_port: int = Field(default=8080, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    gateway_deadline_s: float = Field(
        default=2.0, gt=0, le=60, description="how long a request waits for its decision before it is answered with 202"
    )
    gateway_poll_s: float = Field(
        default=0.015, ge=0.001, le=1, description="how often the ledger is asked, once for all requests that wait"
    )
    gateway_linger_s: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="how long requests are gathered for one reservation, and for one PutRecords",
    )
    gateway_max_waiting: int = Field(
        default=2_000, ge=1, description="requests that may wait at a time; one more is answered with 503"
    )
    gateway_ready_lag_s: float = Field(
        default=10.0, gt=0, description="a decision that is waited for longer than this makes `/ready` answer 503"
    )
    gateway_stop_s: int = Field(
        default=20, ge=1, description="how long requests may take to end after SIGTERM; those that have not are cut off"
    )
    gateway_docs: bool = Field(default=True, description="serve `/docs` and `/openapi.json`")
    gateway_cors_origins: str | None = Field(
        default=None, description="origins whose pages may call, with commas between them; none: no page may"
    )
    api_key_pepper: SecretStr | None = Field(
        default=None, description="secret that is mixed into every hash of an API key; the same for all gateways"
    )
    pepper_secret_id: str | None = Field(
        default=None, description="its name or ARN in Secrets Manager, instead of the pepper itself"
    )
    valkey_url: SecretStr | None = Field(
        default=None, description="Valkey that counts the rates of keys for all gateways; none: each counts for itself"
    )

    @field_validator("gateway_cors_origins")
    @classmethod
    def _require_origins(cls, value: str | None) -> str | None:
        if value is not None and not all(_is_origin(one) for one in _parts(value)):
            raise ValueError("must be origins such as https://shop.example, with commas between them")
        return value

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The origins one by one."""
        return _parts(self.gateway_cors_origins or "")


def load_gateway_settings(*, local: bool = False, state_dir: Path | None = None) -> GatewaySettings:
    """Return the settings of the environment, as `consumer.settings.load_settings` does. Raises SettingsError."""
    if local:
        os.environ.update(read_local_env(state_dir or LOCAL_STATE_DIR))
    try:
        return GatewaySettings()
    except ValidationError as wrong:
        raise settings_error(wrong) from None


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_origin(value: str) -> bool:
    scheme, _, host = value.partition("://")
    return scheme in {"http", "https"} and bool(host) and not set(host) & set("/*?# ")
