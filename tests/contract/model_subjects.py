"""What the model store's contract suite tries: objects in memory and on S3, with failures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from consumer.models.layout import BundleDigest, Move
from consumer.models.memory import MemoryModelObjects
from consumer.models.objects import ModelObjects
from consumer.models.pointers import Pointers
from consumer.models.s3 import S3ModelObjects
from consumer.models.store import BundleStore
from tests.contract.s3_faults import S3Faults
from tests.scoring_builders import EVENT_BUNDLE, edit_manifest, reseal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class ModelSubject:
    """Objects, how to make the next write fail `before` or `after` the object stands, and how somebody else writes or deletes one."""

    objects: ModelObjects
    fail_next: Callable[[str], None]
    force: Callable[[str, bytes | None], None]

    @property
    def store(self) -> BundleStore:
        return BundleStore(self.objects)

    @property
    def pointers(self) -> Pointers:
        return Pointers(self.objects)


def memory_subject() -> ModelSubject:
    objects = MemoryModelObjects()

    def force(key: str, body: bytes | None) -> None:
        if body is None:
            del objects.bodies[key]
        else:
            objects.bodies[key] = body

    return ModelSubject(objects, objects.fail_next, force)


def s3_subject(client: S3Client) -> ModelSubject:
    bucket = f"models-{uuid4()}"
    client.create_bucket(Bucket=bucket)
    faults = S3Faults(client)

    def force(key: str, body: bytes | None) -> None:
        if body is None:
            client.delete_object(Bucket=bucket, Key=key)
        else:
            client.put_object(Bucket=bucket, Key=key, Body=body)

    return ModelSubject(S3ModelObjects(client, bucket), faults.fail_next, force)


def a_bundle(folder: Path, model_version: str | None = None, policy_version: str | None = None) -> Path:
    """A copy of the committed bundle with other versions."""
    shutil.copytree(EVENT_BUNDLE, folder)
    if policy_version is not None:
        policy = folder / "policy.toml"
        policy.write_text(policy.read_text().replace('"default/1"', f'"{policy_version}"'))
        reseal(folder)
    if model_version is not None:
        edit_manifest(folder, model_version=model_version)
    return folder


def digest_of(folder: Path) -> BundleDigest:
    return BundleDigest(sha256((folder / "manifest.json").read_bytes()).hexdigest())


def a_move(moved_by: str = "ann", number: int = 1) -> Move:
    return Move(
        moved_by=moved_by, moved_at=datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC), move_id=f"{moved_by}-{number}"
    )
