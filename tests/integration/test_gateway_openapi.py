"""The OpenAPI document held against the app, by a machine that makes up good requests and bad ones (schemathesis, seeded)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway_world import served

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "schemathesis"
EXAMPLES = os.environ.get("FRAUDSTREAM_OPENAPI_EXAMPLES", "10")
TIMEOUT_S = 500.0


@pytest.mark.parametrize("seed", [20260301])
def test_the_app_keeps_what_its_document_promises(seed: int, tmp_path: Path) -> None:
    with served() as gateway:
        found = subprocess.run(
            [
                PROGRAM, "run", f"{gateway.url}/openapi.json",
                "--header", f"X-API-Key: {gateway.key()}",
                "--seed", str(seed), "--max-examples", EXAMPLES, "--continue-on-failure",
                "--generation-allow-x00", "false",
            ],
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.gateway_hooks", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    tried = re.search(r"(\d+) generated", found.stdout)
    assert tried is not None
    assert int(tried[1]) > 300
    assert len(gateway.house.world.store.decisions) > 20
    assert gateway.house.world.store.refusals == {}
