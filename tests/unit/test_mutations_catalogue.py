"""The catalogue of mutations fits the source as it stands: an entry that no longer does proves nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import ROOT


def test_no_entry_is_stale() -> None:
    assert [flaw for mutation in MUTATIONS if (flaw := mutation.flaw())] == []


def test_every_mutation_is_known_by_a_sentence_of_its_own() -> None:
    sentences = [mutation.broken for mutation in MUTATIONS]
    assert sorted(sentences) == sorted(set(sentences))


def test_every_mutant_can_be_run_for_what_cannot_breaks_no_rule(tmp_path: Path) -> None:
    for number, mutation in enumerate(m for m in MUTATIONS if m.file.endswith(".py")):
        mutant = tmp_path / f"mutant_{number}.py"
        mutant.write_text(f"# {mutation.broken}\n{mutation.changed((ROOT / mutation.file).read_text())}")
    undefined = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--quiet",
        "--select",
        "E9,F821,F823",
        str(tmp_path),
    ]
    assert subprocess.run(undefined, capture_output=True, text=True, check=False).stdout == ""
