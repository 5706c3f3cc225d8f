"""From labelled events to a verified bundle on disk: train on the past, measure on what came after, write, read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from consumer.scoring.bundle import MANIFEST_FILE, MODEL_FILE, POLICY_FILE, load_bundle
from consumer.scoring.features import FeatureSet
from consumer.scoring.manifest import MANIFEST_SCHEMA, REASON_METHOD, Manifest, Training
from consumer.scoring.model import Model
from consumer.scoring.policy import Policy, parse_policy
from consumer.scoring.runtime import current_runtime
from consumer.training.dataset import Dataset, LabelledEvent, materialise
from consumer.training.evaluate import calibrate, measure, score
from consumer.training.export import export_linear
from consumer.training.golden import choose_events, record_answers
from consumer.training.logistic import LinearModel, fit_logistic

_TRAIN_SHARE = 0.7
_POLICY = Path(__file__).parent / POLICY_FILE


def make_bundle(out: Path, labelled: Iterable[LabelledEvent], feature_set: FeatureSet, data: str) -> Manifest:
    """Train on the first 70 % of the events by time, measure on the rest, write the bundle to `out` and return its manifest.

    `data` says where the events came from. Equal arguments give equal bytes on the same machine. The bundle is read back as the
    consumer would, so `BundleRefused` is raised rather than a bad one left unnoticed; `NotConverged` and `NotExportable` pass.
    """
    history, held_out = materialise(labelled, feature_set).split(_TRAIN_SHARE)
    linear = fit_logistic(history.features, history.labels)
    files = {MODEL_FILE: export_linear(linear, "logistic"), POLICY_FILE: _POLICY.read_bytes()}
    training = Training(data=data, events=len(history.events), frauds=int(history.labels.sum()), metrics={})
    manifest = _describe(files, linear, feature_set, training, held_out)
    files[MANIFEST_FILE] = (manifest.model_dump_json(indent=1, by_alias=True) + "\n").encode()
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return load_bundle(out).manifest


def _describe(
    files: Mapping[str, bytes], linear: LinearModel, feature_set: FeatureSet, training: Training, held_out: Dataset
) -> Manifest:
    model = Model(files[MODEL_FILE], len(feature_set.names))
    scores = score(model, held_out)
    metrics = measure(held_out, scores, _read_policy(files))
    digests = {name: sha256(content).hexdigest() for name, content in files.items()}
    return Manifest(
        schema=MANIFEST_SCHEMA,
        model_version=f"logistic-{feature_set.name.replace('/', '-')}-{digests[MODEL_FILE][:12]}",
        feature_set=feature_set.name,
        features=feature_set.names,
        baseline=tuple(linear.means.tolist()),
        reason_method=REASON_METHOD,
        files=digests,
        training=training.model_copy(update={"metrics": metrics}),
        calibration=calibrate(held_out, scores),
        runtime=current_runtime(),
        golden=record_answers(choose_events(held_out, scores), feature_set, model),
    )


def _read_policy(files: Mapping[str, bytes]) -> Policy:
    return parse_policy(files[POLICY_FILE].decode())
