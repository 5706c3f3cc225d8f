"""What the embedded AWS is told to get wrong, as a fault: injected until it has struck, then for its time."""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from consumer.chaos.deployment import Deployment
from consumer.chaos.fault import Fault, Scene, between, last, one_of
from infra.local.aws import faults as aws

_SEEDS = tuple(range(1000))


@dataclass(frozen=True, slots=True)
class AwsFault(Fault):
    """Injected until it has struck, and for `seconds` more."""

    seconds: float = between(3, 8)
    seed: int = one_of(*_SEEDS)

    @abstractmethod
    def members(self, deployment: Deployment) -> dict[str, Any]:
        """Return what the fault says, but its name and seed."""

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        deployment = scene.deployment
        told: dict[str, Any] = {"status": 400, **self.members(deployment)}
        fault = aws.Fault(name=f"{deployment.name}-{self.kind()}", seed=self.seed, **told)
        with deployment.environment.faults.injected(fault) as injection:
            scene.require(lambda: injection.fired() > 0, f"a request of {fault.operation or fault.service}")
            scene.begins()
            last(self.seconds, time.monotonic())
        scene.ends()
        return f"struck {injection.fired()} of {injection.matched()} requests"
