"""The lake on S3: every object is written once, by a conditional PUT, and its metadata says where its chunk ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

from schemas.position import ShardId, StreamEpoch
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.lake.keys import is_chunk_key, parse_chunk_key, shard_prefix
from sinks.lake.parquet import encode
from sinks.port import ChunkFooter, ChunkObject
from sinks.s3_errors import is_status, translated_s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = structlog.get_logger(__name__)


class S3Lake:
    """Chunks as Parquet in one bucket. `client` is a boto3 client for S3; its own retries do no harm.

    Several threads may use it at once, as they may use the client (a session they may not).
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, chunk: ChunkObject) -> ChunkFooter:
        """Store `chunk` unless its key is taken; return the footer of the object that now stands at the key.

        A 412 proves nothing, because botocore may have retried a PUT that had landed: HEAD tells. Raises TransientSinkError when it is
        not known what stands there (409, 5xx, throttling, time-outs, an object gone between the two answers), else PermanentSinkError.
        """
        if self._is_stored(chunk):
            return chunk.footer
        standing = self.footer(chunk.key)
        if standing is None:
            raise TransientSinkError("S3 says that the key is taken, and that nothing is there", key=chunk.key)
        return standing

    def footer(self, key: str) -> ChunkFooter | None:
        """Return the footer of the object at `key`, None if there is none."""
        with translated_s3_errors("look at", self._address(key)):
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if is_status(error, 404):
                    return None
                raise
        return _footer(key, answer["Metadata"])

    def keys(self, arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> Sequence[str]:
        """Return every key of the shard's chunks of that day, in order (S3 lists in UTF-8 order).

        What else stands there is no part of the chain: it is left out, with a warning.
        """
        prefix = shard_prefix(arrival_day, epoch, shard_id)
        with translated_s3_errors("list", self._address(prefix)):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        if foreign := [key for key in keys if not is_chunk_key(key)]:
            _log.warning("foreign_objects_ignored", bucket=self._bucket, first_key=foreign[0], objects=len(foreign))
        return [key for key in keys if is_chunk_key(key)]

    def _is_stored(self, chunk: ChunkObject) -> bool:
        with translated_s3_errors("write", self._address(chunk.key)):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=chunk.key,
                    Body=encode(chunk.rows),
                    ContentType="application/vnd.apache.parquet",
                    IfNoneMatch="*",
                    Metadata=_metadata(chunk.footer),
                )
            except ClientError as error:
                if is_status(error, 412):
                    return False
                raise
        return True

    def _address(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


def _metadata(footer: ChunkFooter) -> dict[str, str]:
    return {
        "chunk-id": footer.chunk_id,
        "end-sequence-number": str(footer.end.sequence_number),
        "end-sub-sequence": str(footer.end.sub_sequence),
        "rows": str(footer.rows),
        "schema-version": footer.schema_version,
    }


def _footer(key: str, metadata: Mapping[str, str]) -> ChunkFooter:
    first = parse_chunk_key(key).first
    try:
        sequence, sub = int(metadata["end-sequence-number"]), int(metadata["end-sub-sequence"])
        end = first._replace(sequence_number=sequence, sub_sequence=sub)
        footer = ChunkFooter(metadata["chunk-id"], end, int(metadata["rows"]), metadata["schema-version"])
    except (KeyError, ValueError) as error:
        raise _foreign(key) from error
    if footer.end < first:
        raise _foreign(key)
    return footer


def _foreign(key: str) -> PermanentSinkError:
    return PermanentSinkError(
        "an object among the chunks does not say where its chunk ends: find out who wrote it; the shard waits", key=key
    )
