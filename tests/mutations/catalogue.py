"""Every mutation. A rule that the design states and that is not here is not proved: add it with the test that notices."""

from __future__ import annotations

from tests.mutations import (
    of_alerts,
    of_commits,
    of_labels,
    of_models,
    of_refusals,
    of_replays,
    of_s3,
    of_the_chain,
    of_the_host,
    of_the_ledger,
    of_the_past,
    of_the_worker,
    of_velocity,
    of_verdicts,
)

MUTATIONS = (
    *of_commits.WRITES,
    *of_commits.OWNERS,
    *of_the_ledger.LOOK_UPS,
    *of_the_ledger.PARTITIONS,
    *of_the_ledger.SESSIONS,
    *of_the_ledger.ERRORS,
    *of_the_past.PAST,
    *of_labels.LABELS,
    *of_labels.ROLL_UP,
    *of_the_chain.CHUNKS,
    *of_the_chain.CHECKPOINTS,
    *of_the_chain.ADOPTION,
    *of_s3.ON_S3,
    *of_the_worker.PROTOCOL,
    *of_the_host.PROCESSES,
    *of_verdicts.VERDICTS,
    *of_refusals.DEAD_LETTERS,
    *of_refusals.DECODING,
    *of_refusals.SHARDS,
    *of_replays.REPLAYS,
    *of_alerts.ALERTS,
    *of_models.MODELS,
    *of_models.POLICIES,
    *of_velocity.WINDOWS,
    *of_velocity.REMEMBERED,
)
