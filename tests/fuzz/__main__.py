"""`python -m tests.fuzz --seed 1 --count 100000`: a campaign with its figures; `--show` prints single cases instead of running them."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import structlog

from consumer.auditing.objects import Bucket
from infra.local.environment import LocalEnvironment
from tests.contract.databases import migrated_database
from tests.effects import audited, effects_of
from tests.fuzz.campaign import Campaign, Timed, sinks_in
from tests.fuzz.cases import case_of, cases
from tests.fuzz.judgement import Judgement, judge

_SLOWEST = 5
_LIMIT_MS = 50


def main() -> int:
    """Run what the command line asks for; exit code 1 if a record has no verdict or a wrong effect."""
    asked = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if asked.show:
        for number in range(asked.first, asked.first + asked.count):
            print(case_of(asked.seed[0], number))
        return 0
    return max(run(seed, asked.count, asked.first) for seed in asked.seed)


def run(seed: int, count: int, first: int) -> int:
    """Run one campaign in an environment of its own and print what became of it."""
    with (
        tempfile.TemporaryDirectory(prefix="fraudstream-fuzz-") as folder,
        LocalEnvironment(Path(folder), database=False) as local,
    ):
        database_url, bucket, s3 = migrated_database(), f"fuzz-{uuid4()}", local.client("s3")
        sinks = sinks_in(database_url, s3, bucket)
        campaign, start = Campaign(sinks, seed), time.monotonic()
        campaign.run(cases(seed, count, first))
        elapsed_s = time.monotonic() - start
        effects = effects_of(database_url, Bucket(s3, bucket), sinks.dead_letters.letters())
        judgement = judge(campaign.published, effects)
        judgement.faults += audited(campaign.published, campaign.checkpoints(), effects)
        sinks.ledger.close()
    print(
        f"seed {seed}: {len(campaign.published):,} records in {elapsed_s:.0f} s, {len(campaign.published) / elapsed_s:,.0f} a second"
    )
    _print(judgement, campaign.times, seed)
    return 1 if judgement.faults else 0


def _print(judgement: Judgement, times: list[Timed], seed: int) -> None:
    for verdict, number in judgement.verdicts.most_common():
        print(f"  {verdict:<26} {number:>9,}")
    slowest = sorted(times, reverse=True)
    shares = ", ".join(
        f"p{100 * share:g} {slowest[int(len(slowest) * (1 - share))].millis:.2f}" for share in (0.5, 0.99, 0.999)
    )
    print(f"  CPU time to decode and mask one record, ms: {shares}, max {slowest[0].millis:.1f}")
    print(f"  over {_LIMIT_MS} ms: {sum(timed.millis > _LIMIT_MS for timed in times)}; the slowest:")
    for timed in slowest[:_SLOWEST]:
        case = case_of(seed, timed.number)
        print(f"    {timed.millis:6.1f} ms  case {timed.number}, {len(case.data):,} bytes: {', '.join(case.mutations)}")
    for fault in judgement.faults:
        print(f"  ! {fault}")
    print(
        f"  {len(judgement.faults)} faults; python -m tests.fuzz --seed {seed} --first NUMBER --count 1 --show prints a case"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
