"""`fraudstream model`: what the commands say, move and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consumer.cli import app
from consumer.models.errors import NotInStore, PointerMoved
from consumer.models.memory import MemoryModelObjects
from consumer.models.objects import Stored
from consumer.models.pointers import Pointers
from consumer.operations.model import (
    ModelStore,
    a_move,
    clear_policy,
    describe,
    fetch,
    open_store,
    promote,
    push,
    push_policy,
    resolve,
    show_lines,
    verify,
)
from consumer.scoring.bundle import DEFAULT_BUNDLE, BundleRefused, load_bundle
from consumer.scoring.features import EVENT
from consumer.scoring.policy import PolicyError
from tests.contract.model_subjects import a_bundle, digest_of
from tests.scoring_builders import edit_manifest


@pytest.fixture
def store() -> ModelStore:
    return open_store(MemoryModelObjects())


@pytest.fixture
def said() -> list[str]:
    return []


def test_push_stores_and_says_what_to_do_next(store: ModelStore, said: list[str], tmp_path: Path) -> None:
    folder = a_bundle(tmp_path / "in", "m-1", "p-1")
    (folder / "notes.txt").write_text("mine")
    digest = push(store, folder, said.append)
    assert said == [
        "left behind, as the manifest does not list them: notes.txt",
        f"stored model m-1 with policy p-1 as {digest}",
        f"next: fraudstream model promote {digest}",
    ]


def test_push_refuses_what_a_consumer_would_refuse(store: ModelStore, said: list[str], tmp_path: Path) -> None:
    folder = a_bundle(tmp_path / "in", "m-1")
    edit_manifest(folder, features=list(reversed(EVENT.names)))
    with pytest.raises(BundleRefused, match="in their order"):
        push(store, folder, said.append)
    with pytest.raises(NotInStore):
        store.bundles.listing(digest_of(folder))


def test_promote_moves_says_how_to_go_back_and_goes_back(store: ModelStore, said: list[str], tmp_path: Path) -> None:
    one, two = (push(store, a_bundle(tmp_path / name, name), lambda _: None) for name in ("m-1", "m-2"))
    promote(store, one, "production", a_move("ann"), said.append)
    promote(store, "m-2", "production", a_move("bob"), said.append)
    promote(store, one, "production", a_move("bob"), said.append)
    assert [line for line in said if not line.startswith("to roll back")] == [
        "production: nothing -> model m-1 with policy default/1; consumers take it at their next start",
        "production: m-1 -> model m-2 with policy default/1; consumers take it at their next start",
        "production: m-2 -> model m-1 with policy default/1; consumers take it at their next start",
    ]
    assert f"to roll back: fraudstream model promote {one} --channel production" in said
    assert store.pointers.read("production").digest == one
    assert store.pointers.read("shadow").digest is None
    assert two == resolve(store, "m-2")


def test_promoting_what_is_promoted_moves_nothing(store: ModelStore, said: list[str]) -> None:
    digest = push(store, DEFAULT_BUNDLE, said.append)
    first = promote(store, digest, "shadow", a_move("ann"), said.append)
    assert promote(store, "shadow", "shadow", a_move("bob"), said.append) is None
    assert said[-1] == f"shadow points at {digest} already; nothing was moved"
    assert store.pointers.read("shadow").pointer == first


def test_promote_refuses_what_does_not_score_here(store: ModelStore, said: list[str], tmp_path: Path) -> None:
    folder = a_bundle(tmp_path / "in", "m-1")
    edit_manifest(folder, feature_set="event/99")
    digest = store.bundles.put(folder)
    with pytest.raises(BundleRefused, match="event/99 is not known"):
        promote(store, digest, "production", a_move("ann"), said.append)
    assert store.pointers.read("production").digest is None


def test_a_promotion_that_comes_second_says_who_came_first(said: list[str], tmp_path: Path) -> None:
    class Overtaken(MemoryModelObjects):
        """Somebody else moves the pointer while the bundle is being verified."""

        def read(self, key: str) -> Stored | None:
            if key.endswith("model.onnx") and not self.is_overtaken:
                self.is_overtaken = True
                Pointers(self).move("production", "7" * 64, "theirs", a_move("eve"), Pointers(self).read("production"))
            return super().read(key)

        is_overtaken = True

    store = open_store(objects := Overtaken())
    digest = push(store, a_bundle(tmp_path / "in"), said.append)
    objects.is_overtaken = False
    with pytest.raises(PointerMoved, match="production was moved meanwhile, to theirs, by eve"):
        promote(store, digest, "production", a_move("ann"), said.append)


@pytest.mark.parametrize("which", ["m-9", "0123", "production", "F" * 64])
def test_what_means_no_bundle_is_refused(store: ModelStore, which: str) -> None:
    with pytest.raises(NotInStore, match=f"{which} means no bundle of this store. Give the 64 characters"):
        resolve(store, which)


def test_fetch_and_verify_make_and_judge_a_folder(store: ModelStore, said: list[str], tmp_path: Path) -> None:
    digest = push(store, DEFAULT_BUNDLE, lambda _: None)
    promote(store, digest, "production", a_move("ann"), lambda _: None)
    fetch(store, "production", tmp_path, said.append)
    assert load_bundle(tmp_path).manifest == load_bundle(DEFAULT_BUNDLE).manifest
    (tmp_path / "notes.txt").touch()
    verify(tmp_path, said.append)
    assert f"digest       {digest}" in said
    assert "policy       default/1: 0 segments, 0 block and 0 allow entries" in said
    assert said[-1].startswith("not listed   notes.txt")


def test_a_policy_overrides_until_it_is_cleared(store: ModelStore, said: list[str], tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text((DEFAULT_BUNDLE / "policy.toml").read_text().replace("default/1", "ours/1"))
    assert clear_policy(store, a_move("ann"), said.append) is None
    pushed = push_policy(store, file, a_move("ann"), said.append)
    assert pushed is not None
    assert push_policy(store, file, a_move("bob"), said.append) is None
    assert store.pointers.read("policy").pointer == pushed
    cleared = clear_policy(store, a_move("bob"), said.append)
    assert cleared is not None
    assert cleared.previous == pushed.digest
    assert clear_policy(store, a_move("bob"), said.append) is None
    assert [line.split(";")[0] for line in said] == [
        "no policy overrides the bundle's",
        f"policy: nothing -> ours/1 ({str(pushed.digest)[:12]})",
        "policy ours/1 overrides the bundle's already",
        "policy: ours/1 -> the bundle's own",
        "no policy overrides the bundle's",
    ]


def test_a_policy_that_is_wrong_moves_nothing_and_names_file_and_line(store: ModelStore, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('version = "x"\nclassify_above = 2.0\n')
    with pytest.raises(PolicyError, match=r"mine\.toml: .*line 2: classify_above: "):
        push_policy(store, file, a_move("ann"), print)
    assert store.pointers.read("policy").digest is None


def test_show_tells_every_pointer(store: ModelStore) -> None:
    nothing = "nothing, so the shipped bundle scores"
    assert show_lines(store) == [
        f"production  {nothing}", f"shadow      {nothing}", "policy      the bundle's own",
    ]  # fmt: skip
    digest = push(store, DEFAULT_BUNDLE, lambda _: None)
    moved = promote(store, digest, "production", a_move("ann"), lambda _: None)
    assert moved is not None
    assert show_lines(store)[0].startswith(f"production  {moved.version} ({digest}), moved 20")
    assert show_lines(store)[0].endswith("Z by ann")
    assert describe(store) == {"production": moved.model_dump(mode="json"), "shadow": None, "policy": None}
    json.dumps(describe(store))


def test_without_a_bucket_the_command_line_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAUDSTREAM_MODEL_BUCKET", raising=False)
    result = CliRunner().invoke(app, ["model", "show"])
    assert result.exit_code == 2
    assert result.stderr == (
        "fraudstream: no model store: set FRAUDSTREAM_MODEL_BUCKET to an S3 bucket, "
        "or add --local to use the environment that `fraudstream up` started here\n"
    )


def test_verify_needs_no_bucket_and_tells_file_cause_and_remedy(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["model", "verify", str(DEFAULT_BUNDLE)]).exit_code == 0
    folder = a_bundle(tmp_path / "in")
    (folder / "policy.toml").write_text("spoiled")
    result = CliRunner().invoke(app, ["model", "verify", str(folder)])
    assert result.exit_code == 2
    assert result.stderr == (
        f"fraudstream: {folder}/policy.toml: its SHA-256 is not the manifest's. Fetch the whole bundle again; never edit one.\n"
    )
