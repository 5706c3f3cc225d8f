"""The stream: how many shards a rate takes, and in how many batches its records reach the workers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp

from consumer.planning.demand import Demand
from consumer.planning.limits import (
    ON_DEMAND_BYTES_S,
    ON_DEMAND_LEAST_SHARDS,
    SHARD_BYTES_S,
    SHARD_READ_BYTES_S,
    SHARD_RECORDS_S,
    SHARDS_AN_ACCOUNT,
)
from consumer.planning.use import Use

KEY_BYTES = 20
"""A user id: Kinesis counts the partition key with the data."""
SHARD_FILL = 0.7
"""Users are not spread evenly over shards; a shard's limit is reached by its busiest second."""
FAN_OUT_MS = 70
"""How far apart pushes of a busy shard lie, about: AWS promises some 70 ms from put to reader. An estimate."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Shards, and what of them the peak takes. `batches_s` are records' batches of all shards, `reads_s` all reads, empty ones too."""

    shards: int
    batches_s: float
    reads_s: float
    uses: tuple[Use, ...]

    @property
    def batch(self) -> float:
        """Records in a batch at the peak, in the mean."""
        return self.uses[0].used * self.shards / self.batches_s


def stream_for(demand: Demand) -> Stream:
    """Size the stream for the peak.

    Provisioned: shards = ceil(max(peak / 1,000 records/s, peak x (event + key) / 1 MB/s) / 0.7). On demand Kinesis chooses: room
    for twice the peak, 4 shards at least. Limits: consumer.planning.limits.
    """
    shards = shards_for(demand)
    per_shard = demand.peak / shards
    bytes_s = per_shard * (demand.event_bytes + KEY_BYTES)
    uses = (
        Use("records into a shard", per_shard, SHARD_RECORDS_S, "records/s", SHARD_FILL),
        Use("bytes into a shard", bytes_s / 1e6, SHARD_BYTES_S / 1e6, "MB/s", SHARD_FILL),
        Use("bytes out of a shard", bytes_s / 1e6, SHARD_READ_BYTES_S / 1e6, "MB/s"),
        _whole_stream(demand, shards),
    )
    reads_s = shards * 1000 / (FAN_OUT_MS if demand.is_fan_out else demand.poll_ms)
    return Stream(shards, batches_s(demand.peak, reads_s), reads_s, uses)


def shards_for(demand: Demand) -> int:
    """Return the shards of a stream as `stream_for` describes them."""
    by_records = demand.peak / SHARD_RECORDS_S
    by_bytes = demand.peak * (demand.event_bytes + KEY_BYTES) / SHARD_BYTES_S
    if demand.shards_mode == "on-demand":
        return max(ON_DEMAND_LEAST_SHARDS, 2 * ceil(max(by_records, by_bytes)))
    return max(1, ceil(max(by_records, by_bytes) / SHARD_FILL))


def batches_s(records_s: float, reads_s: float) -> float:
    """Return how many of `reads_s` reads a second find something, where records arrive at random: reads x (1 - e^(-records / reads))."""
    return reads_s * (1 - exp(-records_s / reads_s))


def _whole_stream(demand: Demand, shards: int) -> Use:
    if demand.shards_mode == "provisioned":
        return Use("shards of the account", shards, SHARDS_AN_ACCOUNT, "shards")
    bytes_s = demand.peak * (demand.event_bytes + KEY_BYTES)
    return Use("bytes into the stream", bytes_s / 1e6, ON_DEMAND_BYTES_S / 1e6, "MB/s")
