"""Peer (d) with manners: batches as there, but every event is validated and a bad one is set aside; DATABASE_URL set.

What a user writes who knows that producers err: pydantic's `validate_json`, the fastest way that it has, and a log line for what it
refuses. What it still does not do is what is missing in (d), but for this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from amazon_kclpy import kcl, messages
from pydantic import ValidationError

from tests.bench.peers import onnx_model
from tests.bench.peers.kcl_batch import BatchProcessor, Row
from tests.bench.peers.payment import Payment
from tests.bench.peers.row_features import features_of
from tests.bench.peers.table import row_of


class ValidatingProcessor(BatchProcessor):
    def _scored(self, records: list[messages.Record]) -> list[Row]:
        payments = list(_valid(records))
        if not payments:
            return []
        scores = onnx_model.probabilities(self._session, np.array([features_of(one) for one in payments], np.float32))
        return [row_of(*pair) for pair in zip(payments, scores, strict=True)]


def _valid(records: list[messages.Record]) -> Iterator[Payment]:
    for record in records:
        try:
            yield Payment.model_validate_json(record.binary_data)
        except ValidationError as error:
            sys.stderr.write(f"refused {record.sequence_number}: {error.error_count()} errors\n")


if __name__ == "__main__":
    kcl.KCLProcess(ValidatingProcessor("executemany")).run()
