"""The same events and labels through a backfill, in the order in which the stream had them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from consumer.backfill.output import FEATURES_FILE
from consumer.backfill.run import Plan, backfill
from consumer.scoring.features import VELOCITY
from schemas.decision import Identity
from schemas.timestamps import format_timestamp
from sinks.feedback import StoredLabel


class Silence:
    """A progress bar that nobody sees."""

    def read(self, events: int) -> None:
        """See `consumer.backfill.run.Progress`."""

    def decide(self, done: int, total: int) -> None:
        """See `consumer.backfill.run.Progress`."""


def backfilled(
    events: Sequence[bytes], labels: Sequence[StoredLabel], folder: Path
) -> Mapping[Identity, npt.NDArray[np.float32]]:
    """Return the whole vector of each event; labels are known when the ledger knew them."""
    (folder / "events.jsonl").write_bytes(b"\n".join(events))
    (folder / "labels.jsonl").write_text("\n".join(map(_line, labels)))
    plan = Plan(
        [folder / "events.jsonl"],
        folder / "out",
        labels=[folder / "labels.jsonl"],
        is_as_arrived=True,
        allowed_refused=0,
    )
    backfill(plan, Silence())
    table = pq.read_table(folder / "out" / FEATURES_FILE, use_threads=False)
    vectors = np.stack([table[name].to_numpy() for name in VELOCITY.names], axis=1)
    rows = table.select(["transaction_id", "event_time"]).to_pylist()
    return {
        Identity(row["transaction_id"], row["event_time"]): vector for row, vector in zip(rows, vectors, strict=True)
    }


def _line(label: StoredLabel) -> str:
    return json.dumps(
        {
            "transaction_id": label.transaction_id,
            "is_fraud": label.is_fraud,
            "reported_at": format_timestamp(label.known_at),
            "source": label.source,
        }
    )
