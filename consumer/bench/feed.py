"""Simulated events as Kinesis would deliver them: lines of the daemon's protocol, built ahead so that feeding costs nothing."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from consumer.bench.load import events
from schemas.position import ShardId, StreamEpoch

EPOCH = StreamEpoch("20260101T000000Z")
SHARD = ShardId("shardId-000000000000")
_FIRST_SEQUENCE_NUMBER = 49590338271490256608559692538361571095921575989136588898
_LAG_MS = 2_000
"""Between an event and its arrival."""
_PERIOD = timedelta(days=6)

INITIALIZE = b'{"action":"initialize","shardId":"%b","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}\n' % (
    SHARD.encode()
)
SHUTDOWN = b'{"action":"shutdownRequested"}\n'
LEASE_LOST = b'{"action":"leaseLost"}\n'


def wire_records(number: int, seed: int) -> list[bytes]:
    """Return `number` records as the daemon writes them, in order of their arrival; the events are spread over the last six days."""
    now = datetime.now(UTC)
    return [
        b'{"action":"record","data":"%b","partitionKey":"%b","sequenceNumber":"%d","subSequenceNumber":0,'
        b'"approximateArrivalTimestamp":%d}'
        % (b64encode(event.data), event.user_id.encode(), _FIRST_SEQUENCE_NUMBER + place, event.event_ms + _LAG_MS)
        for place, event in enumerate(events(number, seed, now - _PERIOD, now))
    ]


def process_records(records: Sequence[bytes]) -> bytes:
    """Return the line that delivers `records`, its end included."""
    return b'{"action":"processRecords","records":[%b],"millisBehindLatest":0}\n' % b",".join(records)


def lines(records: Sequence[bytes], size: int) -> Iterator[bytes]:
    """Yield lines of `size` records each; the last one may hold fewer."""
    rest = iter(records)
    while batch := list(islice(rest, size)):
        yield process_records(batch)
