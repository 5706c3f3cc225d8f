"""Model objects on S3: conditional PUTs, so that nobody overwrites what he has not seen."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from consumer.models.objects import Stored, Tag
from sinks.s3_errors import is_status, translated_s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3ModelObjects:
    """See `ModelObjects`. `client` is a boto3 client for S3; its own retries do no harm."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, key: str) -> Stored | None:
        """See `ModelObjects.read`; one GET."""
        with translated_s3_errors("read", self.address(key)):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            return Stored(answer["Body"].read(), Tag(answer["ETag"]))

    def write(self, key: str, body: bytes, over: Tag | None) -> bool:
        """See `ModelObjects.write`; one PUT, which S3 checks against the body's checksum."""
        condition: Any = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        with translated_s3_errors("write", self.address(key)):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=kind, **condition)
            except ClientError as error:
                if is_status(error, 412) or error.response["Error"]["Code"] == "NoSuchKey":
                    return False
                raise
        return True

    def address(self, key: str) -> str:
        """Return the object's address."""
        return f"s3://{self._bucket}/{key}"
