"""`fraudstream keys` as a person runs it, with a real PostgreSQL, the pepper in Secrets Manager, and a gateway's check of what it made."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from consumer.gateway_settings import GatewaySettings
from consumer.pepper import read_pepper
from consumer.settings import SettingsError
from infra.local.environment import LocalEnvironment
from producers.gateway.keys import Client, KeyRefused, KeyRing
from sinks.ledger.api_keys import PostgresApiKeys
from tests.key_builders import PEPPER

pytestmark = pytest.mark.real


def run(database_url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FRAUDSTREAM_DATABASE_URL": database_url, **variables}
    command = (sys.executable, "-m", "consumer.cli", "keys", *arguments)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def verified(database_url: str, shown: str) -> Client | BaseException:
    async def scenario() -> Client | BaseException:
        (answer,) = await asyncio.gather(ring.verify(shown), return_exceptions=True)
        return answer

    ring = KeyRing(PostgresApiKeys(database_url), PEPPER, now=lambda: datetime.now(UTC))
    try:
        return asyncio.run(scenario())
    finally:
        ring.close()


def test_a_key_that_was_made_comes_in_until_it_is_revoked(database_url: str) -> None:
    pepper = {"FRAUDSTREAM_API_KEY_PEPPER": PEPPER.decode()}
    made = run(database_url, "create", "shop 9", "--scope", "label", "--rate", "2.5", "--expires", "90d", **pepper)
    shown = made.stdout.strip()
    key_id = shown.split("_")[1]

    client = verified(database_url, shown)
    listed = json.loads(run(database_url, "list", "--json").stdout)
    table = run(database_url, "list").stdout
    revoked = [run(database_url, "revoke", text) for text in (shown, key_id, "aaaaaaaaaaaa")]
    refused = verified(database_url, shown)

    assert made.returncode == 0, made.stderr
    assert client == Client(key_id, "shop 9", frozenset({"label"}), 2.5, 100)
    assert "It is shown this once" in made.stderr
    assert shown not in made.stderr + table + json.dumps(listed)
    assert (listed["key_id"], listed["is_usable"], listed["scopes"]) == (key_id, True, ["label"])
    assert [each.returncode for each in revoked] == [0, 0, 1]
    assert revoked[0].stdout == f"revoked {key_id}: every gateway refuses it within 30 seconds\n"
    assert isinstance(refused, KeyRefused)
    assert "was revoked" in refused.message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("shop", "--scope", "admin"), "the scopes must be one or more of classify, read, label"),
        (("shop", "--rate", "0"), "the rate must be 0.001"),
        (("shop", "--expires", "soon"), "write 90d, 12h, 30m or never"),
    ],
)
def test_a_mistake_is_told_in_words(database_url: str, arguments: tuple[str, ...], words: str) -> None:
    told = run(database_url, "create", *arguments, FRAUDSTREAM_API_KEY_PEPPER=PEPPER.decode())
    assert told.returncode == 2
    assert told.stdout == ""
    assert words in told.stderr
    assert "Traceback" not in told.stderr


def settings_for(environment: LocalEnvironment, secret_id: str) -> GatewaySettings:
    given: dict[str, Any] = {"AWS_ENDPOINT_URL": environment.endpoint_url, "pepper_secret_id": secret_id}
    return GatewaySettings(**given)


def test_the_pepper_comes_from_secrets_manager_as_text_or_bytes(local_environment: LocalEnvironment) -> None:
    secrets = local_environment.client("secretsmanager")
    secrets.create_secret(Name="pepper-text", SecretString=PEPPER.decode() + "\n")
    secrets.create_secret(Name="pepper-bytes", SecretBinary=b"\x00\xff" * 16)
    assert read_pepper(settings_for(local_environment, "pepper-text")) == PEPPER
    assert read_pepper(settings_for(local_environment, "pepper-bytes")) == b"\x00\xff" * 16


def test_a_secret_that_is_not_there_is_told_in_words(local_environment: LocalEnvironment) -> None:
    with pytest.raises(SettingsError, match=r"'nothing' \(FRAUDSTREAM_PEPPER_SECRET_ID\) cannot be read .* create it"):
        read_pepper(settings_for(local_environment, "nothing"))
