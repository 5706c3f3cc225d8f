"""Bundles and policies by digest, and which content each version stands for. Nothing that stands is ever written again."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from consumer.models.errors import DamagedObject, NotInStore, VersionTaken
from consumer.models.layout import (
    BundleDigest,
    Kind,
    Listing,
    PolicyDigest,
    Version,
    bundle_key,
    policy_key,
    version_key,
)
from consumer.models.objects import ModelObjects
from consumer.scoring.bundle import MANIFEST_FILE, POLICY_FILE, read_file, read_verified
from consumer.scoring.policy import Policy, read_policy


class BundleStore:
    """Every method raises ModelStoreError, or the sinks' errors where S3 cannot be asked. Bundles are not loaded here."""

    def __init__(self, objects: ModelObjects) -> None:
        self._objects = objects

    def put(self, folder: Path) -> BundleDigest:
        """Store the bundle in `folder` and return its digest. May be repeated, after an interruption too: the manifest comes last.

        Files that the manifest does not list stay behind. Raises BundleRefused or PolicyError where the folder is not whole, and
        VersionTaken where model or policy version stand for other content in this store.
        """
        manifest = read_file(folder / MANIFEST_FILE)
        digest, listing = (
            BundleDigest(sha256(manifest).hexdigest()),
            self._listing(str(folder / MANIFEST_FILE), manifest),
        )
        contents = {name: read_verified(folder, name, listing.files) for name in (POLICY_FILE, *listing.files)}
        self._check_version("bundles", listing.model_version, digest)
        self.put_policy(contents[POLICY_FILE])
        for name, content in contents.items():
            self._create(bundle_key(digest, name), content)
        self._claim_version("bundles", listing.model_version, digest)
        self._create(bundle_key(digest, MANIFEST_FILE), manifest)
        return digest

    def fetch(self, digest: BundleDigest, folder: Path) -> None:
        """Make `folder` hold the bundle, every file verified; what is there already and right is not read again.

        Raises NotInStore where there is no whole bundle of this digest, and DamagedObject.
        """
        manifest = self._read_whole(bundle_key(digest, MANIFEST_FILE), digest)
        for name, expected in self._listing(self._address(digest, MANIFEST_FILE), manifest).files.items():
            if not _is_file(folder / name, expected):
                _write(folder / name, self._read_whole(bundle_key(digest, name), expected))
        _write(folder / MANIFEST_FILE, manifest)

    def put_policy(self, content: bytes) -> tuple[PolicyDigest, Policy]:
        """Store a policy; return its digest and what it says. Raises PolicyError, and VersionTaken as `put` does."""
        policy = read_policy(content)
        digest = PolicyDigest(sha256(content).hexdigest())
        self._check_version("policies", policy.version, digest)
        self._create(policy_key(digest), content)
        self._claim_version("policies", policy.version, digest)
        return digest, policy

    def policy(self, digest: PolicyDigest) -> Policy:
        """Return a policy, verified. Raises NotInStore, DamagedObject and PolicyError."""
        return read_policy(self._read_whole(policy_key(digest), digest))

    def listing(self, digest: BundleDigest) -> Listing:
        """Return what the bundle's manifest lists. Raises NotInStore where there is no whole bundle of this digest."""
        return self._listing(
            self._address(digest, MANIFEST_FILE), self._read_whole(bundle_key(digest, MANIFEST_FILE), digest)
        )

    def find_bundle(self, model_version: str) -> BundleDigest | None:
        """Return the bundle that a decision's model version stands for, None if this store has none."""
        digest = self._find("bundles", model_version)
        return None if digest is None else BundleDigest(digest)

    def find_policy(self, policy_version: str) -> PolicyDigest | None:
        """Return the policy that a decision's policy version stands for, a bundle's own or another; None if there is none."""
        digest = self._find("policies", policy_version)
        return None if digest is None else PolicyDigest(digest)

    def _find(self, kind: Kind, version: str) -> str | None:
        key = version_key(kind, version)
        stored = self._objects.read(key)
        if stored is None:
            return None
        try:
            return Version.model_validate_json(stored.body).digest
        except ValidationError as error:
            raise DamagedObject(self._objects.address(key), "it does not name a digest") from error

    def _check_version(self, kind: Kind, version: str, digest: str) -> None:
        standing = self._find(kind, version)
        if standing not in {None, digest}:
            raise VersionTaken(version, str(standing))

    def _claim_version(self, kind: Kind, version: str, digest: str) -> None:
        self._objects.write(version_key(kind, version), Version(digest=digest).model_dump_json().encode(), None)
        self._check_version(kind, version, digest)

    def _create(self, key: str, content: bytes) -> None:
        """Store the content, or find that it stands there."""
        if not self._objects.write(key, content, None):
            self._read_whole(key, sha256(content).hexdigest())

    def _read_whole(self, key: str, expected: str) -> bytes:
        stored = self._objects.read(key)
        if stored is None:
            remedy = "Push it, or push it again: an upload that is cut off leaves no whole bundle."
            raise NotInStore(f"{self._objects.address(key)} does not exist", remedy)
        if sha256(stored.body).hexdigest() != expected:
            raise DamagedObject(self._objects.address(key), f"its SHA-256 is not {expected}")
        return stored.body

    def _listing(self, place: str, manifest: bytes) -> Listing:
        try:
            return Listing.model_validate_json(manifest)
        except ValidationError as error:
            raise DamagedObject(place, "it is no manifest of a bundle") from error

    def _address(self, digest: BundleDigest, file: str) -> str:
        return self._objects.address(bundle_key(digest, file))


def unlisted_files(folder: Path) -> Iterator[str]:
    """Yield the names of files in a bundle's folder that its manifest does not list, in order: `put` leaves them behind."""
    listed = {MANIFEST_FILE, *Listing.model_validate_json(read_file(folder / MANIFEST_FILE)).files}
    found = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    yield from (name for name in found if name not in listed)


def _is_file(file: Path, expected: str) -> bool:
    return file.is_file() and sha256(file.read_bytes()).hexdigest() == expected


def _write(file: Path, content: bytes) -> None:
    """Write so that a reader finds all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.part")
    draft.write_bytes(content)
    draft.replace(file)
