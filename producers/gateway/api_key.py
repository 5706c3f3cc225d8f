"""API keys: how one is made, and what is kept of it. The secret itself is shown once and kept nowhere."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from hashlib import scrypt
from hmac import digest
from typing import Final, Literal, NamedTuple, get_args

from sinks.front import ApiKey

Scope = Literal["classify", "read", "label"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

MIN_PEPPER_BYTES = 16
_MAX_NAME_CHARACTERS = 100
_MIN_RATE_PER_S, _MAX_RATE_PER_S, _MAX_BURST = 0.001, 1_000_000, 1_000_000
_SALT_BYTES = 16
_SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024  # these parameters take 16 MiB; OpenSSL refuses what comes close to its limit
_KEY = re.compile(r"fs_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


class MadeKey(NamedTuple):
    """A new key: what is kept of it, and the text for the client, which cannot be had again."""

    kept: ApiKey
    shown: str


class ShownKey(NamedTuple):
    """The two parts of a key's text. The secret is never to be logged."""

    key_id: str
    secret: str


def make_key(
    pepper: bytes,
    *,
    name: str,
    scopes: Collection[str],
    rate_per_s: float,
    burst: int,
    created_at: datetime,
    expires_at: datetime | None = None,
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> MadeKey:
    """Return a new key with 256 random bits of secret. `draw(n)` gives n random bytes.

    Raises ValueError with a text for people unless the name has 1 to 100 printable characters, the scopes are some of `SCOPES`, the
    rate is 0.001 to a million, the burst 1 to a million, and the expiry after the creation.
    """
    key_id = b32encode(draw(8)).decode().lower()[:12]
    secret = urlsafe_b64encode(draw(32)).decode().rstrip("=")
    salt = draw(_SALT_BYTES)
    kept = ApiKey(
        key_id=key_id,
        name=name,
        salt=salt,
        secret_hash=hash_secret(pepper, salt, secret),
        scopes=frozenset(scopes),
        rate_per_s=rate_per_s,
        burst=burst,
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=None,
    )
    for wrong in _wrongs(kept):
        raise ValueError(wrong)
    return MadeKey(kept, f"fs_{key_id}_{secret}")


def _wrongs(key: ApiKey) -> Iterator[str]:
    if not (0 < len(key.name) <= _MAX_NAME_CHARACTERS and key.name.isprintable() and key.name == key.name.strip()):
        yield f"the name must have 1 to {_MAX_NAME_CHARACTERS} printable characters, no space around them"
    if not key.scopes or not key.scopes <= set(SCOPES):
        yield f"the scopes must be one or more of {', '.join(SCOPES)}"
    if not _MIN_RATE_PER_S <= key.rate_per_s <= _MAX_RATE_PER_S:
        yield f"the rate must be {_MIN_RATE_PER_S} to {_MAX_RATE_PER_S:,} requests a second"
    if not 1 <= key.burst <= _MAX_BURST:
        yield f"the burst must be 1 to {_MAX_BURST:,} requests"
    if key.expires_at is not None and key.expires_at <= key.created_at:
        yield "the key must expire after now"


def parse_key(text: str) -> ShownKey | None:
    """Return the parts of `fs_<12 characters of base32>_<43 of base64url>`, None for any other text."""
    match = _KEY.fullmatch(text)
    return ShownKey(match[1], match[2]) if match else None


def hash_secret(pepper: bytes, salt: bytes, secret: str) -> bytes:
    """Return what is kept of a secret, 32 bytes: scrypt (n 16384, r 8, p 1) with the salt over its HMAC-SHA256 under the pepper.

    Takes some 50 ms of a core and 16 MiB, and lets other threads run. Raises ValueError for a pepper of less than 16 bytes.
    """
    if len(pepper) < MIN_PEPPER_BYTES:
        raise ValueError(f"the pepper of API keys must have at least {MIN_PEPPER_BYTES} bytes")
    peppered = digest(pepper, secret.encode(), "sha256")
    return scrypt(peppered, salt=salt, n=2**14, r=8, p=1, maxmem=_SCRYPT_MEMORY_BYTES, dklen=32)
