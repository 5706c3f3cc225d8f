"""``fraudstream up``: the embedded environment in the foreground, with everything printed that a user needs to use it."""

import contextlib
import fcntl
import os
import select
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import NamedTuple

from infra.local.environment import LocalEnvironment
from infra.local.errors import AlreadyRunningError
from infra.local.ports import preferred_port
from infra.local.postgres.binaries import bundled_binaries
from infra.local.provision import ResourceNames, Resources, provision

ENVIRONMENT_FILE = "local.env"
_LOCK_FILE = "up.lock"
_WATCH_INTERVAL_S = 0.5
_DATABASE_PORT = 5433  # beside a PostgreSQL of the machine
_MAJOR = 18


def up(
    *,
    state_dir: Path,
    aws_port: int = 4566,
    database_port: int = 0,
    database_url: str | None = None,
    shards: int = 2,
    names: ResourceNames | None = None,
    prepare: Callable[[LocalEnvironment, Resources], None] | None = None,
    further: Mapping[str, str] = MappingProxyType({}),
    announce: Callable[[str], None] = print,
) -> None:
    """Run until Ctrl-C or SIGTERM; call it from the main thread. ``database_port`` 0 is 5433 where that is free.

    ``prepare`` runs once everything is up and before anything is printed: migrations have their place there. While it
    runs, ``state_dir/local.env`` holds the variables as KEY=value lines, the ``further`` ones among them. Raises
    ``LocalEnvironmentError`` where it runs already in this folder, cannot start, or one of its servers ends.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    wanted = database_port or preferred_port(_DATABASE_PORT)
    with (
        only_one(state_dir),
        _asked_to_stop() as stop,
        LocalEnvironment(
            state_dir, aws_port=aws_port, database_url=database_url, database_port=wanted, fsync=True
        ) as environment,
    ):
        resources = provision(environment, names, shards=shards)
        if prepare:
            prepare(environment, resources)
        variables = {**environment.environment(), **resource_variables(resources), **QUICK, **further}
        with written(state_dir / ENVIRONMENT_FILE, variables):
            for line in describe(environment, resources, variables, state_dir):
                announce(line)
            while not stop.wait(_WATCH_INTERVAL_S):
                environment.check()
    announce("Stopped. Streams, buckets, queues and the database are gone.")


def resource_variables(resources: Resources) -> dict[str, str]:
    """Name the resources for child processes and for the user's shell."""
    return {
        "FRAUDSTREAM_STREAM_NAME": resources.stream_name,
        "FRAUDSTREAM_LAKE_BUCKET": resources.lake_bucket,
        "FRAUDSTREAM_DEAD_LETTER_BUCKET": resources.dead_letter_bucket,
        "FRAUDSTREAM_MODEL_BUCKET": resources.model_bucket,
        "FRAUDSTREAM_TOPIC_ARN": resources.topic_arn,
        "FRAUDSTREAM_ALERT_QUEUE_URL": resources.queue_url,
    }


QUICK = {
    "FRAUDSTREAM_WARM_START": "true",
    "FRAUDSTREAM_FAST_FAILOVER": "true",
    "FRAUDSTREAM_CHUNK_MAX_AGE_S": "10",
    "FRAUDSTREAM_METRICS_EVERY_S": "10",
}
"""What makes a consumer start in seconds and the lake fresh, where one person waits for it and nobody pays for requests."""


def describe(
    environment: LocalEnvironment, resources: Resources, variables: dict[str, str], state_dir: Path
) -> Iterator[str]:
    """Give the lines that tell a user how to use the environment; the commands work where the exports were made."""
    psql = shutil.which("psql") or bundled_binaries(_MAJOR).program("psql")
    aws = f"aws --endpoint-url {environment.endpoint_url}"
    yield f"AWS        {environment.endpoint_url}   Kinesis, DynamoDB, S3, SNS, SQS, Secrets Manager, CloudWatch"
    yield f"PostgreSQL {environment.database_url}" + ("" if environment.postgres else "   (yours, from DATABASE_URL)")
    yield "Nothing is kept: every start begins with an empty AWS, and a fresh PostgreSQL unless you gave DATABASE_URL."
    yield "The system itself, each in another shell in this folder:"
    yield "  .venv/bin/fraudstream --local consume"
    yield "  .venv/bin/fraudstream --local keys create me   # shows an API key, once"
    yield "  .venv/bin/fraudstream --local serve            # POST /api/v1/classify; described at http://127.0.0.1:8080/docs"
    yield "In another shell:"
    yield f"  set -a; . {shlex.quote(str((state_dir / ENVIRONMENT_FILE).resolve()))}; set +a      # or:"
    for name, value in variables.items():
        yield f"  export {name}={shlex.quote(value)}"
    yield f"  {aws} kinesis list-streams"
    yield f"  {aws} kinesis describe-stream-summary --stream-name {resources.stream_name}"
    yield f"  {aws} s3 ls s3://{resources.lake_bucket} --recursive"
    yield f"  {aws} sqs receive-message --queue-url {resources.queue_url}      # an audit collects what waits there"
    yield f"  {shlex.quote(psql)} {shlex.quote(environment.database_url)}"
    yield "Ctrl-C stops it."


@contextlib.contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the folder's lock; raises ``AlreadyRunningError`` where another process holds it. It falls with its holder."""
    lock = os.open(state_dir / _LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        _take(lock, state_dir)
        yield
    finally:
        os.close(lock)


def _take(lock: int, state_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = (state_dir / _LOCK_FILE).read_text()
        raise AlreadyRunningError(
            f"An environment runs already in {state_dir} (process {holder}). Stop it there (Ctrl-C), or use another clone."
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())


@contextlib.contextmanager
def written(path: Path, variables: dict[str, str]) -> Iterator[None]:
    """Keep the variables in a file that only its owner can read, as long as the context lasts."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)  # it holds a password
    draft.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
    draft.rename(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


class _Stop(NamedTuple):
    """Readable once somebody asked to stop."""

    fd: int

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; whether it is time to stop."""
        return bool(select.select([self.fd], [], [], seconds)[0])


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[_Stop]:
    """A pipe, because an event's lock may be held by the very thread that the signal interrupts."""
    reader, writer = os.pipe()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        os.write(writer, b"!")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield _Stop(reader)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
