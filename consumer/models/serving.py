"""From pointers to what scores: the bundle that a channel points at, and the policy that overrides it, verified or refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import structlog

from consumer.models.errors import ModelStoreError
from consumer.models.layout import BundleDigest, Channel, PolicyDigest
from consumer.models.objects import ModelObjects
from consumer.models.pointers import Pointers
from consumer.models.store import BundleStore
from consumer.scoring.bundle import DEFAULT_BUNDLE, Bundle, BundleRefused, load_bundle
from consumer.scoring.policy import Policy, PolicyError

_log = structlog.get_logger(__name__)
WhenRefused = Literal["keep_default", "stop"]
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Serving:
    """Which channel to serve, in which folder bundles are kept by digest, and what to do about one that must not score."""

    channel: Channel
    cache: Path
    when_refused: WhenRefused
    default: Path = DEFAULT_BUNDLE


def load_serving(objects: ModelObjects, serving: Serving) -> Bundle:
    """Return the bundle to score with, as the pointers stand now: the channel's, with the overriding policy if there is one.

    Where a pointer points at nothing, the default bundle or the bundle's own policy holds. What is refused is logged with cause and
    remedy; then the same goes for it, or with `stop` the refusal is raised: BundleRefused, ModelStoreError, PolicyError. Where S3
    cannot be asked, the sinks' errors are raised whatever is set: which model is promoted is then not known.
    """
    bundle = _accept("model_refused", lambda: _promoted(objects, serving), serving) or load_bundle(serving.default)
    policy = _accept("policy_refused", lambda: _override(objects), serving)
    return bundle if policy is None else replace(bundle, policy=policy)


def _promoted(objects: ModelObjects, serving: Serving) -> Bundle | None:
    digest = Pointers(objects).read(serving.channel).digest
    if digest is None:
        _log.info("no_model_promoted", channel=serving.channel, remedy="fraudstream model promote DIGEST")
        return None
    bundle = fetch_bundle(BundleStore(objects), BundleDigest(digest), serving.cache)
    _log.info("model_fetched", channel=serving.channel, digest=digest, model_version=bundle.manifest.model_version)
    return bundle


def fetch_bundle(store: BundleStore, digest: BundleDigest, cache: Path) -> Bundle:
    """Return a bundle of the store, loaded; files that stand in `cache` already and are right are not read again.

    Raises BundleRefused and ModelStoreError; a bundle that is refused is not kept.
    """
    folder = cache / digest
    try:
        store.fetch(digest, folder)
        return load_bundle(folder)
    except (BundleRefused, ModelStoreError):
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _override(objects: ModelObjects) -> Policy | None:
    digest = Pointers(objects).read("policy").digest
    return None if digest is None else BundleStore(objects).policy(PolicyDigest(digest))


def _accept(event: str, find: Callable[[], _Found | None], serving: Serving) -> _Found | None:
    try:
        return find()
    except (BundleRefused, ModelStoreError, PolicyError) as refusal:
        remedy = getattr(refusal, "remedy", "Correct the policy, give it another version and push it again.")
        _log.error(event, cause=str(refusal), remedy=remedy, reaction=serving.when_refused)
        if serving.when_refused == "stop":
            raise
        return None
