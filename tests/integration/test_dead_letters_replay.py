"""Dead letters of a real system, replayed by operators who are killed, interrupted and two at a time; the audit judges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consumer.batch import Reader
from consumer.chaos.deployment import Deployment, a_deployment
from consumer.clients import AwsClients
from consumer.deciding import Decider
from consumer.replay import Replayer
from infra.local.environment import LocalEnvironment
from producers.records import OutgoingRecord
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.lake.replays import S3ReplayLake
from sinks.ledger.replays import PostgresReplayLedger
from sinks.port import Delivery
from tests.pipeline_builders import SCORER
from tests.scoring_builders import EVENT_BUNDLE

pytestmark = [pytest.mark.real, pytest.mark.daemon]

VALID, OLD, BAD = 60, 120, 3
A_MONTH_AGO = (datetime.now(UTC) - timedelta(days=30)).isoformat()
RISKY = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator"},
}
STEPS = [*product(("look_up", "decide", "put", "resolve"), ("before", "after"))]
MODEL = {"FRAUDSTREAM_MODEL_BUNDLE": str(EVENT_BUNDLE)}
ANY_TIME = {"FRAUDSTREAM_EVENT_TIME_CHECK": "false", **MODEL}
COMMAND = (sys.executable, "-m", "consumer.cli", "dead-letters")


class Died(BaseException):
    """The process is gone; nothing catches that."""


class Dying:
    """A sink whose process dies before or after one call of `method`."""

    def __init__(self, sink: object, method: str, when: str) -> None:
        self._sink, self._method, self._when = sink, method, when

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._sink, name)
        if name != self._method:
            return call

        def die(*arguments: Any) -> None:
            if self._when == "after":
                call(*arguments)
            raise Died

        return die


@contextmanager
def a_dying_replayer(system: Deployment, method: str, when: str) -> Iterator[Replayer]:
    settings = system.settings
    s3 = AwsClients(settings).s3
    with closing(PostgresReplayLedger(settings.dsn(), dedup_horizon=settings.dedup_horizon)) as ledger:
        dying: Any = Dying(ledger, method, when)
        lake: Any = Dying(S3ReplayLake(s3, settings.lake_bucket), method, when)
        letters = S3DeadLetters(s3, settings.dead_letter_bucket)
        decider = Decider(SCORER, "test", settings.dedup_horizon)
        yield Replayer(
            dying, lake, letters, decider, Reader(bounds=None), lambda call: call(), lambda: datetime.now(UTC)
        )


def an_old_event(system: Deployment, number: int) -> OutgoingRecord:
    event = {
        "transaction_id": f"{system.name}-old-{number}",
        "timestamp": A_MONTH_AGO,
        "user_id": f"u-{number % 7}",
        "amount": 12.5,
        **(RISKY if number % 5 == 0 else {}),
    }
    return OutgoingRecord(msgspec.json.encode(event), f"u-{number % 7}")


def unresolved(system: Deployment) -> list[Delivery]:
    stored = [one for one in system.reader.refusals_by_arrival() if one.resolved_at is None]
    is_old = "event_time_out_of_bounds"
    return [Delivery(s.refusal.position, s.refusal.arrival_time) for s in stored if s.refusal.reason == is_old]


def start(system: Deployment, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, **system.variables, **variables}
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=pipe, stderr=pipe, text=True)


def run(system: Deployment, *arguments: str, **variables: str) -> tuple[int, str, str]:
    process = start(system, *arguments, **variables)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def stop_after_first_line(system: Deployment, how: signal.Signals) -> tuple[int, str, str]:
    process = start(system, "replay", "--where", "reason=event_time_out_of_bounds", **ANY_TIME)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(how)
    out, err = process.communicate(timeout=120)
    return process.returncode, first + out, err


def publish_all(system: Deployment) -> int:
    bad = [OutgoingRecord(b"\xff no json", "u-1") for _ in range(BAD)]
    records = [*system.records(VALID), *(an_old_event(system, n) for n in range(OLD)), *bad]
    system.publish(records)
    system.publish([an_old_event(system, 0)])  # the same event again: its letter can only repeat the other
    return len(records) + 1


def require_sound(system: Deployment) -> None:
    report = system.audit()
    assert report.is_clean, report.findings


def die_everywhere(system: Deployment) -> None:
    for (method, when), delivery in zip(STEPS, unresolved(system), strict=False):
        with a_dying_replayer(system, method, when) as replayer, pytest.raises(Died):
            replayer.replay(delivery)
        require_sound(system)
    report = system.audit()
    assert not report.is_complete, "replays that have not ended are seen"
    assert any("run `fraudstream dead-letters replay` again" in remark for remark in report.remarks)


def two_at_once(system: Deployment) -> list[tuple[int, str]]:
    with ExitStack() as stack:
        pair = [stack.enter_context(start(system, "replay", **ANY_TIME)) for _ in range(2)]
        outputs = [process.communicate(timeout=120) for process in pair]
    return [(process.returncode, out + err) for process, (out, err) in zip(pair, outputs, strict=True)]


def test_replays_that_die_are_interrupted_or_run_twice_have_each_effect_once(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_deployment(local_environment, tmp_path, shards=2, **MODEL) as system:
        published = publish_all(system)
        system.consumer.start()
        system.wait_decided(published)
        system.wait_told()

        die_everywhere(system)
        assert stop_after_first_line(system, signal.SIGKILL)[0] == -signal.SIGKILL
        require_sound(system)
        code, told, how_to_go_on = stop_after_first_line(system, signal.SIGINT)
        assert code == 130, told + how_to_go_on
        assert "run the same command again to go on" in how_to_go_on
        require_sound(system)
        for code, told in two_at_once(system):
            assert code == 1, told  # what is no JSON stays refused
            assert f"{BAD} stay dead letters" in told

        assert system.consumer.stop() == 0, system.consumer.log()[-3000:]
        report = system.audit()
        assert (report.is_clean, report.is_complete) == (True, True), (report.findings, report.remarks)
        kept = OLD // 5
        assert (report.counts["replayed"], report.counts["refused"], report.counts["kept_alerts"]) == (
            OLD + 1,
            BAD,
            kept,
        )
        assert report.counts["in_lake"] == report.counts["decided"] == VALID + OLD
        code, told, rest = run(system, "replay", "--where", "reason=event_time_out_of_bounds", **ANY_TIME)
        assert (code, told, rest) == (0, "", "no unresolved dead letter to replay\n")


def test_an_operator_finds_shows_and_rehearses_what_was_refused(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_deployment(local_environment, tmp_path, shards=1) as system:
        assert run(system, "list") == (0, "", "no dead letter\n")
        card = {"transaction_id": "c", "timestamp": datetime.now(UTC).isoformat(), "user_id": "u", "amount": 1}
        masked = msgspec.json.encode(card | {"card_id": "4111111111111111"})
        system.publish([an_old_event(system, 0), *(OutgoingRecord(raw, "u") for raw in (b"\xff no json", masked))])
        system.consumer.start()
        system.wait_decided(3)
        assert system.consumer.stop() == 0, system.consumer.log()[-3000:]

        code, table, counts = run(system, "list")
        assert (code, table.count("shardId-"), "3 dead letters" in counts) == (0, 3, True), table + counts
        _, lines, _ = run(system, "list", "--json", "--where", "reason=invalid_utf8", "--where", "resolved=false")
        [document] = map(json.loads, lines.splitlines())
        code, shown, _ = run(system, "show", document["id"])
        assert (code, "\\xff no json" in shown, "refused in decode: invalid_utf8" in shown) == (0, True, True), shown

        code, told, _ = run(system, "replay", "--dry-run", **ANY_TIME)
        assert code == 1
        for words in ("1 decided", "1 refused again", "1 masked", "publish the event anew", "nothing was written"):
            assert words in told
        assert system.reader.counts().decisions == 0

        code, _, mistake = run(system, "list", "--where", "resaon=x")
        assert (code, "the fields are id, epoch" in mistake) == (2, True)
        assert run(system, "show", "nonsense")[0] == 2
        assert run(system, "show", document["id"].replace("-0", "-7"))[0] == 1
