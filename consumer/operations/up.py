"""`fraudstream up`: the local environment, with the ledger migrated."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from infra.local.environment import LocalEnvironment
from infra.local.provision import Resources
from infra.local.up import up
from sinks.ledger.migrations import migrate

STATE_DIR = Path(".fraudstream")


def run_up(*, shards: int, aws_port: int, database_port: int) -> None:
    """Run until Ctrl-C. A DATABASE_URL in the environment replaces the embedded PostgreSQL."""
    up(
        state_dir=STATE_DIR,
        shards=shards,
        aws_port=aws_port,
        database_port=database_port,
        database_url=os.environ.get("DATABASE_URL"),
        prepare=migrate_ledger,
        further=local_pepper(),
    )


def local_pepper() -> dict[str, str]:
    """Return the variable with the pepper of a local environment's API keys: the user's, else a random one, as nothing is kept."""
    pepper = os.environ.get("FRAUDSTREAM_API_KEY_PEPPER") or secrets.token_urlsafe(24)
    return {"FRAUDSTREAM_API_KEY_PEPPER": pepper}


def migrate_ledger(environment: LocalEnvironment, _resources: Resources) -> None:
    """Make the ledger's tables and partitions."""
    migrate(environment.database_url, datetime.now(UTC))
