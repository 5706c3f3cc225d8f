"""`fraudstream demo`: the whole system on this machine, from an empty environment to a clean audit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from consumer.auditing.gather import RECEIVED_FILE
from consumer.auditing.received import ReceivedAlerts
from consumer.clients import AwsClients
from consumer.operations.audit import report_audit
from consumer.operations.demo_gateway import Door
from consumer.operations.demo_screen import Screen, screen_for
from consumer.operations.demo_source import DEMO_EVENT_TIME_BEFORE, EventFile, EventSource, FastForward
from consumer.operations.demo_watch import Watch, farewell
from consumer.operations.up import local_pepper, migrate_ledger
from consumer.settings import LOCAL_ENV_FILE, Settings, load_settings
from infra.local.environment import LocalEnvironment
from infra.local.provision import provision
from infra.local.up import QUICK, only_one, resource_variables, written

STATE_DIR = Path(".fraudstream")
_FIRST_DECISION_S = 120.0
_TELL_WAITING_EVERY_S = 10.0
_DRAIN_S = 60.0
_STOP_S = 90.0
_METRICS_SOON = {"FRAUDSTREAM_METRICS_EVERY_S": "2"}
"""The live view tells commits by them."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the user asked for; `events` replaces the simulated traffic by a file."""

    seconds: int = 60
    rate: int = 500
    shards: int = 2
    is_kept: bool = False
    events: Path | None = None
    is_forced: bool = False
    is_plain: bool = False


class DemoError(OSError):
    """The demo cannot go on; the message says why and where to look."""


def run_demo(plan: DemoPlan) -> int:
    """Run the demo and return the exit code: 0 exactly if every event was dealt with and the audit is clean."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    STATE_DIR.mkdir(exist_ok=True)
    with only_one(STATE_DIR):
        shutil.rmtree(STATE_DIR / "demo", ignore_errors=True)
        (STATE_DIR / "demo").mkdir()
        if "DATABASE_URL" in os.environ:
            _say(
                "starting the AWS emulator; the ledger is the PostgreSQL of DATABASE_URL (unset it for an embedded one)"
            )
        else:
            _say("starting the AWS emulator and PostgreSQL")
        with LocalEnvironment(
            STATE_DIR / "demo", database_url=os.environ.get("DATABASE_URL"), fsync=True
        ) as environment:
            resources = provision(environment, shards=plan.shards)
            migrate_ledger(environment, resources)
            state = {"FRAUDSTREAM_STATE_DIR": str((STATE_DIR / "demo").resolve()), **_METRICS_SOON}
            if plan.events is None:
                state["FRAUDSTREAM_EVENT_TIME_BEFORE"] = DEMO_EVENT_TIME_BEFORE
            variables = {
                **environment.environment(),
                **resource_variables(resources),
                **QUICK,
                **local_pepper(),
                **state,
            }
            with written(STATE_DIR / LOCAL_ENV_FILE, variables):
                return _Demo(plan, variables).run()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does: nothing of the demo may outlive it."""
    raise KeyboardInterrupt


def _say(what: str) -> None:
    print(f"demo: {what}", flush=True)


class _Demo:
    def __init__(self, plan: DemoPlan, variables: Mapping[str, str]) -> None:
        os.environ.update(variables)
        self._plan, self._settings = plan, load_settings()
        self._clients = AwsClients(self._settings)
        self._alerts = ReceivedAlerts(
            self._clients.sqs, self._settings.alert_queue_url or "", self._settings.state_dir / RECEIVED_FILE
        )
        self._door = Door(self._settings.state_dir, self._settings.dsn(), variables["FRAUDSTREAM_API_KEY_PEPPER"])
        self._source = self._door.probed(_source(plan, self._clients, self._settings))
        self._watch = Watch(self._settings, self._source, self._alerts)
        self._started_s = time.monotonic()

    def run(self) -> int:
        with _consumer(self._settings) as consumer, self._door:
            self._start(consumer)
            is_drained = self._follow(consumer)
            is_closed = self._door.close()
            _say("stopping the consumer: it flushes and checkpoints")
            is_stopped = _stopped(consumer)
        _say("auditing: the stream against ledger, lake, alerts and dead letters")
        report = report_audit(self._settings)
        latency = self._source.summary(self._watch.latencies_ms)
        print("\n".join([*self._watch.summary(), *latency, *farewell(self._settings, is_kept=self._plan.is_kept)]))
        if self._plan.is_kept:
            self._keep()
        failures = {
            "the audit is not clean": not report.is_clean,
            "something is still pending": not report.is_complete,
            "not everything published was dealt with in time": not is_drained,
            "the gateway did not stop as it should": not is_closed,
            "the consumer did not stop as it should": not is_stopped,
            "not every line of the file was published (see above)": not self._source.is_complete,
        }
        for failure in (what for what, is_so in failures.items() if is_so):
            _say(f"FAILED: {failure}")
        return int(any(failures.values()))

    def _start(self, consumer: subprocess.Popen[bytes]) -> None:
        _say(f"consumer started (log: {_log_path(self._settings)}); publishing {self._source.description}")
        started_s = told_s = self._started_s = time.monotonic()
        self._source.start()
        self._open_door()
        while self._source.is_running() or self._source.published:
            if self._watch.has_decided():
                _say(f"first decision {time.monotonic() - started_s:.1f} s after the consumer's start")
                if self._plan.events is None:
                    self._source.begin_probe()
                return
            _require_running(consumer, self._settings)
            if time.monotonic() - started_s > _FIRST_DECISION_S:
                raise DemoError(f"no decision within {_FIRST_DECISION_S:.0f} s: see {_log_path(self._settings)}")
            if time.monotonic() - told_s > _TELL_WAITING_EVERY_S:
                told_s = time.monotonic()
                _say(f"{told_s - started_s:.0f} s: no decision yet, Java and the first leases take their time")
            time.sleep(0.1)
        _say("nothing was published, so there is nothing to decide")

    def _follow(self, consumer: subprocess.Popen[bytes]) -> bool:
        """Show what goes on until everything is dealt with; returns False where it was not, and nothing moved any more."""
        with screen_for(self._watch, Console(), is_plain=self._plan.is_plain) as screen:
            self._watch_until_published(consumer, screen)
            is_drained = self._drain(consumer, screen)
            screen.show("everything is dealt with" if is_drained else "nothing moves")
        if not is_drained:
            _say(f"not everything was dealt with, and nothing moved for {_DRAIN_S:.0f} s")
        return is_drained

    def _watch_until_published(self, consumer: subprocess.Popen[bytes], screen: Screen) -> None:
        while self._source.is_running():
            _require_running(consumer, self._settings)
            time.sleep(1.0)
            screen.show(f"publishing for {time.monotonic() - self._started_s:.0f} s{self._of_seconds()}")
        self._source.join()

    def _of_seconds(self) -> str:
        return f" of {self._plan.seconds} s" if self._plan.events is None else ""

    def _drain(self, consumer: subprocess.Popen[bytes], screen: Screen) -> bool:
        """Wait until everything published has its verdict and every alert is told, as long as anything moves."""
        progress, moved_s = self._watch.progress(), time.monotonic()
        while not self._watch.is_drained():
            _require_running(consumer, self._settings)
            if (now := self._watch.progress()) != progress:
                progress, moved_s = now, time.monotonic()
            if time.monotonic() - moved_s > _DRAIN_S:
                return False
            time.sleep(1.0)
            screen.show("everything is published, the rest is dealt with")
        return True

    def _open_door(self) -> None:
        try:
            first, *rest = self._door.open()
        except OSError as error:
            raise DemoError(str(error)) from error
        _say(first)
        print("".join(f"{line}\n" for line in rest), end="", flush=True)

    def _keep(self) -> None:
        with _consumer(self._settings) as consumer, self._door:
            self._open_door()
            _say("everything goes on running, with a fresh consumer; Ctrl-C ends it")
            try:
                consumer.wait()
            except KeyboardInterrupt:
                _stopped(consumer)


def _source(plan: DemoPlan, clients: AwsClients, settings: Settings) -> EventSource:
    if plan.events is not None:
        return EventFile(clients.kinesis, settings, plan.events, is_forced=plan.is_forced)
    return FastForward(
        clients.kinesis, settings.stream_name, seconds=plan.seconds, rate=plan.rate, now=datetime.now(UTC)
    )


def _log_path(settings: Settings) -> Path:
    return settings.state_dir / "consumer.log"


@contextmanager
def _consumer(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run the consumer as its users do; it is killed only where it did not stop when asked."""
    with _log_path(settings).open("ab") as log:
        consumer = subprocess.Popen(
            [sys.executable, "-m", "consumer"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield consumer
        finally:
            if consumer.poll() is None and not _stopped(consumer):
                consumer.kill()
                consumer.wait()


def _stopped(consumer: subprocess.Popen[bytes]) -> bool:
    consumer.send_signal(signal.SIGTERM)
    try:
        return consumer.wait(_STOP_S) in {0, -signal.SIGTERM}  # the latter while it still loads: nothing has begun
    except subprocess.TimeoutExpired:
        return False


def _require_running(consumer: subprocess.Popen[bytes], settings: Settings) -> None:
    if consumer.poll() is not None:
        tail = "\n  ".join(_log_path(settings).read_text(errors="replace").splitlines()[-8:])
        raise DemoError(f"the consumer ended with exit code {consumer.returncode}; the end of its log:\n  {tail}")
