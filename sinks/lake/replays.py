"""The rows of replayed dead letters, each in an object of its own beside the chunks, written once by a conditional PUT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from schemas.decision import Decision
from schemas.lake import LAKE_SCHEMA_VERSION
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.lake.keys import replay_key
from sinks.lake.parquet import encode
from sinks.s3_errors import is_status, translated_s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ORIGIN = "dead-letter-replay"


class S3ReplayLake:
    """A `sinks.port.ReplayLake` in one bucket. `client` is a boto3 client for S3; its own retries do no harm."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, row: Decision) -> None:
        """See `sinks.port.ReplayLake.put`. A 412 is followed by a HEAD: an earlier try landed, or another replay of the same letter."""
        key = replay_key(row.arrival_time.date(), row.position)
        if self._is_stored(key, row):
            return
        with translated_s3_errors("look at", self._address(key)):
            try:
                standing = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if is_status(error, 404):
                    raise TransientSinkError(
                        "S3 says that the key is taken, and that nothing is there", key=key
                    ) from error
                raise
        if standing["Metadata"].get("origin") != _ORIGIN:
            raise PermanentSinkError(f"{self._address(key)} is not of a replay: find out who wrote it", key=key)

    def _is_stored(self, key: str, row: Decision) -> bool:
        with translated_s3_errors("write", self._address(key)):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=encode([row]),
                    ContentType="application/vnd.apache.parquet",
                    IfNoneMatch="*",
                    Metadata={"origin": _ORIGIN, "rows": "1", "schema-version": LAKE_SCHEMA_VERSION},
                )
            except ClientError as error:
                if is_status(error, 412):
                    return False
                raise
        return True

    def _address(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
