"""Aggregates through the real daemon: it takes them apart as the audit does, in order, once, also while shards are split and merged."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from consumer.chaos.deployment import Deployment, a_deployment
from consumer.chaos.engine import run_schedule
from consumer.chaos.process_faults import KillDaemon, KillWorker
from consumer.chaos.shard_faults import Split
from consumer.chaos.waiting import wait_until
from infra.local.environment import LocalEnvironment
from producers.aggregation import Aggregation
from producers.background import BackgroundPublisher, BackgroundSettings
from producers.batches import BatchLimits
from producers.kinesis import Progress, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from schemas.aggregate import UserRecord, encode, hash_key_of
from schemas.decision import Decision

pytestmark = [pytest.mark.real, pytest.mark.daemon]

PUBLISHING = PublisherSettings(
    limits=BatchLimits(has_unique_keys=True), aggregation=Aggregation(aggregate_bytes=8_000), give_up_after_s=60.0
)


@dataclass
class Sender:
    """Hands 400 events a second to a background publisher, until its context ends."""

    deployment: Deployment
    records: list[OutgoingRecord] = field(default_factory=list)
    futures: list[Future[PlacedRecord]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sending(self) -> Iterator[BackgroundPublisher]:
        settings = BackgroundSettings(PUBLISHING, linger_s=0.05)
        with BackgroundPublisher(
            self.deployment.kinesis, self.deployment.resources.stream_name, settings=settings
        ) as one:
            thread = threading.Thread(target=self._send, args=(one,))
            thread.start()
            try:
                yield one
            finally:
                self._over.set()
                thread.join()

    def places(self) -> list[PlacedRecord]:
        return [future.result(60) for future in self.futures]

    def wait_sent(self, more: int) -> None:
        enough = len(self.futures) + more
        wait_until(lambda: sum(future.done() for future in self.futures) >= enough, f"{enough} records sent")

    def _send(self, publisher: BackgroundPublisher) -> None:
        while not self._over.wait(0.05):
            for record in self.deployment.records(20):
                self.records.append(record)
                self.futures.append(publisher.submit(record))


def ends_of(places: Sequence[PlacedRecord]) -> dict[str, int]:
    ends: dict[str, int] = defaultdict(int)
    for place in places:
        ends[place.shard_id] = max(ends[place.shard_id], int(place.sequence_number))
    return dict(ends)


def event_of(record: OutgoingRecord) -> tuple[str, str]:
    event = msgspec.json.decode(record.data)
    return event["user_id"], event["transaction_id"]


def in_order_of_places(events: Mapping[tuple[str, str], PlacedRecord]) -> dict[str, list[str]]:
    """Return the transactions of each user in the order in which the stream delivers them: children have later names."""
    order: dict[str, list[str]] = defaultdict(list)
    for user, transaction in sorted(events, key=lambda event: (events[event].shard_id, _within_shard(events[event]))):
        order[user].append(transaction)
    return order


def _within_shard(place: PlacedRecord) -> tuple[int, int]:
    return int(place.sequence_number), place.sub_sequence


def place_of(decision: Decision) -> PlacedRecord:
    return PlacedRecord(decision.shard_id, decision.sequence_number, decision.sub_sequence)


def split_shard(deployment: Deployment, number: int) -> None:
    shard = deployment.open_shards()[number]
    keys = {end: int(key) for end, key in shard["HashKeyRange"].items()}
    middle = (keys["StartingHashKey"] + keys["EndingHashKey"]) // 2
    name = deployment.resources.stream_name
    deployment.kinesis.split_shard(StreamName=name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))


def merge_shards(deployment: Deployment, number: int) -> None:
    pair = [shard["ShardId"] for shard in deployment.open_shards()[number : number + 2]]
    name = deployment.resources.stream_name
    deployment.kinesis.merge_shards(StreamName=name, ShardToMerge=pair[0], AdjacentShardToMerge=pair[1])


def send_and_reshard(sender: Sender) -> Progress:
    """Publish while two shards are split and two merged; the second split and the merge come at once."""
    with sender.sending() as publisher:
        sender.wait_sent(400)
        split_shard(sender.deployment, 1)
        sender.wait_sent(400)
        split_shard(sender.deployment, 0)
        merge_shards(sender.deployment, 3)
        sender.wait_sent(400)
    return publisher.progress


def test_aggregates_sent_while_shards_are_split_and_merged_are_decided_once_and_in_order(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_deployment(local_environment, tmp_path, shards=4) as deployment:
        deployment.consumer.start()
        sender = Sender(deployment)
        progress = send_and_reshard(sender)
        places = sender.places()
        deployment.wait_checkpointed(ends_of(places), 150)
        deployment.wait_told()
        assert deployment.consumer.stop() == 0
        evidence, report = deployment.evidence(), deployment.audit()

    sent: dict[str, list[str]] = defaultdict(list)
    for user, transaction in map(event_of, sender.records):
        sent[user].append(transaction)
    placed = dict(zip(map(event_of, sender.records), places, strict=True))
    decided = {(one.user_id, one.transaction_id): place_of(one) for one in evidence.decisions}
    strayed = {event[0] for event, place in decided.items() if place != placed[event]}
    assert progress.misrouted > 0
    assert progress.stored < progress.records  # how much fuller they are is a matter of pace
    assert max(place.sub_sequence for place in places) > 1
    assert report.is_clean, report.findings
    assert report.is_complete
    assert (report.counts["decided"], report.counts["repeated"]) == (len(sender.records), progress.misrouted)
    assert decided.keys() == placed.keys()
    assert in_order_of_places(placed) == sent
    assert len(strayed) <= progress.misrouted
    in_order = in_order_of_places(decided)
    assert all(in_order[user] == sent[user] for user in sent.keys() - strayed)


def test_aggregates_survive_a_killed_worker_a_split_and_a_killed_daemon(
    local_environment: LocalEnvironment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(what: str) -> None:
        with capsys.disabled():
            print(what)

    with a_deployment(local_environment, tmp_path, shards=2) as deployment:
        deployment.publishing = PublisherSettings(aggregation=Aggregation())
        outcome = run_schedule(deployment, [KillWorker(), Split(), KillDaemon()], seed=7, say=say)

    assert outcome.failures == []
    assert outcome.report is not None
    assert outcome.is_proof, (outcome.report.counts, outcome.report.findings)


def test_an_aggregate_of_two_shards_keys_made_by_somebody_else_loses_nothing(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    """KCL would drop all of it as soon as it knows the shard; the property that switches this off is what this test is for."""
    with a_deployment(local_environment, tmp_path, shards=2) as deployment:
        records = deployment.records(40)
        low = [r for r in records if hash_key_of(r.partition_key) < 1 << 127]
        high = [r for r in records if r not in low]
        mixed = encode([UserRecord(r.data, r.partition_key) for r in (*low[:3], high[0])])
        rest = [*low[3:], *high[1:]]

        deployment.publish([OutgoingRecord(mixed, "any", hash_key=0)])
        places = deployment.publish(rest)
        deployment.consumer.start()
        deployment.wait_checkpointed(ends_of(places))
        deployment.wait_decided(40)
        deployment.consumer.stop()
        report = deployment.audit()

    assert report.is_clean, report.findings
    assert (report.counts["published"], report.counts["decided"], report.counts["in_lake"]) == (40, 40, 40)
