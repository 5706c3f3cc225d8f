"""KCL's leader lock against the embedded DynamoDB; the item is what KCL 3.1.3 writes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from consumer.kinesis.leader_lock import release_leader
from infra.local.environment import LocalEnvironment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.real
KEY = {"key": {"S": "Leader"}}


@pytest.fixture(scope="module")
def dynamodb(local_environment: LocalEnvironment) -> DynamoDBClient:
    return local_environment.client("dynamodb")


@pytest.fixture
def application(dynamodb: DynamoDBClient) -> str:
    """An application whose leader is worker-1."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=f"{name}-CoordinatorState",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    put_lock(dynamodb, name, "worker-1", "v1")
    return name


def put_lock(dynamodb: DynamoDBClient, application: str, owner: str, version: str) -> None:
    item: Any = {
        **KEY,
        "ownerName": {"S": owner},
        "recordVersionNumber": {"S": version},
        "leaseDuration": {"S": "120000"},
    }
    dynamodb.put_item(TableName=f"{application}-CoordinatorState", Item=item)


def has_lock(dynamodb: DynamoDBClient, application: str) -> bool:
    return "Item" in dynamodb.get_item(TableName=f"{application}-CoordinatorState", Key=KEY)


class RenewedMeanwhile:
    """DynamoDB, where the leader renews its lock right after somebody read it."""

    def __init__(self, dynamodb: DynamoDBClient, application: str) -> None:
        self._dynamodb, self._application = dynamodb, application
        self.exceptions = dynamodb.exceptions
        self.delete_item: Callable[..., Any] = dynamodb.delete_item

    def get_item(self, **request: Any) -> Any:
        answer = self._dynamodb.get_item(**request)
        put_lock(self._dynamodb, self._application, "worker-1", "v2")
        return answer


def test_the_lock_of_our_own_dead_daemon_is_given_back(dynamodb: DynamoDBClient, application: str) -> None:
    assert release_leader(dynamodb, application, "worker-1")
    assert not has_lock(dynamodb, application)
    assert not release_leader(dynamodb, application, "worker-1")


def test_the_lock_of_another_worker_stays(dynamodb: DynamoDBClient, application: str) -> None:
    assert not release_leader(dynamodb, application, "worker-2")
    assert has_lock(dynamodb, application)


def test_a_lock_that_was_renewed_since_it_was_read_stays(dynamodb: DynamoDBClient, application: str) -> None:
    assert not release_leader(RenewedMeanwhile(dynamodb, application), application, "worker-1")
    assert has_lock(dynamodb, application)


def test_an_application_that_never_ran_has_no_lock(dynamodb: DynamoDBClient) -> None:
    assert not release_leader(dynamodb, "never-ran", "worker-1")
