"""`fraudstream model`: bundles into the store and out of it, and what the pointers point at."""

from __future__ import annotations

import getpass
import re
import socket
import tempfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, cast

from consumer.models.errors import NotInStore
from consumer.models.layout import BundleDigest, Channel, Move, Pointer, PointerName
from consumer.models.objects import ModelObjects
from consumer.models.pointers import Pointers, Seen
from consumer.models.serving import fetch_bundle
from consumer.models.store import BundleStore, unlisted_files
from consumer.scoring.bundle import MANIFEST_FILE, Bundle, load_bundle
from consumer.scoring.policy import PolicyError

_DIGEST = re.compile("[0-9a-f]{64}")
_POINTERS: tuple[PointerName, ...] = ("production", "shadow", "policy")
_AT_NEXT_START = "consumers take it at their next start"
Say = Callable[[str], None]


class ModelStore(NamedTuple):
    """The bucket as commands see it."""

    bundles: BundleStore
    pointers: Pointers


def open_store(objects: ModelObjects) -> ModelStore:
    """Return the store over these objects."""
    return ModelStore(BundleStore(objects), Pointers(objects))


def a_move(moved_by: str | None) -> Move:
    """Return a move made now, by the user of this machine where nobody is named."""
    who = moved_by or f"{getpass.getuser()}@{socket.gethostname()}"
    now = datetime.now(UTC)
    return Move(
        moved_by=who, moved_at=now.replace(microsecond=now.microsecond // 1000 * 1000), move_id=uuid.uuid4().hex
    )


def push(store: ModelStore, folder: Path, say: Say) -> BundleDigest:
    """Verify the bundle as a consumer would and store it. Raises BundleRefused and ModelStoreError."""
    bundle = load_bundle(folder)
    digest = store.bundles.put(folder)
    if left := list(unlisted_files(folder)):
        say(f"left behind, as the manifest does not list them: {', '.join(left)}")
    say(f"stored {_named(bundle)} as {digest}")
    say(f"next: fraudstream model promote {digest}")
    return digest


def promote(store: ModelStore, which: str, channel: Channel, move: Move, say: Say) -> Pointer | None:
    """Point `channel` at a bundle, after verifying it here; None if it stands there already.

    Raises BundleRefused for what this release would refuse, NotInStore, and PointerMoved where somebody was quicker.
    """
    seen = store.pointers.read(channel)
    digest = resolve(store, which)
    if seen.digest == digest:
        say(f"{channel} points at {digest} already; nothing was moved")
        return None
    with tempfile.TemporaryDirectory() as cache:
        bundle = fetch_bundle(store.bundles, digest, Path(cache))
    pointer = store.pointers.move(channel, digest, bundle.manifest.model_version, move, seen)
    say(f"{channel}: {_old(seen)} -> {_named(bundle)}; {_AT_NEXT_START}")
    if seen.digest:
        say(f"to roll back: fraudstream model promote {seen.digest} --channel {channel}")
    return pointer


def fetch(store: ModelStore, which: str, folder: Path, say: Say) -> None:
    """Make `folder` hold a bundle, verified to its digests. Raises ModelStoreError."""
    digest = resolve(store, which)
    store.bundles.fetch(digest, folder)
    say(f"{folder} holds {digest}; `fraudstream model verify {folder}` says whether it scores here")


def verify(folder: Path, say: Say) -> None:
    """Load the bundle in `folder` as a consumer would. Raises BundleRefused with the file at fault and the remedy."""
    bundle = load_bundle(folder)
    manifest, policy = bundle.manifest, bundle.policy
    say(f"{_named(bundle)} scores on this machine")
    say(f"digest       {sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest()}")
    say(
        f"features     {manifest.feature_set}, {len(manifest.features)} of them; {len(manifest.golden)} golden vectors agree"
    )
    listed = f"{len(policy.segments)} segments, {len(policy.block)} block and {len(policy.allow)} allow entries"
    say(f"policy       {policy.version}: {listed}")
    say(f"files        {', '.join(sorted(manifest.files))}")
    if left := list(unlisted_files(folder)):
        say(f"not listed   {', '.join(left)}: never read, and left behind by push")


def push_policy(store: ModelStore, file: Path, move: Move, say: Say) -> Pointer | None:
    """Store a policy and let it override the bundles' own; None if it does already. Raises PolicyError and ModelStoreError."""
    seen = store.pointers.read("policy")
    try:
        digest, policy = store.bundles.put_policy(file.read_bytes())
    except PolicyError as error:
        raise PolicyError(f"{file}: {error}") from error
    if seen.digest == digest:
        say(f"policy {policy.version} overrides the bundle's already; nothing was moved")
        return None
    pointer = store.pointers.move("policy", digest, policy.version, move, seen)
    say(f"policy: {_old(seen)} -> {policy.version} ({digest[:12]}); {_AT_NEXT_START}")
    return pointer


def clear_policy(store: ModelStore, move: Move, say: Say) -> Pointer | None:
    """Let the bundles' own policies hold again; None if they do. Raises ModelStoreError."""
    seen = store.pointers.read("policy")
    if seen.digest is None:
        say("no policy overrides the bundle's; nothing was moved")
        return None
    pointer = store.pointers.move("policy", None, None, move, seen)
    say(f"policy: {_old(seen)} -> the bundle's own; {_AT_NEXT_START}")
    return pointer


def describe(store: ModelStore) -> dict[str, dict[str, Any] | None]:
    """Return every pointer as a JSON document, None where nobody ever moved it."""
    seen = {name: store.pointers.read(name).pointer for name in _POINTERS}
    return {name: pointer.model_dump(mode="json") if pointer else None for name, pointer in seen.items()}


def show_lines(store: ModelStore) -> list[str]:
    """Return the pointers for people."""
    return [_pointer_line(name, store.pointers.read(name).pointer) for name in _POINTERS]


def resolve(store: ModelStore, which: str) -> BundleDigest:
    """Return the digest that a digest, a channel's name or a model version means. Raises NotInStore."""
    if _DIGEST.fullmatch(which):
        return BundleDigest(which)
    is_channel = which in {"production", "shadow"}
    digest = store.pointers.read(cast("Channel", which)).digest if is_channel else store.bundles.find_bundle(which)
    if digest is None:
        remedy = "Give the 64 characters that `model push` printed, a model version that was pushed, or a channel that points at one."
        raise NotInStore(f"{which} means no bundle of this store", remedy)
    return BundleDigest(digest)


def _pointer_line(name: str, pointer: Pointer | None) -> str:
    default = "the bundle's own" if name == "policy" else "nothing, so the shipped bundle scores"
    if pointer is None:
        return f"{name:<11} {default}"
    what = f"{pointer.version} ({pointer.digest})" if pointer.digest else default
    before = f", before: {pointer.previous}" if pointer.previous else ""
    return f"{name:<11} {what}, moved {pointer.moved_at:%Y-%m-%d %H:%M:%SZ} by {pointer.moved_by}{before}"


def _named(bundle: Bundle) -> str:
    return f"model {bundle.manifest.model_version} with policy {bundle.policy.version}"


def _old(seen: Seen) -> str:
    return str(seen.pointer.version) if seen.pointer and seen.pointer.digest else "nothing"
