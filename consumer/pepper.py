"""The pepper of API keys, from the environment or Secrets Manager. Whoever has the ledger alone cannot try out keys without it."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError

from consumer.clients import AwsClients
from consumer.gateway_settings import GatewaySettings
from consumer.settings import SettingsError
from producers.gateway.api_key import MIN_PEPPER_BYTES

_REMEDY: Final = "make one with `openssl rand -base64 32`, keep it as long as the keys, and give it to all gateways and `fraudstream keys`"


def read_pepper(settings: GatewaySettings) -> bytes:
    """Return the pepper; white space around it does not count. Asks Secrets Manager at most once.

    Raises SettingsError where none or two are set, where the secret cannot be had and where it is shorter than 16 bytes, and
    BotoCoreError where Secrets Manager cannot be reached.
    """
    given, secret_id = settings.api_key_pepper, settings.pepper_secret_id
    if given is None and secret_id is None:
        raise SettingsError(
            "no pepper for API keys: set FRAUDSTREAM_API_KEY_PEPPER, "
            f"or FRAUDSTREAM_PEPPER_SECRET_ID to a secret of Secrets Manager; {_REMEDY}"
        )
    if given is not None and secret_id is not None:
        raise SettingsError("two peppers: set FRAUDSTREAM_API_KEY_PEPPER or FRAUDSTREAM_PEPPER_SECRET_ID, not both")
    pepper = given.get_secret_value().encode() if given is not None else _fetched(settings, str(secret_id))
    if len(pepper.strip()) < MIN_PEPPER_BYTES:
        raise SettingsError(f"the pepper of API keys has less than {MIN_PEPPER_BYTES} bytes: {_REMEDY}")
    return pepper.strip()


def _fetched(settings: GatewaySettings, secret_id: str) -> bytes:
    try:
        answer = AwsClients(settings).secretsmanager.get_secret_value(SecretId=secret_id)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise SettingsError(
            f"the secret {secret_id!r} (FRAUDSTREAM_PEPPER_SECRET_ID) cannot be read ({code}): "
            "create it in this region, or allow the role secretsmanager:GetSecretValue on it"
        ) from error
    text: str | None = answer.get("SecretString")
    binary: bytes = answer.get("SecretBinary", b"")
    return binary if text is None else text.encode()
