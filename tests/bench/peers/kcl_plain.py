"""Peer (a): a KCL consumer as the samples of amazon_kclpy show it: usage `kcl_plain.py record|batch`, DATABASE_URL set.

What a user writes: the sample's processor, json, a pydantic model, one call of the model and one INSERT a record. Whether a record or
a batch is committed at a time differs between users, so both are there: `record` is autocommit, `batch` one transaction.

What it does not do and ours does: the second delivery of a transaction is not told from a resend with other content; no velocity
features, no reasons, no lake, no alerts, no dead letters (kclpy prints whatever is raised and loses the rest of the batch), no
retries while the database is away, no metrics.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import psycopg
from amazon_kclpy import kcl, messages
from amazon_kclpy.v3 import processor

from tests.bench.peers import onnx_model
from tests.bench.peers.payment import Payment
from tests.bench.peers.row_features import features_of
from tests.bench.peers.table import INSERT, row_of

Score = Callable[[Payment], float]
_CHECKPOINT_EVERY_S = 60  # as in the sample


class RecordProcessor(processor.RecordProcessorBase):  # type: ignore[misc] # the library has no types
    def __init__(self, score: Score, commits: str) -> None:
        self._score = score
        self._connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self._commits = commits
        self._checkpointed_s = time.time()

    def initialize(self, _initialize_input: messages.InitializeInput) -> None:
        self._checkpointed_s = time.time()

    def process_records(self, process_records_input: messages.ProcessRecordsInput) -> None:
        with self._transaction():
            for record in process_records_input.records:
                self._process_record(record.binary_data)
        if time.time() - self._checkpointed_s > _CHECKPOINT_EVERY_S:
            process_records_input.checkpointer.checkpoint()
            self._checkpointed_s = time.time()

    def _transaction(self) -> AbstractContextManager[Any]:
        return self._connection.transaction() if self._commits == "batch" else nullcontext()

    def _process_record(self, data: bytes) -> None:
        payment = Payment.model_validate(json.loads(data))
        self._connection.execute(INSERT, row_of(payment, self._score(payment)))

    def lease_lost(self, lease_lost_input: messages.LeaseLostInput) -> None:
        pass

    def shard_ended(self, shard_ended_input: messages.ShardEndedInput) -> None:
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input: messages.ShutdownRequestedInput) -> None:
        shutdown_requested_input.checkpointer.checkpoint()


def onnx_score() -> Score:
    """Return what scores a payment by one call of the ONNX model."""
    session = onnx_model.open_session()
    return lambda payment: onnx_model.probabilities(session, np.array([features_of(payment)], np.float32))[0]


def consume(score: Score, commits: str) -> None:
    """Serve one shard on stdin and stdout until the daemon closes them."""
    kcl.KCLProcess(RecordProcessor(score, commits)).run()


if __name__ == "__main__":
    consume(onnx_score(), sys.argv[1])
