"""`fraudstream keys create`, `list` and `revoke`: who may ask the gateway."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from consumer.gateway_settings import GatewaySettings
from consumer.operations.terminal import printable
from consumer.pepper import read_pepper
from producers.gateway.api_key import MadeKey, make_key, parse_key
from producers.gateway.keys import CACHE_S
from schemas.timestamps import format_timestamp
from sinks.front import ApiKey, ApiKeys
from sinks.ledger.api_keys import PostgresApiKeys

_SPAN = re.compile(r"([1-9][0-9]{0,4})([dhm])", re.ASCII)
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class WantedKey(NamedTuple):
    """What was asked for. `expires` is a span such as 90d, 12h or 30m, or `never`."""

    name: str
    scopes: Sequence[str]
    rate_per_s: float
    burst: int
    expires: str


def run_create(settings: GatewaySettings, wanted: WantedKey) -> None:
    """Make a key: its text goes to standard output, and what to do with it to standard error. Raises ValueError for what cannot be."""
    pepper = read_pepper(settings)
    with closing(PostgresApiKeys(settings.dsn())) as keys:
        made = create(keys, pepper, wanted, datetime.now(UTC))
    print(made.shown)
    print("\n".join(_told(made.kept)), file=sys.stderr)


def create(keys: ApiKeys, pepper: bytes, wanted: WantedKey, now: datetime) -> MadeKey:
    """Make a key and store what is kept of it. Raises ValueError with a text for people."""
    span = parse_span(wanted.expires)
    made = make_key(
        pepper,
        name=wanted.name,
        scopes=wanted.scopes,
        rate_per_s=wanted.rate_per_s,
        burst=wanted.burst,
        created_at=now,
        expires_at=None if span is None else now + span,
    )
    keys.add(made.kept)
    return made


def parse_span(text: str) -> timedelta | None:
    """Return a span of days, hours or minutes (`90d`, `12h`, `30m`), None for `never`. Raises ValueError for anything else."""
    if text == "never":
        return None
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time to expire: write 90d, 12h, 30m or never")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def run_list(settings: GatewaySettings, *, as_json: bool) -> None:
    """Print every key ever made, oldest first; never what is kept of its secret."""
    with closing(PostgresApiKeys(settings.dsn())) as keys:
        found = keys.all()
    now = datetime.now(UTC)
    print("\n".join(json.dumps(described(key, now)) for key in found) if as_json else "\n".join(table(found, now)))


def table(keys: Sequence[ApiKey], now: datetime) -> Iterator[str]:
    """Yield a head and a line a key, in the order given; one line where there is none."""
    if not keys:
        yield "no keys: make one with `fraudstream keys create NAME`"
        return
    width = max(4, *(len(key.name) for key in keys))
    yield f"{'key id':<12}  {'name':<{width}}  {'scopes':<19}  {'rate/s':>8}  {'burst':>6}  state"
    for key in keys:
        scopes = ",".join(sorted(key.scopes))
        yield f"{key.key_id:<12}  {printable(key.name):<{width}}  {scopes:<19}  {key.rate_per_s:>8g}  {key.burst:>6}  {_state(key, now)}"


def described(key: ApiKey, now: datetime) -> dict[str, object]:
    """Return what may be told of a key, as a JSON document."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "rate_per_s": key.rate_per_s,
        "burst": key.burst,
        "created_at": format_timestamp(key.created_at),
        "expires_at": key.expires_at and format_timestamp(key.expires_at),
        "revoked_at": key.revoked_at and format_timestamp(key.revoked_at),
        "is_usable": key.revoked_at is None and (key.expires_at is None or key.expires_at > now),
    }


def run_revoke(settings: GatewaySettings, id_or_key: str) -> bool:
    """Revoke a key and say so; False if there is none of that id. Takes the whole key too, which a person may have found somewhere."""
    shown = parse_key(id_or_key)
    key_id = shown.key_id if shown else id_or_key
    with closing(PostgresApiKeys(settings.dsn())) as keys:
        is_there = keys.revoke(key_id, datetime.now(UTC))
    if is_there:
        print(f"revoked {key_id}: every gateway refuses it within {CACHE_S:g} seconds")
    else:
        print("fraudstream: there is no key of this id: `fraudstream keys list` prints the ids", file=sys.stderr)
    return is_there


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {format_timestamp(key.revoked_at)}"
    if key.expires_at is None:
        return "usable, never expires"
    return f"{'expired' if key.expires_at <= now else 'usable until'} {format_timestamp(key.expires_at)}"


def _told(key: ApiKey) -> Iterator[str]:
    until = "for ever" if key.expires_at is None else f"until {format_timestamp(key.expires_at)}"
    yield f"key {key.key_id} of {key.name}: {', '.join(sorted(key.scopes))}; {key.rate_per_s:g} requests/s, {key.burst} at once; {until}"
    yield "It is shown this once and kept nowhere: store it now. Send it in the header X-API-Key."
