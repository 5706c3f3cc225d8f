"""What backfill wrote, in memory: a matrix of features and beside it times, labels, cards and patterns. Read once, as float32."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consumer.scoring.features import FEATURE_SETS, Matrix
from consumer.training.errors import TrainingRefused
from consumer.training.metrics import Labels, Scores
from schemas.history import LABEL_DELAY_DAYS

DAY_MS = 86_400_000
NEVER_MS = np.iinfo(np.int64).max
"""When the label of a row without one is known."""
_BATCH_ROWS = 65_536
_FACTS = ("transaction_id", "event_time", "user_id", "card_id", "amount", "is_fraud", "known_at", "pattern", "truth")
_REPORT_FILE = "backfill.json"
_REMEDY = "Write it anew with `fraudstream backfill EVENTS --labels LABELS --out DATA`."

Times: TypeAlias = npt.NDArray[np.int64]
"""Shape [N], milliseconds since 1970, UTC."""
Codes: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Dataset:
    """N events in the order of their event time; every array has that order."""

    feature_set: str
    features: Matrix
    """Shape [N, F], NaN for missing; in Fortran order, as columns are what is read and what trees are fitted to."""
    event_ms: Times
    amounts: Scores
    """Dollars."""
    cards: Codes
    """Equal numbers are the same card, or the same user where events name no card."""
    is_fraud: Labels
    """What the labels say in the end; an event without a label counts as genuine."""
    truth: Labels
    """What is measured by: the labels, or the truth where it is known apart from them, as a simulator's is. Nothing learns from it."""
    known_ms: Times
    """When the label became known; `NEVER_MS` where there is none."""
    patterns: Codes
    """Index into `pattern_names`, -1 for none."""
    pattern_names: tuple[str, ...]
    source: str
    digest: str
    """SHA-256 over the files, in the order of their names."""
    has_cards: bool = True
    """Whether events name cards; if not, `cards` are users."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of the columns."""
        return FEATURE_SETS[self.feature_set].names

    def labels_known(self, cut_ms: int) -> Labels:
        """Return what was known of each event at `cut_ms`: a fraud that nobody had reported by then counts as genuine."""
        return self.is_fraud & (self.known_ms < cut_ms)

    def rows(self, start_ms: int, end_ms: int) -> slice:
        """Return the rows with start_ms <= event time < end_ms."""
        start, end = np.searchsorted(self.event_ms, [start_ms, end_ms])
        return slice(int(start), int(end))

    def narrow(self, feature_set: str) -> Dataset:
        """Return the same events with the columns of a set that is part of this one; raises `TrainingRefused` for another."""
        wanted = FEATURE_SETS[feature_set].names if feature_set in FEATURE_SETS else ()
        if not wanted or not set(wanted) <= set(self.names):
            cause = f"the model wants the features {feature_set}, the data holds {self.feature_set}"
            raise TrainingRefused(cause, "Write the data anew with `fraudstream backfill` and this release.")
        is_prefix = wanted == self.names[: len(wanted)]
        columns = slice(len(wanted)) if is_prefix else [self.names.index(name) for name in wanted]
        return replace(self, feature_set=feature_set, features=self.features[:, columns])


def read_dataset(folder: Path) -> Dataset:
    """Return the data in `folder`, equal event times in the order of the file; raises `TrainingRefused` if it is not backfill's.

    Holds the matrix once: 4 bytes a value, and one batch of rows besides.
    """
    files = sorted(folder.glob("features*.parquet"))
    if not files or not (folder / _REPORT_FILE).exists():
        raise TrainingRefused(f"{folder} holds no finished backfill", _REMEDY)
    readers = _open(files)
    feature_set = _feature_set(folder, readers[0])
    facts = pa.concat_tables([reader.read(columns=list(_FACTS)) for reader in readers])
    event_ms = _milliseconds(facts["event_time"], 0)
    is_fraud, known_ms = _labels(facts, event_ms)
    codes, pattern_names = _encode(facts["pattern"])
    dataset = Dataset(
        feature_set=feature_set,
        features=_matrix(readers, FEATURE_SETS[feature_set].names),
        event_ms=event_ms,
        amounts=facts["amount"].to_numpy().astype(np.float64),
        cards=_encode(pc.coalesce(facts["card_id"], facts["user_id"]))[0],
        is_fraud=is_fraud,
        truth=_truth(facts, is_fraud),
        known_ms=known_ms,
        patterns=codes,
        pattern_names=pattern_names,
        source=_source(folder),
        digest=_digest(files),
        has_cards=facts["card_id"].null_count < len(event_ms),
    )
    return dataset if (np.diff(event_ms) >= 0).all() else _sort(dataset)


def _open(files: Sequence[Path]) -> list[pq.ParquetFile]:
    try:
        return [pq.ParquetFile(file) for file in files]
    except pa.ArrowException as error:
        raise TrainingRefused(f"{files[0].parent} holds what is no Parquet ({error})", _REMEDY) from error


def _feature_set(folder: Path, reader: pq.ParquetFile) -> str:
    metadata = reader.schema_arrow.metadata or {}
    name = metadata.get(b"feature_set", b"").decode()
    if name not in FEATURE_SETS:
        cause = f"{folder} holds the feature set {name or '(none named)'}, this release knows {', '.join(FEATURE_SETS)}"
        raise TrainingRefused(cause, _REMEDY)
    columns = set(reader.schema_arrow.names)
    lacking = [wanted for wanted in (*FEATURE_SETS[name].names, *_FACTS) if wanted not in columns]
    if lacking:
        raise TrainingRefused(f"{folder} lacks the columns {', '.join(lacking[:5])}", _REMEDY)
    return name


def _matrix(readers: Sequence[pq.ParquetFile], names: Sequence[str]) -> Matrix:
    count = sum(reader.metadata.num_rows for reader in readers)
    matrix: Matrix = np.empty((count, len(names)), np.float32, order="F")
    start = 0
    for reader in readers:
        for batch in reader.iter_batches(batch_size=_BATCH_ROWS, columns=list(names)):
            end = start + batch.num_rows
            for column, name in enumerate(names):
                matrix[start:end, column] = batch.column(name).to_numpy(zero_copy_only=False)
            start = end
    return matrix


def _sort(dataset: Dataset) -> Dataset:
    """Return the events in the order of their time: backfill may have taken them as they arrived. The matrix is sorted in place."""
    order = np.argsort(dataset.event_ms, kind="stable")
    for column in dataset.features.T:
        column[:] = column[order]
    names = ("event_ms", "amounts", "cards", "is_fraud", "truth", "known_ms", "patterns")
    return replace(dataset, **{name: getattr(dataset, name)[order] for name in names})


def _labels(facts: pa.Table, event_ms: Times) -> tuple[Labels, Times]:
    """Return what the labels say and when; one without a time counts as known after the usual delay."""
    labels: Any = facts["is_fraud"]
    known_ms = _milliseconds(facts["known_at"], -1)
    usual_ms = event_ms + LABEL_DELAY_DAYS * DAY_MS
    has_label = pc.is_valid(labels).to_numpy().astype(np.bool_)
    known_ms = np.where(has_label, np.where(known_ms < 0, usual_ms, known_ms), NEVER_MS)
    return pc.fill_null(labels.cast(pa.int8()), 0).to_numpy().astype(np.bool_), known_ms


def _truth(facts: pa.Table, is_fraud: Labels) -> Labels:
    """Return the truth where backfill was given it, else what the labels say."""
    column = facts["truth"]
    return is_fraud if column.null_count else np.asarray(column.to_numpy(), np.bool_)


def _milliseconds(column: Any, missing: int) -> Times:
    whole = column.cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    return np.asarray(pc.fill_null(whole, missing).to_numpy(), np.int64)


def _encode(column: Any) -> tuple[Codes, tuple[str, ...]]:
    """Return a number for each text, -1 for none, and the texts that the numbers stand for, in code point order."""
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    ranks = np.empty(len(texts) + 1, np.int32)
    ranks[order] = np.arange(len(texts))
    ranks[-1] = -1
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return ranks[places], tuple(texts[place] for place in order)


def _source(folder: Path) -> str:
    """Return the names of the files that backfill read, without the folders of somebody's machine."""
    sources = json.loads((folder / _REPORT_FILE).read_text()).get("sources", [folder.name])
    return ", ".join(Path(source).name for source in sources)


def _digest(files: Sequence[Path]) -> str:
    digest = sha256()
    for file in files:
        with file.open("rb") as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
