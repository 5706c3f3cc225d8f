"""The pepper of API keys as it is given in the environment."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from consumer.gateway_settings import GatewaySettings
from consumer.pepper import read_pepper
from consumer.settings import SettingsError

PEPPER = "0123456789abcdef"


def settings(**given: Any) -> GatewaySettings:
    return GatewaySettings(**{"api_key_pepper": None, "pepper_secret_id": None} | given)


def test_the_pepper_of_the_environment_is_taken_without_the_space_around_it() -> None:
    assert read_pepper(settings(api_key_pepper=SecretStr(f" {PEPPER}\n"))) == PEPPER.encode()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no pepper for API keys: set FRAUDSTREAM_API_KEY_PEPPER, or FRAUDSTREAM_PEPPER_SECRET_ID"),
        ({"api_key_pepper": SecretStr(PEPPER), "pepper_secret_id": "s"}, "two peppers: set .* not both"),
        ({"api_key_pepper": SecretStr(PEPPER[1:] + "   ")}, "less than 16 bytes: make one with `openssl rand"),
        ({"api_key_pepper": SecretStr("")}, "less than 16 bytes"),
    ],
)
def test_what_is_no_pepper_is_refused_with_the_remedy(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        read_pepper(settings(**given))
    assert PEPPER[1:] not in str(refused.value)
