"""API keys for tests."""

from __future__ import annotations

from typing import Any

from producers.gateway.api_key import MadeKey, make_key
from tests.builders import NOW

PEPPER = b"a pepper of tests, 32 bytes long"
WELL_FORMED = "fs_abcdefghij27_" + "aB3-_" * 8 + "xyz"
"""A text that could be a key, and is none."""


def a_key(**changes: Any) -> MadeKey:
    """Return a new key of random parts, under `PEPPER`."""
    wanted: dict[str, Any] = {"name": "shop", "scopes": ["classify"], "rate_per_s": 50.0, "burst": 100}
    return make_key(PEPPER, **wanted | {"created_at": NOW} | changes)
