"""KCL's leader lock, given back for a daemon that was killed: it would be held for two minutes more, and only a leader assigns leases.

Kept apart because it writes in KCL's place, as the warm start does: one item, and only where it is certainly our own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

_LEADER = {"key": {"S": "Leader"}}


class DynamoDB(Protocol):
    """What is used of boto3's DynamoDB client."""

    @property
    def exceptions(self) -> Any:
        """Hold the client's exception classes."""

    @property
    def get_item(self) -> Callable[..., Any]:
        """Give the item, if there is one; raise ResourceNotFoundException where there is no such table."""

    @property
    def delete_item(self) -> Callable[..., Any]:
        """Raise ConditionalCheckFailedException where the condition does not hold."""


def release_leader(dynamodb: DynamoDB, application_name: str, worker_id: str) -> bool:
    """Delete the lock where the last daemon under `worker_id` held it; return whether it did.

    Call it only while no daemon runs under this worker id (the caller holds `WorkerIdLock`, and reaped the last one) or while the next
    one is still starting. Its holder renews the lock under a new version every few seconds: a lock that was taken or renewed since it was
    read stays. Whoever deletes a lock wrongly costs its holder the lead, nothing else: every lease is guarded by its own condition.
    """
    table = f"{application_name}-CoordinatorState"
    try:
        item = dynamodb.get_item(TableName=table, Key=_LEADER, ConsistentRead=True).get("Item", {})
        if item.get("ownerName", {}).get("S") != worker_id:
            return False
        dynamodb.delete_item(
            TableName=table,
            Key=_LEADER,
            ConditionExpression="ownerName = :owner and recordVersionNumber = :version",
            ExpressionAttributeValues={":owner": {"S": worker_id}, ":version": item["recordVersionNumber"]},
        )
    except (dynamodb.exceptions.ResourceNotFoundException, dynamodb.exceptions.ConditionalCheckFailedException):
        return False
    return True
