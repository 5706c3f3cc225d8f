"""One local environment for the whole run; each test makes its own stream, buckets and database in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.environment import LocalEnvironment


@pytest.fixture(scope="session")
def local_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    """An AWS emulator and a PostgreSQL, both real processes."""
    with LocalEnvironment(tmp_path_factory.mktemp("local")) as environment:
        yield environment
