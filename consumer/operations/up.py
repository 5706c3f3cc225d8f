"""`fraudstream up`: the local environment, with the ledger migrated."""

from __future__ import annotations

import os
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
    )


def migrate_ledger(environment: LocalEnvironment, _resources: Resources) -> None:
    """Make the ledger's tables and partitions."""
    migrate(environment.database_url, datetime.now(UTC))
