"""Corrupt bundles, one kind after the other: each is refused, and the message says which file, what is wrong and what to do."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consumer.scoring.bundle import DEFAULT_BUNDLE, BundleRefused, load_bundle
from consumer.scoring.features import EVENT
from consumer.scoring.runtime import current_runtime
from tests.scoring_builders import edit_manifest, reseal

FETCH_AGAIN = "Fetch the whole bundle again; never edit one."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole bundle with a model card and a plot, sealed."""
    made = Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle"))
    (made / "card.md").write_text("# What this model is\n")
    (made / "plots").mkdir(exist_ok=True)
    (made / "plots" / "pr.png").write_bytes(b"\x89PNG\r\n")
    reseal(made, "card.md", "plots/pr.png")
    load_bundle(made)
    return made


def assert_refused(folder: Path, message: str) -> None:
    with pytest.raises(BundleRefused) as refused:
        load_bundle(folder)
    assert str(refused.value) == message.replace("FOLDER", str(folder))


def flip(file: Path, byte: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[byte] ^= 1 << bit
    file.write_bytes(content)


@pytest.mark.parametrize("file", ["model.onnx", "policy.toml", "card.md", "plots/pr.png"])
def test_a_flipped_bit_in_any_listed_file_is_refused(folder: Path, file: str) -> None:
    size = (folder / file).stat().st_size
    for byte in {0, size // 2, size - 1}:
        for bit in (0, 7):
            flip(folder / file, byte, bit)
            assert_refused(folder, f"FOLDER/{file}: its SHA-256 is not the manifest's. {FETCH_AGAIN}")
            flip(folder / file, byte, bit)
    load_bundle(folder)


def test_a_flipped_bit_anywhere_in_the_manifest_is_refused(folder: Path) -> None:
    file, chance = folder / "manifest.json", random.Random(5)
    content = file.read_bytes()
    first = range(content.index(b'"seal"'), content.index(b'"seal"') + 75)
    for byte in (*first, *(chance.randrange(len(content)) for _ in range(200))):
        flip(file, byte, chance.randrange(8))
        with pytest.raises(BundleRefused) as refused:
            load_bundle(folder)
        assert refused.value.file == file
        assert "not a manifest (" in refused.value.cause or refused.value.cause == "its seal is not its SHA-256"
        file.write_bytes(content)


def test_a_changed_figure_in_the_manifest_is_told_by_its_seal(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text().replace('"frauds": ', '"frauds": 1'))
    assert_refused(folder, f"FOLDER/manifest.json: its seal is not its SHA-256. {FETCH_AGAIN}")


def test_a_manifest_that_was_never_sealed_is_refused(folder: Path) -> None:
    file = folder / "manifest.json"
    document = json.loads(file.read_text())
    for seal in ({}, {"seal": "0" * 64}):
        file.write_text(json.dumps({name: value for name, value in document.items() if name != "seal"} | seal))
        assert_refused(folder, f"FOLDER/manifest.json: its seal is not its SHA-256. {FETCH_AGAIN}")


def test_features_in_another_order_are_refused(folder: Path) -> None:
    names = list(EVENT.names)
    edit_manifest(folder, features=[names[1], names[0], *names[2:]])
    assert_refused(
        folder,
        "FOLDER/manifest.json: its features are not those of velocity/1 in their order. "
        "Train again with this release; a changed feature set needs a new name.",
    )


def edit_golden(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    golden = json.loads((folder / "manifest.json").read_text())["golden"]
    edit(golden[2])
    edit_manifest(folder, golden=golden)


def next_float(value: float) -> float:
    return float(np.nextafter(np.float32(value), np.float32(1)))


def test_a_golden_probability_off_by_one_ulp_is_refused_on_the_makers_runtime(folder: Path) -> None:
    if not current_runtime().cpu_features:
        pytest.skip("equal bits are promised only where the CPU tells its features")
    remake_answers(folder)
    load_bundle(folder)
    edit_golden(folder, lambda golden: golden.update(probability=next_float(golden["probability"])))
    with pytest.raises(BundleRefused) as refused:
        load_bundle(folder)
    told = str(refused.value)
    assert told.startswith(f"{folder}/manifest.json: the golden probability differs by up to ")
    assert told.endswith(
        "; it must agree bit for bit, as the runtime is the maker's. "
        "Do not use it: export it again, or run it with the ONNX Runtime version that it names."
    )


def remake_answers(folder: Path) -> None:
    """Make the golden answers this machine's, in case that the committed ones were made on another."""
    bundle = load_bundle(folder)
    features = bundle.manifest.golden_features()
    document = json.loads((folder / "manifest.json").read_text())
    answers = zip(bundle.model.probabilities(features), bundle.model.contributions(features), strict=True)
    golden = [
        vector | {"probability": float(probability), "contributions": contributions.tolist()}
        for vector, (probability, contributions) in zip(document["golden"], answers, strict=True)
    ]
    edit_manifest(folder, golden=golden, runtime=current_runtime().model_dump(mode="json"))


def test_a_golden_feature_off_by_one_ulp_is_refused_on_every_runtime(folder: Path) -> None:
    other = current_runtime().model_copy(update={"onnxruntime": "0.0.1"}).model_dump(mode="json")
    edit_manifest(folder, runtime=other)
    load_bundle(folder)
    edit_golden(folder, lambda golden: golden["features"].__setitem__(0, next_float(golden["features"][0])))
    with pytest.raises(BundleRefused, match=r"golden event 2 gives amount_log2 = .* The features' code changed"):
        load_bundle(folder)


@pytest.mark.parametrize("file", ["manifest.json", "model.onnx", "policy.toml", "card.md", "plots/pr.png"])
def test_a_missing_file_is_refused(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert_refused(folder, f"FOLDER/{file}: cannot be read (No such file or directory). Fetch the whole bundle again.")


def test_a_file_that_the_manifest_does_not_list_is_not_even_read(folder: Path) -> None:
    before = load_bundle(folder)
    (folder / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    (folder / "policy.toml.bak").mkdir()
    after = load_bundle(folder)
    assert (after.manifest, after.policy) == (before.manifest, before.policy)


@pytest.mark.parametrize("file", ["model.onnx", "policy.toml", "card.md", "plots/pr.png"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_truncated_file_is_refused(folder: Path, file: str, share: float) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: int(len(content) * share)])
    assert_refused(folder, f"FOLDER/{file}: its SHA-256 is not the manifest's. {FETCH_AGAIN}")


def test_a_truncated_manifest_is_refused(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BundleRefused, match=r"manifest\.json: not a manifest \(file: Invalid JSON: .*\)\. Export"):
        load_bundle(folder)


def test_the_manifest_of_another_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    policy = other / "policy.toml"
    policy.write_text(policy.read_text().replace("high_above = 0.5", "high_above = 0.6"))
    reseal(other, "card.md", "plots/pr.png")
    load_bundle(other)
    shutil.copy(other / "manifest.json", folder / "manifest.json")
    assert_refused(folder, f"FOLDER/policy.toml: its SHA-256 is not the manifest's. {FETCH_AGAIN}")


def test_a_broken_policy_is_refused_with_its_line(folder: Path) -> None:
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text() + '\n[[block]]\nuser_id = "u-1"\nreason = "stolen"\nexpires = "2027-01-01"\n')
    reseal(folder, "card.md", "plots/pr.png")
    line = policy.read_text().count("\n")
    assert_refused(
        folder,
        f"FOLDER/policy.toml: line {line}: block.0.expires: must be a moment with its offset and without quotes, "
        "such as 2026-12-31T00:00:00Z. Correct the policy and export the bundle again.",
    )


@pytest.mark.parametrize("name", ["../policy.toml", "/etc/passwd", ".hidden", "a//b", "a/../b", ""])
def test_a_listed_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    edit_manifest(folder, files={name: "0" * 64})
    with pytest.raises(BundleRefused, match=r"manifest\.json: not a manifest \(files\..*String should match pattern"):
        load_bundle(folder)
