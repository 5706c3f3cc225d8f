"""Peer (c): a Lambda function behind an event source mapping, with the batch processor of Powertools; DATABASE_URL set.

What a user writes: `record_handler` for one record, as in Powertools' documentation, with the connection and the model made outside of
the handler. The loop at the end stands for Lambda's runtime, which parses each invocation's JSON and serialises the answer too; what
Lambda itself adds (polling, invocation, isolation) is not counted.

What it does not do and ours does: what is missing in (a), but for refused records: those are reported and, retried often enough, sent
by Lambda to a queue, as a pointer into the stream. It keeps nothing between records of a user.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import psycopg
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord

from tests.bench.peers.kcl_plain import onnx_score
from tests.bench.peers.payment import Payment
from tests.bench.peers.table import INSERT, row_of

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
score = onnx_score()
connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def record_handler(record: KinesisStreamRecord) -> None:
    payment = Payment.model_validate(record.kinesis.data_as_json())
    connection.execute(INSERT, row_of(payment, score(payment)))


def handler(event: dict[str, Any], context: Any) -> Any:
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(handler(json.loads(line), None)) + "\n")
        sys.stdout.flush()
