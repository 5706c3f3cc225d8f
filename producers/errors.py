"""Every error that publishing may raise, on one page. Each names the cause and the remedy; facts are attributes."""

from __future__ import annotations


class PublishError(Exception):
    """Publishing failed. Records whose places were returned are in the stream; the rest may or may not be (at least once)."""


class RecordTooLargeError(PublishError):
    """A record that the stream cannot take."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"a record has {size_bytes} bytes, key included; the stream takes {limit_bytes}: send less, "
            "or raise MaxRecordSizeInKiB of the stream and of the publisher"
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class StreamMissingError(PublishError):
    """The stream does not exist at this endpoint."""

    def __init__(self, stream_name: str) -> None:
        super().__init__(
            f"there is no stream {stream_name!r} at this endpoint and region: create it, "
            "or check --stream, AWS_REGION and AWS_ENDPOINT_URL"
        )
        self.stream_name = stream_name


class CredentialsError(PublishError):
    """Who we are is unknown, expired or not allowed to write."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"not allowed to publish ({cause}): check the credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY) and that their policy allows kinesis:PutRecords, and to aggregate kinesis:ListShards"
        )
        self.cause = cause


class EndpointError(PublishError):
    """Nobody answers at the endpoint."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"cannot reach Kinesis ({cause}): check AWS_ENDPOINT_URL and AWS_REGION; "
            "for the local environment start `fraudstream up` first"
        )
        self.cause = cause


class RequestRefusedError(PublishError):
    """Kinesis refuses the request as it is; sending it again cannot help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(
            f"Kinesis refuses the request ({code}: {message}): this is not retried, because it cannot help"
        )
        self.code = code


class NoProgressError(PublishError):
    """For too long not one record got through."""

    def __init__(self, waiting: int, seconds: float, cause: str) -> None:
        super().__init__(
            f"{waiting} records did not get through within {seconds:g} s (last answer: {cause}): add shards if the stream "
            "is throttled (1,000 records or 1 MiB a second and shard), or let the publisher wait longer"
        )
        self.waiting = waiting
        self.cause = cause


class BackPressureError(PublishError):
    """More is handed in than the stream takes."""

    def __init__(self, most_waiting: int, wait_s: float) -> None:
        super().__init__(
            f"{most_waiting} records wait to be published and none was done within {wait_s:g} s: come back later, "
            "add shards if the stream is throttled, or raise most_waiting and wait_s"
        )
        self.most_waiting = most_waiting


class PublisherClosedError(PublishError):
    """The publisher was closed before the record was acknowledged."""

    def __init__(self) -> None:
        super().__init__("the publisher was closed before the record was acknowledged: publish it again elsewhere")


class FileFormatError(PublishError):
    """The file is none that can be published."""
