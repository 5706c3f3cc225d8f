"""AWS clients by the settings: boto3's own for AWS, localstack-client's where an endpoint stands in for it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from consumer.settings import Settings, SettingsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 3},
    s3={"addressing_style": "path"},
)
"""Short patience here: what waits for ever waits in one place, with a heartbeat."""


class AwsClients:
    """Makes each client once. A client made before a fork may be used after it, if no call was made before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def kinesis(self) -> KinesisClient:
        """Kinesis."""
        return self._client("kinesis")  # type: ignore[no-any-return]

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB, for the lease table."""
        return self._client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def s3(self) -> S3Client:
        """S3."""
        return self._client("s3")  # type: ignore[no-any-return]

    @cached_property
    def sns(self) -> SNSClient:
        """SNS."""
        return self._client("sns")  # type: ignore[no-any-return]

    @cached_property
    def sqs(self) -> SQSClient:
        """SQS, for the alerts that an audit collects."""
        return self._client("sqs")  # type: ignore[no-any-return]

    @cached_property
    def secretsmanager(self) -> Any:
        """Secrets Manager, for the pepper of API keys."""
        return self._client("secretsmanager")

    def _client(self, service: str) -> Any:
        return self._session.client(service, config=_CONFIG)

    @cached_property
    def _session(self) -> Any:
        if self._settings.endpoint_url is None:
            return boto3.Session(region_name=self._settings.region)
        return _local_session(self._settings.endpoint_url, self._settings.region)


def _local_session(endpoint_url: str, region: str) -> Any:
    try:
        from localstack_client.session import Session
    except ImportError:
        raise SettingsError(
            f"an emulator is set as endpoint ({endpoint_url}), which needs the extra `local`: pip install 'fraudstream[local]'"
        ) from None
    return Session("test", "test", region_name=region, localstack_host=urlsplit(endpoint_url).netloc)
