"""What Kinesis answers to PutRecords, read: which records are in, which errors are worth another try, and what the others mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 -- botocore has its own, and it is no OSError
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
)

from producers.errors import CredentialsError, PublishError, RequestRefusedError, StreamMissingError
from producers.records import PlacedRecord

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsOutputTypeDef

_RETRIED = frozenset(
    {
        "InternalFailure",
        "InternalFailureException",
        "InternalServerError",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
    }
)
_CREDENTIALS = frozenset(
    {
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KMSAccessDeniedException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_FIRST_SERVER_ERROR = 500


def read_answer(answer: PutRecordsOutputTypeDef, indexes: Sequence[int]) -> tuple[dict[int, PlacedRecord], str]:
    """Return the places of the records that are in, by their index, and the first cause of failure ("" if none).

    `indexes` name the records of the request in its order; Kinesis answers in the same order. A request may succeed while
    some of its records failed: only their ErrorCode says so.
    """
    placed: dict[int, PlacedRecord] = {}
    cause = ""
    for index, entry in zip(indexes, answer["Records"], strict=True):
        if "SequenceNumber" in entry:
            placed[index] = PlacedRecord(entry["ShardId"], entry["SequenceNumber"])
        else:
            cause = cause or entry.get("ErrorCode", "no sequence number given")
    return placed, cause


def translate(error: ClientError | BotoCoreError, stream_name: str) -> PublishError | None:
    """Return what `error` means for the user, or None where the same request may succeed later."""
    if isinstance(error, ClientError):
        return _translate_answer(error, stream_name)
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError | SSOError):
        return CredentialsError(str(error))
    if isinstance(error, HTTPClientError | ConnectionError):
        return None
    return RequestRefusedError(type(error).__name__, str(error))


def _translate_answer(error: ClientError, stream_name: str) -> PublishError | None:
    code = error.response["Error"].get("Code", "unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _RETRIED or status >= _FIRST_SERVER_ERROR:
        return None
    if code == "ResourceNotFoundException":
        return StreamMissingError(stream_name)
    if code in _CREDENTIALS:
        return CredentialsError(code)
    return RequestRefusedError(code, error.response["Error"].get("Message", ""))
