"""What to do about AWS's answers that a user can mend."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

_BY_CODE = {
    "ResourceNotFoundException": "create it, or name another with FRAUDSTREAM_STREAM_NAME or FRAUDSTREAM_APPLICATION_NAME",
    "NoSuchBucket": "create it, or name another with FRAUDSTREAM_LAKE_BUCKET, FRAUDSTREAM_DEAD_LETTER_BUCKET or FRAUDSTREAM_MODEL_BUCKET",
    "AWS.SimpleQueueService.NonExistentQueue": "subscribe a queue to the topic and name it with FRAUDSTREAM_ALERT_QUEUE_URL",
    "QueueDoesNotExist": "subscribe a queue to the topic and name it with FRAUDSTREAM_ALERT_QUEUE_URL",
    "AccessDenied": "the role lacks this permission",
    "AccessDeniedException": "the role lacks this permission",
    "UnrecognizedClientException": "check the AWS credentials and FRAUDSTREAM_REGION",
    "ExpiredTokenException": "fetch fresh AWS credentials",
}


def with_remedy(error: Exception) -> str:
    """Return the error's message and, where there is one, the remedy."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    remedy = _remedy(error)
    return f"{error}; {remedy}" if remedy else str(error) or type(error).__name__


def _remedy(error: Exception) -> str | None:
    if isinstance(error, ClientError):
        return _BY_CODE.get(error.response.get("Error", {}).get("Code", ""))
    if isinstance(error, NoCredentialsError):
        return "give AWS credentials, or add --local to use the environment that `fraudstream up` started here"
    if isinstance(error, EndpointConnectionError):
        return "is the local environment still running? Otherwise check AWS_ENDPOINT_URL and the network"
    return "check the AWS settings" if isinstance(error, BotoCoreError) else None
