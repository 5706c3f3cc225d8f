"""Dead letters on S3: one JSON document a refused record, written once by a conditional PUT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

from schemas.dead_letter import DeadLetter
from sinks.dead_letters.documents import document_of, letter_in
from sinks.dead_letters.keys import DEAD_LETTERS_PREFIX, dead_letter_key, is_letter_key, letter_key
from sinks.port import Delivery
from sinks.s3_errors import is_status, translated_s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = structlog.get_logger(__name__)


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
                    Body=document_of(letter),
                    ContentType="application/json",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if not is_status(error, 412):
                    raise

    def find(self, delivery: Delivery) -> DeadLetter | None:
        """See `sinks.port.DeadLetterArchive.find`; one GET."""
        key = letter_key(*delivery)
        with translated_s3_errors("read", self._address(key)):
            try:
                document = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
        return letter_in(document, key)

    def letters(self, prefix: str = DEAD_LETTERS_PREFIX) -> Iterator[DeadLetter]:
        """Yield every letter whose key begins with `prefix`, in order of the keys; one GET each. Raises DamagedLetterError too."""
        for key in self._keys(prefix):
            with translated_s3_errors("read", self._address(key)):
                document = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            yield letter_in(document, key)

    def count(self, prefix: str = DEAD_LETTERS_PREFIX) -> int:
        """Return how many letters there are whose key begins with `prefix`; one LIST a thousand."""
        return sum(1 for _ in self._keys(prefix))

    def _keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of letters. What else stands there is left out, with a warning."""
        foreign = 0
        for key in self._found(prefix):
            if is_letter_key(key):
                yield key
            else:
                foreign += 1
        if foreign:
            _log.warning("foreign_objects_ignored", bucket=self._bucket, prefix=prefix, objects=foreign)

    def _found(self, prefix: str) -> Iterator[str]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with translated_s3_errors("list", self._address(prefix)):
                page = next(pages, None)
            if page is None:
                return
            yield from (found["Key"] for found in page.get("Contents", ()))

    def _address(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
