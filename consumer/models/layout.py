"""Where everything stands in the bucket, and the small documents that are not files of a bundle."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NewType
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from consumer.scoring.manifest import FileName, Sha256

BundleDigest = NewType("BundleDigest", str)
"""SHA-256 over the bytes of `manifest.json`, which holds the digests of all other files."""
PolicyDigest = NewType("PolicyDigest", str)
"""SHA-256 over the bytes of a policy."""
Channel = Literal["production", "shadow"]
PointerName = Literal["production", "shadow", "policy"]
Kind = Literal["bundles", "policies"]

_ROOT = "models/v1"


def bundle_key(digest: BundleDigest, file: str) -> str:
    """Return the key of one file of a bundle."""
    return f"{_ROOT}/bundles/{digest}/{file}"


def policy_key(digest: PolicyDigest) -> str:
    """Return the key of a policy."""
    return f"{_ROOT}/policies/{digest}.toml"


def version_key(kind: Kind, version: str) -> str:
    """Return the key of the document that says which content a version stands for."""
    return f"{_ROOT}/versions/{kind}/{quote(version, safe='')}.json"


def pointer_key(name: PointerName) -> str:
    """Return the key of a pointer."""
    return f"{_ROOT}/channels/{name}.json"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # of a later release, too


class Listing(_Document):
    """What the store needs to know of a manifest; whether it is a good one is the loader's to say."""

    model_version: Annotated[str, Field(min_length=1)]
    files: dict[FileName, Sha256]


class Version(_Document):
    """Which content a version stands for."""

    digest: Sha256


class Pointer(_Document):
    """What a channel, or the policy override, points at. A digest of None: at nothing, so that the default holds."""

    digest: Sha256 | None
    version: str | None
    """The version of the model or the policy."""
    moved_at: AwareDatetime
    moved_by: str
    previous: Sha256 | None
    """What it pointed at before: where a roll-back goes to."""
    move_id: str
    """Tells this move from every other one, whoever makes it and when."""


class Move(_Document):
    """Who moves a pointer and when; `move_id` is new for each."""

    moved_by: str
    moved_at: datetime
    move_id: str
