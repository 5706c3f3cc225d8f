"""Starts anywhere but at a checkpoint, and deploys: the consumer stops, something has changed, it starts again."""

from __future__ import annotations

import importlib.util
import shutil
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from consumer.chaos.fault import Fault, FaultNotFiredError, Scene, between, one_of
from consumer.chaos.waiting import BrokenPromiseError
from consumer.scoring.bundle import MANIFEST_FILE, MODEL_FILE, POLICY_FILE, load_bundle
from consumer.scoring.manifest import Manifest

_COLD_S = 240.0
_MADE_FROM = 4_000


@dataclass(frozen=True, slots=True)
class Deploy(Fault):
    """A deploy under load: SIGTERM, then another model, policy and chunk size."""

    usual_s = 30.0
    model_seed: int = one_of(*range(2, 100))
    high_above: float = between(0.3, 0.7)
    chunk_max_age_s: float = between(1, 5)
    chunk_max_rows: int = one_of(50, 500, 5_000)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        deployment = scene.deployment
        bundle = self._bundle(deployment.folder / f"bundle-{uuid.uuid4().hex[:8]}")
        deployment.use_bundle(bundle)
        deployment.variables["FRAUDSTREAM_CHUNK_MAX_AGE_S"] = str(self.chunk_max_age_s)
        deployment.variables["FRAUDSTREAM_CHUNK_MAX_ROWS"] = str(self.chunk_max_rows)
        restart(scene)
        scene.wait_recovered()
        version = load_bundle(bundle).manifest.model_version
        if f'"{version}"' not in deployment.consumer.tail() and version not in deployment.consumer.log():
            raise FaultNotFiredError(f"the consumer does not say that it loaded {version}")
        return f"model {version}, chunks of {self.chunk_max_age_s} s or {self.chunk_max_rows} rows"

    def _bundle(self, folder: Path) -> Path:
        """Train a small model and give it another policy."""
        if importlib.util.find_spec("onnx") is None:
            raise FaultNotFiredError("another model needs the extra `train`: `make setup-dev` in a checkout")
        from consumer.training.linear_bundle import make_linear_bundle

        make_linear_bundle(folder, _MADE_FROM, self.model_seed)
        text = (folder / POLICY_FILE).read_text()
        changes = {
            'version = "default/1"': f'version = "{folder.name}"',
            "high_above = 0.5": f"high_above = {self.high_above}",
        }
        for before, after in changes.items():
            text = text.replace(before, after)
        (folder / POLICY_FILE).write_text(text)
        _seal(folder)
        return folder


@dataclass(frozen=True, slots=True)
class NewApplication(Fault):
    """The consumer starts under a new application name: no lease table, the whole stream again from TRIM_HORIZON."""

    usual_s = 60.0
    recovers_within_s = _COLD_S

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        return start_anew(scene)


@dataclass(frozen=True, slots=True)
class StartAtTimestamp(Fault):
    """The consumer starts at a moment, in the middle of what it has dealt with before."""

    usual_s = 60.0
    recovers_within_s = _COLD_S
    seconds: float = between(3, 20)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        moment = caught_up(scene) - timedelta(seconds=self.seconds)
        return start_anew(
            scene, FRAUDSTREAM_INITIAL_POSITION="AT_TIMESTAMP", FRAUDSTREAM_INITIAL_TIMESTAMP=moment.isoformat()
        )


@dataclass(frozen=True, slots=True)
class StartAfterTrim(Fault):
    """The stream is trimmed, and a new application starts at TRIM_HORIZON: in the middle of somebody's chunk."""

    usual_s = 60.0
    recovers_within_s = _COLD_S
    seconds: float = between(3, 20)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        moment = caught_up(scene) - timedelta(seconds=self.seconds)
        environment, stream = scene.deployment.environment, scene.deployment.resources.stream_name
        scene.deployment.consumer.stop()
        _require_clean(scene)
        environment.faults.trim(stream, int(moment.timestamp() * 1000))
        return start_anew(scene)


def _require_clean(scene: Scene) -> None:
    """Audit what the last audit cannot see any more. Raises BrokenPromiseError."""
    report = scene.deployment.audit()
    if not report.is_clean:
        raise BrokenPromiseError(f"before the trim: {'; '.join(report.findings)}")


def caught_up(scene: Scene) -> datetime:
    """Return a moment before which every record has its effects and its checkpoint."""
    scene.running()
    moment, ends = datetime.now(UTC), dict(scene.traffic.ends)
    scene.deployment.wait_checkpointed(ends)
    return moment - timedelta(seconds=1)


def restart(scene: Scene) -> None:
    """Stop the consumer as a deploy does, and start it again; the fault begins when it has stopped."""
    consumer = scene.deployment.consumer
    if consumer.is_running and (code := consumer.stop()) != 0:
        raise FaultNotFiredError(f"the consumer stopped with {code}: {consumer.tail()}")
    scene.begins()
    consumer.start()


def start_anew(scene: Scene, **settings: str) -> str:
    """Restart under a new application name, and wait until it reads."""
    deployment, start_s = scene.deployment, time.monotonic()
    name = f"{deployment.name}-{uuid.uuid4().hex[:6]}"
    deployment.variables.pop("FRAUDSTREAM_INITIAL_TIMESTAMP", None)
    deployment.variables |= {
        "FRAUDSTREAM_INITIAL_POSITION": "TRIM_HORIZON", **settings, "FRAUDSTREAM_APPLICATION_NAME": name
    }  # fmt: skip
    restart(scene)
    scene.require(lambda: bool(deployment.consumer.worker_pids()), "a worker of the new application", _COLD_S)
    return f"application {name} reads after {time.monotonic() - start_s:.0f} s"


def _seal(folder: Path) -> None:
    """Make the manifest's digests those of the files."""
    manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    digests = {name: sha256((folder / name).read_bytes()).hexdigest() for name in (MODEL_FILE, POLICY_FILE)}
    sealed = manifest.model_copy(update={"files": digests})
    draft = folder / f"{MANIFEST_FILE}.draft"
    draft.write_bytes(sealed.sealed())
    shutil.move(draft, folder / MANIFEST_FILE)
