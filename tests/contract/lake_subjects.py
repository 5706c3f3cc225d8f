"""What the lake's contract suite tries: the lake in memory and on S3, with faults and with objects of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinks.lake.memory import MemoryLake
from sinks.lake.s3 import S3Lake
from sinks.port import Lake
from tests.contract.lake_builders import a_chunk
from tests.contract.s3_faults import S3Faults

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class LakeSubject:
    """A lake, how to make its next PUT fail `before` or `after` the object stands, and how somebody else puts an object there."""

    lake: Lake
    fail_next: Callable[[str], None]
    put_foreign: Callable[[str], None]


def memory_subject() -> LakeSubject:
    lake = MemoryLake()

    def put_foreign(key: str) -> None:
        lake.objects[key] = a_chunk()._replace(key=key)

    return LakeSubject(lake, lambda when: lake.fail_next("after" if when == "after" else "before"), put_foreign)


def s3_subject(client: S3Client, bucket: str) -> LakeSubject:
    def put_foreign(key: str) -> None:
        client.put_object(Bucket=bucket, Key=key, Body=b"")

    return LakeSubject(S3Lake(client, bucket), S3Faults(client).fail_next, put_foreign)
