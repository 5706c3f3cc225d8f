"""Reads the objects of a bucket with plain S3, not with the code that wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Bucket:
    """One bucket, read only. Raises boto3's errors."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client, self._name = client, name

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key that begins with `prefix`, in order."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix):
            yield from (found["Key"] for found in page.get("Contents", ()))

    def body(self, key: str) -> bytes:
        """Return the contents of an object."""
        return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
