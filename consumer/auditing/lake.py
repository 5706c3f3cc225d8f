"""Reads every row of a stream epoch's chunks from the lake, with plain Parquet and S3, not with the code that wrote them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from consumer.auditing.evidence import LakeRow
from schemas.position import StreamEpoch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "decisions/v1/"


def read_lake(client: S3Client, bucket: str, epoch: StreamEpoch) -> Iterator[LakeRow]:
    """Yield every row of the epoch, chunk by chunk."""
    for key in _keys(client, bucket):
        if f"/{epoch}/" in key:
            body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            table = pq.read_table(io.BytesIO(body), use_threads=False)
            yield from (LakeRow(key, values) for values in table.to_pylist())


def _keys(client: S3Client, bucket: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX):
        yield from (found["Key"] for found in page.get("Contents", ()))
