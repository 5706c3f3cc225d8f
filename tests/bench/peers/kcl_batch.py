"""Peer (d): a consumer by somebody who thinks in batches: usage `kcl_batch.py executemany|unnest`, DATABASE_URL set.

What such a user writes: amazon_kclpy for the protocol (it is the official way), orjson, features by numpy a column at a time, one call
of the model, one transaction a batch. `executemany` is psycopg's, which pipelines and prepares; `unnest` is the faster way that one
finds who measures, an array a column in one statement. No pydantic: it would cost more than everything else here.

What it does not do and ours does: it believes every event (one that is not valid loses its whole batch, because kclpy prints what is
raised and acknowledges), tells no resend with other content from a repetition, and has no velocity features, reasons, lake, alerts,
dead letters, retries or metrics.
"""

from __future__ import annotations

import os
import sys
import time

import orjson
import psycopg
from amazon_kclpy import kcl, messages
from amazon_kclpy.v3 import processor

from tests.bench.peers import onnx_model
from tests.bench.peers.batch_features import feature_matrix
from tests.bench.peers.table import INSERT, INSERT_ARRAYS, row_of_event

Row = tuple[object, ...]
_CHECKPOINT_EVERY_S = 60


class BatchProcessor(processor.RecordProcessorBase):  # type: ignore[misc] # the library has no types
    def __init__(self, way: str) -> None:
        self._session = onnx_model.open_session()
        self._connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self._way = way
        self._checkpointed_s = time.time()

    def initialize(self, _initialize_input: messages.InitializeInput) -> None:
        self._checkpointed_s = time.time()

    def process_records(self, process_records_input: messages.ProcessRecordsInput) -> None:
        if rows := self._scored(process_records_input.records):
            self._write(rows)
        if time.time() - self._checkpointed_s > _CHECKPOINT_EVERY_S:
            process_records_input.checkpointer.checkpoint()
            self._checkpointed_s = time.time()

    def _scored(self, records: list[messages.Record]) -> list[Row]:
        events = [orjson.loads(record.binary_data) for record in records]
        if not events:
            return []
        scores = onnx_model.probabilities(self._session, feature_matrix(events))
        return [row_of_event(*pair) for pair in zip(events, scores, strict=True)]

    def _write(self, rows: list[Row]) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            if self._way == "unnest":
                cursor.execute(INSERT_ARRAYS, [list(column) for column in zip(*rows, strict=True)])
            else:
                cursor.executemany(INSERT, rows)

    def lease_lost(self, lease_lost_input: messages.LeaseLostInput) -> None:
        pass

    def shard_ended(self, shard_ended_input: messages.ShardEndedInput) -> None:
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input: messages.ShutdownRequestedInput) -> None:
        shutdown_requested_input.checkpointer.checkpoint()


if __name__ == "__main__":
    kcl.KCLProcess(BatchProcessor(sys.argv[1])).run()
