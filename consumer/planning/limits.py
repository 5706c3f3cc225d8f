"""What AWS allows, as numbers with their pages. Read 2026-11-21; a quota that can be raised says so where it is used."""

from __future__ import annotations

SHARD_RECORDS_S = 1_000
SHARD_BYTES_S = 1_000_000
"""What a shard takes: docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html ("1 MB", taken for 10^6: the careful way)."""
SHARD_READ_BYTES_S = 2_000_000
"""What a shard gives to all its polling readers together; a fan-out reader has as much for itself. Same page."""
SHARDS_AN_ACCOUNT = 20_000
"""Default quota in us-east-1, us-west-2, eu-west-1; can be raised. Same page."""
ON_DEMAND_BYTES_S = 10_000_000_000
"""What a stream on demand grows to by itself in those regions. Same page."""
ON_DEMAND_LEAST_SHARDS = 4
"""A new stream on demand takes 4 MB/s; it keeps room for twice the peak of the last 30 days. Same page."""
PUT_UNIT_BYTES = 25_000
ROUNDED_BYTES = 1_024
"""Records on demand are billed rounded up to 1 KB: aws.amazon.com/kinesis/data-streams/pricing/."""

FARGATE: tuple[tuple[float, tuple[int, ...]], ...] = (
    (0.25, (1, 2)),
    (0.5, (1, 2, 3, 4)),
    (1, tuple(range(2, 9))),
    (2, tuple(range(4, 17))),
    (4, tuple(range(8, 31))),
    (8, tuple(range(16, 61, 4))),
    (16, tuple(range(32, 121, 8))),
)
"""vCPU and the GB of memory allowed with it (0.5 GB with 0.25 vCPU, too small for Java and a worker, left out):
docs.aws.amazon.com/AmazonECS/latest/userguide/task-cpu-memory-error.html."""
TASKS_AT_MOST = 50
"""Not AWS's limit but ours: the autoscaling range of the consumer's service."""

GP3_SMALL_GIB = 399
"""Up to here gp3 has 3,000 IOPS and 125 MiB/s, and neither can be raised; from 400 GiB on it has four disks.
docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html, as the next ones."""
GP3_SMALL_IOPS, GP3_SMALL_MIB_S = 3_000, 125
GP3_IOPS, GP3_MIB_S = 12_000, 500
GP3_MOST_IOPS, GP3_MOST_MIB_S = 64_000, 4_000
RDS_LEAST_GIB, RDS_MOST_GIB = 20, 65_536
PAGE_BYTES = 8_192
REQUEST_BYTES = 262_144
"""A request to a gp3 disk holds so much at most, and counts once: EBS user guide."""

S3_PUTS_S = 3_500
"""PUT requests a second and partitioned prefix: docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html."""
SNS_MESSAGES_S = 30_000
"""Messages a second and account in us-east-1, standard topics; can be raised (from experience; the page of quotas is
docs.aws.amazon.com/general/latest/gr/sns.html)."""
