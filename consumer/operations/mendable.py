"""The errors that end a command with one line. Apart from `remedies`, which the consumer needs: this names what it must not import."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError


def mendable() -> tuple[type[Exception], ...]:
    """Return the errors whose message is for the user: it names the cause and, of our own, the remedy."""
    from consumer.bench.errors import BenchRefused
    from consumer.models.errors import ModelStoreError
    from consumer.planning.errors import PlanRefused
    from consumer.scoring.bundle import BundleRefused
    from consumer.scoring.policy import PolicyError
    from consumer.settings import SettingsError
    from consumer.training.errors import TrainingRefused
    from infra.local.errors import LocalEnvironmentError
    from producers.errors import PublishError
    from sinks.errors import SinkError

    ours = (SettingsError, SinkError, LocalEnvironmentError, PublishError, BundleRefused, PolicyError, ModelStoreError)
    return (*ours, TrainingRefused, BenchRefused, PlanRefused, ClientError, BotoCoreError, OSError)
