"""Publishes transactions to the stream with boto3 alone. Copy this file and put your own events in the place of `events`.

Run it with AWS_DEFAULT_REGION and FRAUDSTREAM_STREAM_NAME set. boto3 finds credentials and endpoint by itself (AWS_PROFILE,
AWS_ENDPOINT_URL, …); they need kinesis:PutRecords on the stream. Sending the same events again is safe: each is decided once.
"""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3

MOST_AT_ONCE = 75  # so many of the largest events fit into one PutRecords
LONGEST_PAUSE_S = 5.0
MOST_FAILURES = 12  # in a row


def events() -> list[dict[str, Any]]:
    """Return what to publish. Id and timestamp are chosen once, here: what is sent again must be the same event."""
    return [
        {
            "transaction_id": f"t-{uuid.uuid4()}",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user_id": "u-4711",
            "amount": 1249.90,  # at most two decimals
            "currency": "EUR",
            "merchant_id": "m-88",
            "merchant_category": "electronics",
            "channel": "online",
            "location": {"country": "PT", "city": "Porto", "latitude": 41.15, "longitude": -8.61},
            "device_info": {"device_type": "mobile", "device_id": "d-9f3", "ip_address": "198.51.100.7"},
            "card_id": "tok_5d41402abc",  # a token, never a card number
            "metadata": {"checkout": "express"},  # yours: anything you like
        },
        {  # the least that an event can be
            "transaction_id": f"t-{uuid.uuid4()}",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user_id": "u-4712",
            "amount": 8.00,
        },
    ]


def publish(kinesis: Any, stream: str, waiting: list[dict[str, Any]]) -> None:
    """Publish until every event is in the stream. PutRecords may take some and refuse others; only those go again."""
    failures = 0
    while waiting:
        batch = waiting[:MOST_AT_ONCE]
        records = [{"Data": json.dumps(event), "PartitionKey": event["user_id"]} for event in batch]
        results = kinesis.put_records(StreamName=stream, Records=records)["Records"]
        failed = [event for event, result in zip(batch, results, strict=True) if result.get("ErrorCode")]
        failures = failures + 1 if len(failed) == len(batch) else 0
        if failures == MOST_FAILURES:
            raise SystemExit(f"{len(waiting)} events are not published: {results[0]['ErrorMessage']}")
        if failed:
            time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.1 * 2**failures)))
        waiting = failed + waiting[MOST_AT_ONCE:]


if __name__ == "__main__":
    to_publish = events()
    publish(boto3.client("kinesis"), os.environ.get("FRAUDSTREAM_STREAM_NAME", "transactions"), to_publish)
    for event in to_publish:
        print("published", event["transaction_id"])
