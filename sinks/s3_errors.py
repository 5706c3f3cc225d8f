"""Where botocore's errors become the project's: what passes by itself, what needs a person, and what the person should do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

from sinks.errors import PermanentSinkError, TransientSinkError

_UNREACHABLE = (
    HTTPClientError,
    BotoConnectionError,
    ResponseParserError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)
_TRANSIENT_STATUSES = frozenset({408, 409, 429})
_TRANSIENT_CODES = frozenset(
    {
        "BadDigest",  # the body changed on its way
        "ExpiredToken",
        "RequestTimeTooSkewed",
        "RequestTimeout",  # S3's word for a body that stopped arriving; its status is 400
        "SlowDown",
        "Throttling",
        "ThrottlingException",  # KMS, through S3, with status 400
        "XAmzContentChecksumMismatch",
    }
)
_REMEDIES = {
    "NoSuchBucket": "create the bucket or correct its name in the settings",
    "AccessDenied": "grant the role s3:PutObject, s3:GetObject and s3:ListBucket on it, and the bucket's KMS key",
    "InvalidAccessKeyId": "check the credentials",
    "SignatureDoesNotMatch": "check the credentials",
    "PermanentRedirect": "set the bucket's region",
}


def is_status(error: ClientError, status: int) -> bool:
    """Whether S3 answered with this HTTP status."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"] == status


@contextmanager
def translated_s3_errors(action: str, place: str) -> Iterator[None]:
    """Raise TransientSinkError for what may pass by itself, PermanentSinkError for all else that botocore raises.

    `action` is a verb, `place` a bucket or an address in one, for the message.
    """
    try:
        yield
    except ClientError as error:
        _raise_refusal(error, action, place)
    except _UNREACHABLE as error:
        raise TransientSinkError(f"S3 cannot be reached to {action} {place}: {error}", place=place) from error
    except BotoCoreError as error:
        raise PermanentSinkError(f"S3 cannot be asked to {action} {place}: {error}", place=place) from error


def _raise_refusal(error: ClientError, action: str, place: str) -> NoReturn:
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status >= 500 or status in _TRANSIENT_STATUSES or code in _TRANSIENT_CODES:  # noqa: PLR2004
        raise TransientSinkError(f"S3 is busy ({code}): cannot {action} {place} now", place=place, code=code) from error
    remedy = _REMEDIES.get(code) or _REMEDIES.get({403: "AccessDenied", 404: "NoSuchBucket"}.get(status, ""))
    raise PermanentSinkError(
        f"S3 refuses to {action} {place} ({code}): {remedy or 'see the cause'}", place=place, code=code
    ) from error
