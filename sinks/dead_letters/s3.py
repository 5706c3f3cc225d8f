"""Dead letters on S3: one JSON document a refused record, written once by a conditional PUT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from schemas.dead_letter import DeadLetter
from sinks.dead_letters.keys import DEAD_LETTERS_PREFIX, dead_letter_key
from sinks.s3_errors import is_status, translated_s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3DeadLetters:
    """Letters in one bucket. `client` is a boto3 client for S3. Every method raises TransientSinkError or PermanentSinkError."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, letter: DeadLetter) -> None:
        """Store the letter unless its position has one already: whoever wrote it, the first one stands."""
        key = dead_letter_key(letter)
        with translated_s3_errors("write", self._address(key)):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=letter.model_dump_json(by_alias=True).encode(),
                    ContentType="application/json",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if not is_status(error, 412):
                    raise

    def letters(self, prefix: str = DEAD_LETTERS_PREFIX) -> Iterator[DeadLetter]:
        """Yield every letter whose key begins with `prefix`, in order of the keys; one GET each."""
        for key in self._keys(prefix):
            with translated_s3_errors("read", self._address(key)):
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            yield DeadLetter.model_validate_json(body)

    def count(self, prefix: str = DEAD_LETTERS_PREFIX) -> int:
        """Return how many letters there are whose key begins with `prefix`; one LIST a thousand."""
        return sum(1 for _ in self._keys(prefix))

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with translated_s3_errors("list", self._address(prefix)):
                page = next(pages, None)
            if page is None:
                return
            yield from (found["Key"] for found in page.get("Contents", ()))

    def _address(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
