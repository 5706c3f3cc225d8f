"""A bundle on disk: its files, their digests in the manifest, and the proof that the consumer would take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from consumer.scoring.bundle import MANIFEST_FILE, MODEL_FILE, POLICY_FILE, load_bundle
from consumer.scoring.features import FeatureSet
from consumer.scoring.manifest import MANIFEST_SCHEMA, Calibration, Manifest, Training
from consumer.scoring.model import Model
from consumer.scoring.runtime import current_runtime
from consumer.training.errors import TrainingRefused
from consumer.training.golden import Candidate, record_answers

DEFAULT_POLICY = Path(__file__).parent / POLICY_FILE


@dataclass(frozen=True)
class Made:
    """A model that is ready to be packed, and everything that its manifest says of it."""

    family: str
    graph: bytes
    policy: bytes
    feature_set: FeatureSet
    baseline: tuple[float, ...]
    reason_method: str
    training: Training
    calibration: Calibration

    @property
    def version(self) -> str:
        """The model's version: its family, its features and its digest."""
        return name_version(self.family, self.feature_set.name, self.graph)


def name_version(family: str, feature_set: str, graph: bytes) -> str:
    """Return the version that stands on every decision of a model."""
    return f"{family}-{feature_set.replace('/', '-')}-{sha256(graph).hexdigest()[:12]}"


def require_room(out: Path) -> None:
    """Raise `TrainingRefused` where `out` holds anything but a bundle: a new one would lie among somebody's files."""
    is_free = not out.exists() or (out.is_dir() and not any(out.iterdir())) or (out / MANIFEST_FILE).is_file()
    if not is_free:
        raise TrainingRefused(f"{out} is there and is no bundle", "Name another folder with --out.")


def write_bundle(out: Path, made: Made, candidates: Sequence[Candidate], others: Mapping[str, bytes]) -> Manifest:
    """Write model, policy, `others` and the manifest to `out` and return the manifest.

    What the folder's old manifest vouched for is taken away, anything else stays. The bundle is read back as the consumer would, so
    that `BundleRefused` is raised rather than a bad one left unnoticed.
    """
    files = {MODEL_FILE: made.graph, POLICY_FILE: made.policy, **others}
    manifest = Manifest(
        schema=MANIFEST_SCHEMA,
        model_version=made.version,
        feature_set=made.feature_set.name,
        features=made.feature_set.names,
        baseline=made.baseline,
        reason_method=made.reason_method,
        files={name: sha256(content).hexdigest() for name, content in files.items()},
        training=made.training,
        calibration=made.calibration,
        runtime=current_runtime(),
        golden=record_answers(candidates, made.feature_set, Model(made.graph, len(made.feature_set.names))),
    )
    _clear(out)
    for name, content in files.items():
        (out / name).write_bytes(content)
    (out / MANIFEST_FILE).write_bytes(manifest.sealed())
    return load_bundle(out).manifest


def _clear(out: Path) -> None:
    """Take away the bundle that was there: its model card would be another model's."""
    out.mkdir(parents=True, exist_ok=True)
    old = out / MANIFEST_FILE
    if old.exists():
        with suppress(ValidationError):
            for name in Manifest.model_validate_json(old.read_text()).files:
                (out / name).unlink(missing_ok=True)
