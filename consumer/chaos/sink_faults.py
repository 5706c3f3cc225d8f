"""Faults of the sinks in AWS: S3 and SNS, refused, slow, lost, in part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consumer.chaos.aws_fault import AwsFault
from consumer.chaos.deployment import Deployment
from consumer.chaos.fault import between, one_of

_READ_TIMEOUT_S = 20.0
"""After which our S3 client gives an answer up."""


@dataclass(frozen=True, slots=True)
class S3Fault(AwsFault):
    """Every PUT, or some, into the lake or the dead letters fails."""

    share: float = one_of(1.0, 0.5)
    bucket: str = one_of("lake", "dead_letter")

    def put(self, deployment: Deployment, **how: Any) -> dict[str, Any]:
        """Return a fault of PutObject."""
        bucket = getattr(deployment.resources, f"{self.bucket}_bucket")
        return {"service": "s3", "operation": "PutObject", "resource": bucket, "share": self.share, **how}


@dataclass(frozen=True, slots=True)
class S3InternalError(S3Fault):
    """S3 answers PUTs with 500."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.put(deployment, effect="error", status=500, code="InternalError")


@dataclass(frozen=True, slots=True)
class S3SlowDown(S3Fault):
    """S3 answers PUTs with 503 SlowDown."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.put(deployment, effect="error", status=503, code="SlowDown")


@dataclass(frozen=True, slots=True)
class S3Conflict(S3Fault):
    """S3 answers conditional PUTs with 409, as it does while another one is under way."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.put(deployment, effect="error", status=409, code="ConditionalRequestConflict")


@dataclass(frozen=True, slots=True)
class S3AnswerLost(S3Fault):
    """PUTs land, the answer is 500: the client tries again and gets 412 for its own object."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.put(deployment, effect="lost_answer", status=500, code="InternalError", times=4)


@dataclass(frozen=True, slots=True)
class S3Slow(S3Fault):
    """PUTs take seconds."""

    delay_s: float = between(0.5, 3)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.put(deployment, effect="slow", delay_s=self.delay_s)


@dataclass(frozen=True, slots=True)
class S3TimeoutLanded(AwsFault):
    """A PUT lands after its client has given up waiting and tried again."""

    usual_s = 35.0
    seconds: float = between(_READ_TIMEOUT_S + 4, _READ_TIMEOUT_S + 6)
    delay_s: float = between(_READ_TIMEOUT_S + 1, _READ_TIMEOUT_S + 3)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`. It lasts until the late PUT has landed, so that nobody is killed meanwhile."""
        lake = deployment.resources.lake_bucket
        slow = {"effect": "slow", "delay_s": self.delay_s, "times": 1}
        return {"service": "s3", "operation": "PutObject", "resource": lake, **slow}


@dataclass(frozen=True, slots=True)
class SnsFault(AwsFault):
    """Publishing alerts fails; decisions must not notice, recovery is the next alert told."""

    sign = "alerts"
    recovers_within_s = 150.0

    def publish(self, deployment: Deployment, **how: Any) -> dict[str, Any]:
        """Return a fault of PublishBatch."""
        return {"service": "sns", "operation": "PublishBatch", "resource": deployment.resources.topic_arn, **how}


@dataclass(frozen=True, slots=True)
class SnsThrottled(SnsFault):
    """SNS throttles."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.publish(deployment, effect="error", code="Throttled", share=0.8)


@dataclass(frozen=True, slots=True)
class SnsPartlyFailed(SnsFault):
    """SNS answers 200 with some entries among the failed."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.publish(deployment, effect="partial", code="InternalError", share=0.5)


@dataclass(frozen=True, slots=True)
class SnsAway(SnsFault):
    """SNS hangs up on every request, for some time."""

    usual_s = 30.0
    seconds: float = between(8, 15)

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.publish(deployment, effect="hang_up")


@dataclass(frozen=True, slots=True)
class SnsAnswerLost(SnsFault):
    """SNS delivers, the answer is 500: the same alert goes out again, under the same alert_id."""

    def members(self, deployment: Deployment) -> dict[str, Any]:
        """See `AwsFault`."""
        return self.publish(deployment, effect="lost_answer", status=500, code="InternalError", times=3)
