"""Every setting, and the only place that reads the environment. Names are the environment's, `FRAUDSTREAM_` in front."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, AwareDatetime, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_ALIASED = {"DATABASE_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"}
LOCAL_ENV_FILE = "local.env"
LOCAL_STATE_DIR = Path(".fraudstream")
"""Where `up` and `demo` leave the variables of the environment that they run, whatever state folder a consumer has."""


class SettingsError(Exception):
    """The settings are incomplete or wrong; the message names the variable and the remedy."""


class Settings(BaseSettings):
    """What one process needs to know. A variable that is not set has the default below; secrets never show when printed."""

    model_config = SettingsConfigDict(env_prefix="FRAUDSTREAM_", extra="ignore", frozen=True)

    # Where things are
    stream_name: str = Field(default="transactions", description="Kinesis stream to read")
    application_name: str = Field(default="fraudstream", description="KCL application: names the lease table")
    lake_bucket: str = Field(default="fraudstream-lake", description="S3 bucket of the decisions")
    dead_letter_bucket: str = Field(default="fraudstream-dead-letters", description="S3 bucket of refused records")
    topic_arn: str | None = Field(
        default=None, description="SNS topic of the alerts; without one they wait in the outbox"
    )
    alert_queue_url: str | None = Field(
        default=None, description="SQS queue subscribed to the topic, read by `fraudstream audit`"
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("FRAUDSTREAM_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL of the ledger, postgresql://user:password@host:port/name",
    )
    region: str = Field(
        default="us-east-1",
        validation_alias=AliasChoices("FRAUDSTREAM_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="AWS region",
    )
    endpoint_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("FRAUDSTREAM_ENDPOINT_URL", "AWS_ENDPOINT_URL"),
        description="endpoint of an AWS emulator; none means AWS itself",
    )
    state_dir: Path = Field(
        default=Path(".fraudstream"), description="worker id, lock, health file, generated KCL files"
    )

    # How the consumer reads
    worker_id: str | None = Field(
        default=None, description="stable per container; none makes one and keeps it in the state folder"
    )
    initial_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] = Field(
        default="TRIM_HORIZON", description="where a new application starts"
    )
    initial_timestamp: AwareDatetime | None = Field(
        default=None,
        validate_default=True,
        description="from which arrival on, with AT_TIMESTAMP: 2026-11-21T13:00:00Z; whole seconds",
    )
    max_records: int = Field(default=2_000, ge=1, le=10_000, description="records a GetRecords call may return")
    retrieval: Literal["polling", "fan_out"] = Field(
        default="polling",
        description="how records are fetched; enhanced fan-out pushes them, within tens of milliseconds, and is paid for",
    )
    warm_start: bool = Field(
        default=False, description="seed the lease table of a first deployment: seconds instead of a minute"
    )
    fast_failover: bool = Field(default=False, description="KCL's short intervals, for the local environment and tests")
    shutdown_grace_ms: int = Field(default=60_000, ge=1_000, description="how long KCL waits for workers at SIGTERM")
    stuck_after_s: float = Field(default=300.0, gt=0, description="a worker without a heartbeat for so long is killed")
    max_restarts: int = Field(default=5, ge=0, description="restarts in ten minutes before the process gives up")

    # What is refused
    event_time_check: bool = Field(default=True, description="hold event time against the arrival; off for history")
    event_time_before: timedelta = Field(
        default=timedelta(days=7), ge=timedelta(0), description="how far an event may lie before its arrival"
    )
    event_time_after: timedelta = Field(
        default=timedelta(minutes=5), ge=timedelta(0), description="how far an event may lie after its arrival"
    )
    quarantine_max_consecutive: int = Field(default=1_000, ge=1, description="refusals in a row that stop the worker")
    quarantine_max_ratio: float = Field(
        default=0.5, gt=0, le=1, description="share of refusals in the window that stops the worker"
    )
    quarantine_window: int = Field(default=2_000, ge=1, description="verdicts in that window")

    # How decisions are made and written
    model_bucket: str | None = Field(
        default=None, description="S3 bucket of the models; none means that the shipped bundle scores"
    )
    model_channel: Literal["production", "shadow"] = Field(
        default="production", description="whose model scores: the one that `fraudstream model promote` chose for it"
    )
    model_bundle: Path | None = Field(
        default=None, description="folder of a model bundle, which then scores instead of the bucket's, policy included"
    )
    model_refused: Literal["keep_default", "stop"] = Field(
        default="keep_default",
        description="what a start does where the bucket's model or policy is refused: the shipped one scores, or nothing starts",
    )
    dedup_horizon: timedelta = Field(
        default=timedelta(hours=24),
        ge=timedelta(0),
        le=timedelta(days=30),
        description="how far apart two times of one transaction id conflict",
    )
    reservation_retention: timedelta = Field(
        default=timedelta(days=8),
        ge=timedelta(days=1),
        description="how long the gateway knows a transaction id again that it has published, at least; then the reservation is deleted",
    )
    history_transactions: int = Field(
        default=640_000,
        ge=1,
        description="how many transactions of users a container remembers, at about 160 bytes, divided among its shards; others are "
        "read when they are needed",
    )
    chunk_max_age_s: float = Field(default=60.0, gt=0, description="a chunk is closed at this age")
    chunk_max_rows: int = Field(default=50_000, ge=1, description="a chunk is closed at so many rows")
    chunk_max_bytes: int = Field(
        default=32 * 2**20, ge=1, description="a chunk is closed at about so many bytes in memory"
    )
    chunk_memory_bytes: int = Field(
        default=128 * 2**20,
        ge=2**20,
        description="the same for the open chunks of all shards of a container, divided among them",
    )
    alert_max_age: timedelta = Field(
        default=timedelta(hours=24), description="an alert older than this is kept but not sent"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )
    metrics_every_s: float = Field(default=60.0, gt=0, description="how often each process logs its metrics")

    @field_validator("endpoint_url")
    @classmethod
    def _require_address(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc):
            raise ValueError("must be an address such as http://127.0.0.1:4566")
        return value

    @field_validator("initial_timestamp")
    @classmethod
    def _require_timestamp(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is None and info.data.get("initial_position") == "AT_TIMESTAMP":
            raise ValueError("AT_TIMESTAMP needs a moment with its time zone, such as 2026-11-21T13:00:00Z")
        return value.replace(microsecond=0) if value else None

    @property
    def is_local(self) -> bool:
        """Whether an emulator stands in for AWS."""
        return self.endpoint_url is not None

    def dsn(self) -> str:
        """Return the ledger's address. Raises SettingsError where none is set."""
        if self.database_url is None:
            raise SettingsError(
                "no ledger: set DATABASE_URL=postgresql://user:password@host:port/name, "
                "or add --local to use the environment that `fraudstream up` started here"
            )
        return self.database_url.get_secret_value()


def load_settings(*, local: bool = False, state_dir: Path | None = None) -> Settings:
    """Return the settings of the environment; with `local`, those that `fraudstream up` wrote into the state folder come first.

    Raises SettingsError with one line for each wrong variable.
    """
    if local:
        os.environ.update(read_local_env(state_dir or LOCAL_STATE_DIR))
    try:
        return Settings()
    except ValidationError as wrong:
        raise settings_error(wrong) from None


def settings_error(wrong: ValidationError) -> SettingsError:
    """Return the error with one line for each wrong variable, without their values."""
    lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors(include_input=False)]
    return SettingsError("wrong settings (FRAUDSTREAM_… variables):\n  " + "\n  ".join(lines))


def settings_from(variables: Mapping[str, str]) -> Settings:
    """Return the settings of a process that has these variables besides our own environment. Raises pydantic's ValidationError."""
    given: dict[str, Any] = {name.lower().removeprefix("fraudstream_"): value for name, value in variables.items()}
    aliased = {name: variables[name] for name in _ALIASED & variables.keys()}
    return Settings(**given | aliased)


def read_local_env(state_dir: Path) -> dict[str, str]:
    """Return the variables of the local environment that runs from `state_dir`. Raises SettingsError if none runs."""
    try:
        lines = (state_dir / LOCAL_ENV_FILE).read_text().splitlines()
    except FileNotFoundError:
        raise SettingsError(
            f"no local environment runs here ({state_dir / LOCAL_ENV_FILE} is missing): start one with `fraudstream up` in another terminal"
        ) from None
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
