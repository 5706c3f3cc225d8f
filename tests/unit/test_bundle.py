"""Bundles: the committed one loads, and every way of breaking one is refused with the file at fault and a remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from consumer.scoring.bundle import DEFAULT_BUNDLE, BundleRefused, load_bundle
from consumer.scoring.features import EVENT, VELOCITY
from consumer.scoring.manifest import Manifest
from consumer.scoring.runtime import arithmetic_features, current_runtime
from tests.scoring_builders import EVENT_BUNDLE, a_graph, edit_manifest, reseal

OTHER_RUNTIME = current_runtime().model_copy(update={"onnxruntime": "0.0.1"}).model_dump(mode="json")
THIS_RUNTIME = current_runtime().model_dump(mode="json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EVENT_BUNDLE, tmp_path / "bundle"))


def manifest_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return document


def edit_golden(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    golden = manifest_of(folder)["golden"]
    edit(golden[1])
    edit_manifest(folder, golden=golden)


def refusal(folder: Path) -> BundleRefused:
    with pytest.raises(BundleRefused) as refused:
        load_bundle(folder)
    assert str(refused.value).startswith(f"{refused.value.file}: {refused.value.cause}")
    assert refused.value.remedy.endswith(".")
    return refused.value


def assert_refused(folder: Path, file: str, cause: str) -> None:
    refused = refusal(folder)
    assert refused.file == folder / file
    assert cause in refused.cause


def test_the_committed_bundle_loads_is_small_and_names_its_parts() -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    assert (bundle.feature_set, bundle.policy.version) == (VELOCITY, "default/1")
    assert sum(file.stat().st_size for file in DEFAULT_BUNDLE.iterdir()) < 1_500_000
    assert bundle.manifest.files.keys() | {"manifest.json"} == {file.name for file in DEFAULT_BUNDLE.iterdir()}


def test_golden_vectors_cover_missing_values_and_both_ends_of_the_scale() -> None:
    golden = load_bundle(DEFAULT_BUNDLE).manifest.golden
    assert any(value is None for vector in golden for value in vector.features)
    assert min(vector.probability for vector in golden) < 0.001
    assert max(vector.probability for vector in golden) > 0.5


@pytest.mark.parametrize("file", ["manifest.json", "model.onnx", "policy.toml"])
def test_a_missing_file_is_refused(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert_refused(folder, file, "No such file")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\x80\x04K\x01.", b"null"])
def test_a_manifest_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    assert_refused(folder, "manifest.json", "not a manifest")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"schema": "model-bundle/2"}, "schema"),
        ({"model_version": ""}, "model_version"),
        ({"colour": 1}, "colour"),
        ({"files": {"model.onnx": "abc"}}, "files.model.onnx"),
        ({"golden": []}, "golden"),
        ({"baseline": ["a"]}, "baseline.0"),
        ({"runtime": {}}, "runtime.onnxruntime"),
    ],
)
def test_a_manifest_with_a_wrong_key_names_it(folder: Path, changes: dict[str, Any], named: str) -> None:
    edit_manifest(folder, **changes)
    assert_refused(folder, "manifest.json", f"{named}: ")


def test_a_feature_set_of_another_release_is_refused(folder: Path) -> None:
    edit_manifest(folder, feature_set="event/999")
    assert_refused(folder, "manifest.json", "feature set event/999 is not known to this release, which has event/1")


def test_features_in_another_order_are_refused(folder: Path) -> None:
    edit_manifest(folder, features=list(reversed(EVENT.names)))
    assert_refused(folder, "manifest.json", "not those of event/1")


def test_a_baseline_of_another_length_is_refused(folder: Path) -> None:
    edit_manifest(folder, baseline=[0.0])
    assert_refused(folder, "manifest.json", "not those of event/1")


@pytest.mark.parametrize("file", ["model.onnx", "policy.toml"])
def test_one_changed_byte_is_refused(folder: Path, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    assert_refused(folder, file, "its SHA-256 is not the manifest's")


def test_a_file_without_a_digest_is_refused(folder: Path) -> None:
    edit_manifest(folder, files={"model.onnx": manifest_of(folder)["files"]["model.onnx"]})
    assert_refused(folder, "policy.toml", "no digest")


@pytest.mark.parametrize(
    ("content", "cause"), [(b"version = 1", "version: "), (b"\xff", "line 1: not UTF-8"), (b"=", "not TOML")]
)
def test_a_sealed_policy_that_is_wrong_is_refused(folder: Path, content: bytes, cause: str) -> None:
    (folder / "policy.toml").write_bytes(content)
    reseal(folder)
    assert_refused(folder, "policy.toml", cause)


def replace_model(folder: Path, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    reseal(folder)


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x80\x04K\x01."])
def test_a_sealed_model_that_is_no_graph_is_refused(folder: Path, content: bytes) -> None:
    replace_model(folder, content)
    assert_refused(folder, "model.onnx", "cannot load the graph")


def test_a_graph_for_another_number_of_features_is_refused(folder: Path) -> None:
    nodes = [
        helper.make_node("ReduceSum", ["features", "axis"], ["probability"], keepdims=0),
        helper.make_node("Identity", ["features"], ["contributions"]),
    ]
    replace_model(folder, a_graph(nodes, width=3, axis=np.array([1])))
    assert_refused(folder, "model.onnx", "the contract is")


def test_a_graph_whose_answers_depend_on_the_batch_is_refused(folder: Path) -> None:
    nodes = [
        helper.make_node("Where", ["missing", "zero", "features"], ["contributions"]),
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("ReduceSum", ["contributions", "columns"], ["sums"], keepdims=0),
        helper.make_node("ReduceMean", ["sums"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["sums", "mean"], ["probability"]),
    ]
    nodes[:2] = nodes[1::-1]
    replace_model(folder, a_graph(nodes, columns=np.array([1]), zero=np.float32(0)))
    assert_refused(folder, "manifest.json", "a row scored alone differs")


def add_ulp(value: float) -> float:
    return float(np.nextafter(np.float32(value), np.float32(1)))


@pytest.mark.parametrize("what", ["probability", "contributions"])
def test_one_bit_off_is_refused_where_the_runtime_is_the_makers(folder: Path, what: str) -> None:
    def nudge(golden: dict[str, Any]) -> None:
        values = golden[what]
        golden[what] = add_ulp(values) if what == "probability" else [add_ulp(values[0]), *values[1:]]

    edit_manifest(folder, **remade(folder))
    load_bundle(folder)
    edit_golden(folder, nudge)
    assert_refused(folder, "manifest.json", f"the golden {what} differs by up to")


def remade(folder: Path) -> dict[str, Any]:
    """The golden answers of this very machine, in case that the committed ones were made on another."""
    bundle = load_bundle(folder)
    features = bundle.manifest.golden_features()
    answers = zip(bundle.model.probabilities(features), bundle.model.contributions(features), strict=True)
    golden = [
        vector | {"probability": float(probability), "contributions": contributions.tolist()}
        for vector, (probability, contributions) in zip(manifest_of(folder)["golden"], answers, strict=True)
    ]
    return {"golden": golden, "runtime": THIS_RUNTIME}


def test_another_runtime_may_differ_by_a_millionth_and_no_more(folder: Path) -> None:
    def shift(by: float) -> Callable[[dict[str, Any]], None]:
        return lambda golden: golden.update(probability=golden["probability"] + by)

    edit_manifest(folder, runtime=OTHER_RUNTIME)
    edit_golden(folder, shift(5e-7))
    load_bundle(folder)
    edit_golden(folder, shift(1e-5))
    assert_refused(folder, "manifest.json", "it must agree within 1e-06")


def test_equal_bits_are_not_expected_where_the_cpu_is_unknown() -> None:
    unknown = current_runtime().model_copy(update={"cpu_features": ()})
    assert not unknown.promises_equal_bits(unknown)
    assert arithmetic_features("") == ()


def test_the_cpus_arithmetic_is_read_on_x86_and_arm() -> None:
    assert arithmetic_features("processor : 0\nflags\t\t: fpu sse2 avx2 fma ht\n") == ("avx2", "fma", "sse2")
    assert arithmetic_features("Features\t: fp asimd sve crc32\n") == ("asimd", "sve")


def test_features_that_are_computed_otherwise_than_in_training_are_refused(folder: Path) -> None:
    edit_golden(folder, lambda golden: golden["event"].update(amount=golden["event"]["amount"] + 1))
    refused = refusal(folder)
    assert "gives amount_log2 = " in refused.cause
    assert "give the set a new name" in refused.remedy


def test_a_golden_event_that_the_schema_refuses_is_refused(folder: Path) -> None:
    edit_golden(folder, lambda golden: golden["event"].pop("user_id"))
    assert_refused(folder, "manifest.json", "a golden event is not valid")


@pytest.mark.parametrize("what", ["features", "contributions"])
def test_a_golden_vector_of_another_length_is_refused(folder: Path, what: str) -> None:
    edit_golden(folder, lambda golden: golden[what].pop())
    assert_refused(folder, "manifest.json", "golden vector 1 has not one value per feature")


def test_a_loaded_bundle_needs_its_folder_no_more(folder: Path) -> None:
    bundle = load_bundle(folder)
    shutil.rmtree(folder)
    features = bundle.manifest.golden_features()
    assert bundle.model.probabilities(features) == pytest.approx(bundle.manifest.golden_probabilities(), abs=1e-6)


def test_the_manifests_numbers_survive_json() -> None:
    text = (EVENT_BUNDLE / "manifest.json").read_text()
    manifest = Manifest.model_validate_json(text)
    assert manifest.sealed().decode() == text
