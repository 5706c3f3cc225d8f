"""Which policies decided, as far as they can be found: those of the model store, and the one of the folder or release in use."""

from __future__ import annotations

from collections.abc import Iterable

from consumer.clients import AwsClients
from consumer.models.objects import ModelObjects
from consumer.models.s3 import S3ModelObjects
from consumer.models.store import BundleStore
from consumer.scoring.bundle import DEFAULT_BUNDLE, POLICY_FILE
from consumer.scoring.policy import Policy, read_policy
from consumer.settings import Settings


def read_policies(settings: Settings, versions: Iterable[str]) -> dict[str, Policy]:
    """Return the policies by version; a version that nobody knows is left out. What the store says of a version holds.

    Raises SinkError, ModelStoreError and PolicyError for a store that cannot be read.
    """
    own = read_policy(((settings.model_bundle or DEFAULT_BUNDLE) / POLICY_FILE).read_bytes())
    if settings.model_bucket is None:
        return {own.version: own}
    return {own.version: own} | _stored(S3ModelObjects(AwsClients(settings).s3, settings.model_bucket), versions)


def _stored(objects: ModelObjects, versions: Iterable[str]) -> dict[str, Policy]:
    store = BundleStore(objects)
    found = ((version, store.find_policy(version)) for version in sorted(versions))
    return {version: store.policy(digest) for version, digest in found if digest is not None}
