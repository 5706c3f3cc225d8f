"""`fraudstream model` as operators use it, against the embedded AWS, and what a consumer that starts then scores with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from consumer.models.errors import DamagedObject
from consumer.settings import Settings, settings_from
from consumer.wiring import scorer_of
from infra.local.environment import LocalEnvironment
from infra.local.provision import ResourceNames, provision
from infra.local.up import resource_variables
from tests.contract.model_subjects import a_bundle

pytestmark = pytest.mark.real


@pytest.fixture
def variables(local_environment: LocalEnvironment, tmp_path: Path) -> dict[str, str]:
    """What `up` exports, with a model bucket of the test's own."""
    names = ResourceNames(model_bucket=f"models-{tmp_path.name.replace('_', '-')[:40].lower()}")
    resources = provision(local_environment, names, shards=1)
    own = {"FRAUDSTREAM_STATE_DIR": str(tmp_path / "state")}
    return {**local_environment.environment(), **resource_variables(resources), **own}


def run(variables: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "consumer.cli", "model", *arguments],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def versions(settings: Settings) -> tuple[str, str]:
    scorer = scorer_of(settings)
    return scorer.model_version, scorer.policy_version


def test_push_promote_roll_back_and_override_change_what_scores(variables: dict[str, str], tmp_path: Path) -> None:
    settings = settings_from(variables)
    shipped = versions(settings)
    for name in ("m-1", "m-2"):
        code, told, err = run(variables, "push", str(a_bundle(tmp_path / name, name, f"policy of {name}")))
        assert (code, err) == (0, ""), err
        digest = told.split()[-1]
        assert versions(settings) == shipped if name == "m-1" else ("m-1", "policy of m-1")
        code, told, err = run(variables, "promote", digest, "--by", "ann")
        assert (code, err) == (0, "")
        assert versions(settings) == (name, f"policy of {name}")
    policy = tmp_path / "policy.toml"
    policy.write_text((tmp_path / "m-1" / "policy.toml").read_text().replace("policy of m-1", "ours/1"))
    assert run(variables, "policy", "push", str(policy), "--by", "bob")[0] == 0
    assert versions(settings) == ("m-2", "ours/1")
    code, document, _ = run(variables, "show", "--json")
    pointers = json.loads(document)
    assert (code, pointers["shadow"], pointers["policy"]["moved_by"]) == (0, None, "bob")
    assert run(variables, "promote", pointers["production"]["previous"])[0] == 0
    assert run(variables, "policy", "clear")[0] == 0
    assert versions(settings) == ("m-1", "policy of m-1")
    assert run(variables, "fetch", "production", str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out" / "manifest.json").read_bytes() == (tmp_path / "m-1" / "manifest.json").read_bytes()
    assert versions(settings.model_copy(update={"model_bundle": tmp_path / "m-2"})) == ("m-2", "policy of m-2")


def test_what_is_damaged_in_the_bucket_is_refused_as_the_setting_says(
    variables: dict[str, str], local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    settings = settings_from(variables)
    shipped, folder = versions(settings), a_bundle(tmp_path / "m-1", "m-1", "p-1")
    digest = run(variables, "push", str(folder))[1].split()[-1]
    assert run(variables, "promote", "m-1")[0] == 0
    local_environment.client("s3").put_object(
        Bucket=variables["FRAUDSTREAM_MODEL_BUCKET"], Key=f"models/v1/bundles/{digest}/model.onnx", Body=b"spoiled"
    )
    assert versions(settings) == shipped
    with pytest.raises(DamagedObject, match=r"model\.onnx: its SHA-256 is not"):
        versions(settings_from({**variables, "FRAUDSTREAM_MODEL_REFUSED": "stop"}))
    code, _, err = run(variables, "fetch", "production", str(tmp_path / "out"))
    assert code == 2
    assert "delete it and push the bundle or policy again" in err


def test_a_bucket_that_is_not_there_is_told_in_one_line(variables: dict[str, str]) -> None:
    code, out, err = run({**variables, "FRAUDSTREAM_MODEL_BUCKET": "nowhere-at-all"}, "show")
    assert (code, out) == (2, "")
    assert "create the bucket or correct its name" in err
    assert err.count("\n") == 1
