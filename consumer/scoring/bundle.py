"""Loading a model bundle: a folder with `model.onnx`, `policy.toml` and the manifest that vouches for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from consumer.scoring.features import FEATURE_SETS, FeatureSet
from consumer.scoring.golden import GoldenMismatch, verify_golden
from consumer.scoring.manifest import Manifest, seal_of
from consumer.scoring.model import Model, ModelError
from consumer.scoring.policy import Policy, PolicyError, read_policy

MODEL_FILE, POLICY_FILE, MANIFEST_FILE = "model.onnx", "policy.toml", "manifest.json"
DEFAULT_BUNDLE = Path(__file__).parent / "default_bundle"
"""The committed bundle, made by `make model`."""


class BundleRefused(Exception):
    """The bundle must not score: `file` is at fault, `cause` says why, `remedy` what to do. The one in use stays in use."""

    def __init__(self, file: Path, cause: str, remedy: str) -> None:
        super().__init__(f"{file}: {cause}. {remedy}")
        self.file, self.cause, self.remedy = file, cause, remedy


@dataclass(frozen=True)
class Bundle:
    """A verified bundle, ready to score; what was read is in memory, so that the folder may vanish."""

    manifest: Manifest
    feature_set: FeatureSet
    model: Model
    policy: Policy


def load_bundle(folder: Path) -> Bundle:
    """Return the bundle in `folder`, or raise `BundleRefused`.

    Verified, in this order: the manifest's form and seal, that this release computes the feature set, the digests of all files that the
    manifest lists, policy and graph, and the golden vectors. Nothing in a bundle is ever executed or unpickled, and what the manifest
    does not list is not even read.
    """
    manifest = _read_manifest(folder / MANIFEST_FILE)
    feature_set = _find_feature_set(folder / MANIFEST_FILE, manifest)
    contents = {
        name: read_verified(folder, name, manifest.files) for name in (MODEL_FILE, POLICY_FILE, *manifest.files)
    }
    policy = _read_policy(folder / POLICY_FILE, contents[POLICY_FILE])
    model = _load_model(folder / MODEL_FILE, contents[MODEL_FILE], len(feature_set.names))
    _verify_answers(folder / MANIFEST_FILE, manifest, feature_set, model)
    return Bundle(manifest, feature_set, model, policy)


def read_file(file: Path) -> bytes:
    """Return a file of a bundle; raises `BundleRefused` where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleRefused(file, f"cannot be read ({error.strerror})", "Fetch the whole bundle again.") from error


def _read_manifest(file: Path) -> Manifest:
    content = read_file(file)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc'])) or 'file'}: {f['msg']}" for f in error.errors()[:5])
        raise BundleRefused(file, f"not a manifest ({faults})", "Export the bundle again.") from error
    if seal_of(content, manifest.seal) != manifest.seal:
        raise BundleRefused(file, "its seal is not its SHA-256", "Fetch the whole bundle again; never edit one.")
    return manifest


def _find_feature_set(file: Path, manifest: Manifest) -> FeatureSet:
    feature_set = FEATURE_SETS.get(manifest.feature_set)
    if feature_set is None:
        known = ", ".join(FEATURE_SETS)
        cause = f"feature set {manifest.feature_set} is not known to this release, which has {known}"
        raise BundleRefused(file, cause, "Deploy the release that it was made with, or train on a known set.")
    if manifest.features != feature_set.names or len(manifest.baseline) != len(feature_set.names):
        cause = f"its features are not those of {feature_set.name} in their order"
        raise BundleRefused(file, cause, "Train again with this release; a changed feature set needs a new name.")
    return feature_set


def read_verified(folder: Path, name: str, digests: Mapping[str, str]) -> bytes:
    """Return the file `name`; raises `BundleRefused` unless its SHA-256 is the one that the manifest's `digests` hold."""
    file = folder / name
    if name not in digests:
        raise BundleRefused(file, "the manifest has no digest of it", "Export the bundle again.")
    content = read_file(file)
    if sha256(content).hexdigest() != digests[name]:
        raise BundleRefused(file, "its SHA-256 is not the manifest's", "Fetch the whole bundle again; never edit one.")
    return content


def _read_policy(file: Path, content: bytes) -> Policy:
    try:
        return read_policy(content)
    except PolicyError as error:
        raise BundleRefused(file, str(error), "Correct the policy and export the bundle again.") from error


def _load_model(file: Path, content: bytes, feature_count: int) -> Model:
    try:
        return Model(content, feature_count)
    except ModelError as error:
        raise BundleRefused(file, str(error), "Export the model again, or deploy its ONNX Runtime.") from error


def _verify_answers(file: Path, manifest: Manifest, feature_set: FeatureSet, model: Model) -> None:
    try:
        verify_golden(manifest, feature_set, model)
    except GoldenMismatch as mismatch:
        raise BundleRefused(file, str(mismatch), mismatch.remedy) from mismatch
