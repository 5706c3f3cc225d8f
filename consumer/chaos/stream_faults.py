"""Faults of the stream and its leases in AWS: Kinesis and DynamoDB, throttled, away, expired, in part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consumer.chaos.aws_fault import AwsFault
from consumer.chaos.deployment import Deployment
from consumer.chaos.fault import FaultNotFiredError, Scene, between, one_of


def _lease_table(deployment: Deployment) -> str:
    """Return what names the lease table, and neither of KCL's other two, whose names go on after it."""
    return f"{deployment.variables['FRAUDSTREAM_APPLICATION_NAME']}\n"


@dataclass(frozen=True, slots=True)
class CheckpointsThrottled(AwsFault):
    """DynamoDB throttles checkpoints and lease renewals."""

    usual_s = 20.0
    share: float = one_of(0.9, 0.5)
    code: str = one_of("ProvisionedThroughputExceededException", "ThrottlingException")

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        table = _lease_table(deployment)
        how = {"effect": "error", "code": self.code, "share": self.share}
        return {"service": "dynamodb", "operation": "UpdateItem", "resource": table, **how}


@dataclass(frozen=True, slots=True)
class DynamodbAway(AwsFault):
    """DynamoDB answers 500 to everything about the lease table: leases run out meanwhile."""

    usual_s = 25.0
    seconds: float = between(4, 10)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        table = _lease_table(deployment)
        how = {"effect": "error", "status": 500, "code": "InternalServerError"}
        return {"service": "dynamodb", "resource": table, **how}


@dataclass(frozen=True, slots=True)
class KinesisFault(AwsFault):
    """Reading the stream fails."""

    def read(self, deployment: Deployment, **how: Any) -> dict[str, Any]:
        """Return a fault of GetRecords."""
        stream = deployment.resources.stream_name
        return {"service": "kinesis", "operation": "GetRecords", "resource": stream, "effect": "error", **how}


@dataclass(frozen=True, slots=True)
class KinesisThrottled(KinesisFault):
    """Kinesis throttles GetRecords."""

    share: float = one_of(1.0, 0.5)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.read(deployment, code="ProvisionedThroughputExceededException", share=self.share)


@dataclass(frozen=True, slots=True)
class KinesisFailing(KinesisFault):
    """Kinesis answers GetRecords with 500."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.read(deployment, status=500, code="InternalFailure")


@dataclass(frozen=True, slots=True)
class IteratorsExpired(KinesisFault):
    """Shard iterators have expired."""

    times: int = one_of(2, 5, 10)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.read(deployment, code="ExpiredIteratorException", times=self.times)


@dataclass(frozen=True, slots=True)
class PutsPartlyFailed(AwsFault):
    """PutRecords refuses some records of a request, so that the producer sends them again, behind later ones."""

    share: float = between(0.1, 0.5)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        stream = deployment.resources.stream_name
        how = {"effect": "partial", "code": "ProvisionedThroughputExceededException", "share": self.share}
        return {"service": "kinesis", "operation": "PutRecords", "resource": stream, **how}

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        before = scene.traffic.retried
        struck = AwsFault.strike(self, scene)
        if scene.traffic.retried == before:
            raise FaultNotFiredError("the producer did not send a record again")
        return f"{struck}; {scene.traffic.retried - before} records sent again"
