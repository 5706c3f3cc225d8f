"""What scores after a start: the promoted bundle, the overriding policy, or, where one is refused, what the setting says."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumer.models.errors import DamagedObject, NotInStore
from consumer.models.layout import BundleDigest, PointerName, PolicyDigest, bundle_key, pointer_key, policy_key
from consumer.models.memory import MemoryModelObjects
from consumer.models.pointers import Pointers
from consumer.models.serving import Serving, WhenRefused, load_serving
from consumer.models.store import BundleStore
from consumer.scoring.bundle import DEFAULT_BUNDLE, Bundle, BundleRefused, load_bundle
from consumer.scoring.features import EVENT
from consumer.scoring.policy import PolicyError
from sinks.errors import TransientSinkError
from tests.contract.model_subjects import a_bundle, a_move
from tests.scoring_builders import edit_manifest

DEFAULT = load_bundle(DEFAULT_BUNDLE)


class World:
    """A store, pointers and a cache; `load` is a start."""

    def __init__(self, folder: Path) -> None:
        self.objects, self.folder = MemoryModelObjects(), folder
        self.logged: list[Any] = []

    def point(self, name: PointerName, digest: str | None) -> None:
        pointers = Pointers(self.objects)
        pointers.move(name, digest, "v", a_move(), pointers.read(name))

    def promote(self, model_version: str, **manifest: Any) -> BundleDigest:
        folder = a_bundle(self.folder / model_version, model_version, f"policy of {model_version}")
        edit_manifest(folder, **manifest)
        digest = BundleStore(self.objects).put(folder)
        self.point("production", digest)
        return digest

    def override(self, version: str) -> PolicyDigest:
        text = (DEFAULT_BUNDLE / "policy.toml").read_bytes().replace(b"default/1", version.encode())
        digest, _ = BundleStore(self.objects).put_policy(text)
        self.point("policy", digest)
        return digest

    def load(self, when_refused: WhenRefused = "keep_default") -> Bundle:
        with capture_logs() as self.logged:
            return load_serving(self.objects, Serving("production", self.folder / "cache", when_refused))

    def refusals(self) -> dict[str, str]:
        return {entry["event"]: entry["cause"] for entry in self.logged if entry["log_level"] == "error"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def versions(bundle: Bundle) -> tuple[str, str]:
    return bundle.manifest.model_version, bundle.policy.version


def test_the_shipped_bundle_scores_until_one_is_promoted(world: World) -> None:
    assert versions(world.load()) == versions(DEFAULT)
    assert [entry["event"] for entry in world.logged] == ["no_model_promoted"]
    world.point("production", None)
    assert versions(world.load("stop")) == versions(DEFAULT)


def test_the_promoted_bundle_scores_with_its_own_policy(world: World) -> None:
    world.promote("m-1")
    assert versions(world.load()) == ("m-1", "policy of m-1")
    world.promote("m-2")
    assert versions(world.load()) == ("m-2", "policy of m-2")


def test_the_shadow_channel_is_another_one(world: World) -> None:
    digest = world.promote("m-1")
    world.point("production", None)
    world.point("shadow", digest)
    serving = Serving("shadow", world.folder / "cache", "stop")
    assert versions(load_serving(world.objects, serving))[0] == "m-1"
    assert versions(world.load()) == versions(DEFAULT)


def test_a_policy_overrides_the_bundles_without_a_new_model_until_it_is_cleared(world: World) -> None:
    world.promote("m-1")
    world.override("strict/7")
    assert versions(world.load()) == ("m-1", "strict/7")
    world.point("production", None)
    assert versions(world.load()) == (DEFAULT.manifest.model_version, "strict/7")
    world.point("policy", None)
    assert versions(world.load()) == versions(DEFAULT)


def test_a_bundle_that_was_fetched_once_is_not_read_again(world: World) -> None:
    digest = world.promote("m-1")
    world.load()
    for key in [key for key in world.objects.bodies if digest in key and "manifest" not in key]:
        del world.objects.bodies[key]
    assert versions(world.load("stop"))[0] == "m-1"


def test_a_cache_that_is_spoiled_is_fetched_again(world: World) -> None:
    digest = world.promote("m-1")
    world.load()
    for file in (world.folder / "cache" / digest).iterdir():
        file.write_bytes(b"spoiled")
    assert versions(world.load("stop"))[0] == "m-1"
    assert world.refusals() == {}


def refused(world: World, error: type[Exception]) -> str:
    """Loaded with both settings: the default is kept and logged, or the refusal is raised."""
    assert versions(world.load())[0] == DEFAULT.manifest.model_version
    told = world.refusals()["model_refused"]
    assert all(entry["remedy"].endswith(".") for entry in world.logged if entry["log_level"] == "error")
    with pytest.raises(error):
        world.load("stop")
    assert "model_refused" in world.refusals(), "the cause stands in the log, whatever the reaction"
    return told


def test_a_bundle_with_features_in_another_order_is_refused(world: World) -> None:
    digest = world.promote("m-1", features=list(reversed(EVENT.names)))
    assert "its features are not those of event/1 in their order" in refused(world, BundleRefused)
    assert not (world.folder / "cache" / digest).exists(), "nothing is kept of what is refused"


def test_a_bundle_of_a_release_to_come_is_refused(world: World) -> None:
    world.promote("m-1", feature_set="event/99")
    assert "feature set event/99 is not known to this release" in refused(world, BundleRefused)


def test_a_damaged_object_is_refused(world: World) -> None:
    digest = world.promote("m-1")
    world.objects.bodies[bundle_key(digest, "model.onnx")] += b" "
    assert "model.onnx: its SHA-256 is not" in refused(world, DamagedObject)


def test_a_bundle_that_is_not_there_is_refused(world: World) -> None:
    world.point("production", "0" * 64)
    assert "does not exist" in refused(world, NotInStore)


def test_a_pointer_that_is_none_is_refused(world: World) -> None:
    world.objects.bodies[pointer_key("production")] = b"{"
    assert "it is no pointer" in refused(world, DamagedObject)


def test_a_policy_that_is_refused_leaves_the_bundles_own(world: World) -> None:
    world.promote("m-1")
    digest = world.override("strict/7")
    world.objects.bodies[policy_key(digest)] = b""
    assert versions(world.load()) == ("m-1", "policy of m-1")
    assert "its SHA-256 is not" in world.refusals()["policy_refused"]
    with pytest.raises(DamagedObject):
        world.load("stop")


def test_a_policy_that_a_release_cannot_read_is_refused_with_its_line(world: World) -> None:
    text = b'version = "v"\ncolour = 1\n'
    digest = sha256(text).hexdigest()
    world.objects.bodies[f"models/v1/policies/{digest}.toml"] = text
    world.point("policy", digest)
    assert versions(world.load()) == versions(DEFAULT)
    assert "line 2: colour: " in world.refusals()["policy_refused"]
    with pytest.raises(PolicyError):
        world.load("stop")


class _Away(MemoryModelObjects):
    def read(self, key: str) -> None:
        raise TransientSinkError("S3 cannot be reached", key=key)


@pytest.mark.parametrize("when_refused", ["keep_default", "stop"])
def test_where_the_store_cannot_be_asked_nothing_stands_in_for_its_answer(
    world: World, when_refused: WhenRefused
) -> None:
    world.objects = _Away()
    with pytest.raises(TransientSinkError):
        world.load(when_refused)
