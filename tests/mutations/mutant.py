"""A copy of the source with one rule broken, and the run of the test that has to notice: a process of its own, in the copy."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil

from tests.mutations.mutation import ROOT, Mutation

_PATIENCE_S = 120.0
_PATIENCE_FOR_ALL_S = 900.0
_OUTPUT = "pytest.out"
_OPTIONS = ("-q", "-rfs", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0")
_DOES_NOT_RUN = re.compile(
    r"\b(NameError|UnboundLocalError|SyntaxError|ImportError|ModuleNotFoundError)\b|syntax error at"
)


class Outcome(NamedTuple):
    """What a run of pytest came to; `exit_code` is None if it was given up."""

    exit_code: int | None
    output: str

    def failures(self) -> list[str]:
        """Return pytest's summary of the tests that failed themselves: what their fixtures could not set up is not among them."""
        return [line.removeprefix("FAILED ") for line in self.output.splitlines() if line.startswith("FAILED ")]

    def is_noticed_by(self, test: str) -> bool:
        """Whether `test` failed, and not because the code could not be run at all."""
        named = re.compile(re.escape(test) + r"(\[.*\])?( - .*)?")
        failed = [line for line in self.failures() if named.fullmatch(line)]
        return self.exit_code == 1 and bool(failed) and not any(map(_DOES_NOT_RUN.search, failed))

    def is_clean(self) -> bool:
        """Whether every test was run and passed."""
        return self.exit_code == 0 and "SKIPPED" not in self.output


def copy_source(tree: Path) -> None:
    """Copy the working tree as it is, but for what tools left in it."""
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "__pycache__"))


def run_unbroken(source: Path, tests: Sequence[str]) -> Outcome:
    """Run tests on a copy of `source` as it is."""
    with _a_copy_of(source) as tree:
        return run_tests(tree, tests, patience_s=_PATIENCE_FOR_ALL_S)


def run_mutant(source: Path, mutation: Mutation) -> Outcome:
    """Carry `mutation` out on a copy of `source` and run its test there. Raises ValueError if the entry is stale."""
    with _a_copy_of(source) as tree:
        mutation.carry_out(tree)
        return run_tests(tree, [mutation.test], "-x")


@contextmanager
def _a_copy_of(source: Path) -> Iterator[Path]:
    with TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(source, tree)
        try:
            yield tree
        finally:
            _end_processes_in(tree)


def _end_processes_in(tree: Path) -> None:
    """A mutant may leave processes behind; that is what some rules are for. They are known by the folder that they work in."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(tree):
                process.kill()


def run_tests(tree: Path, tests: Sequence[str], *options: str, patience_s: float = _PATIENCE_S) -> Outcome:
    """Run tests of the copy at `tree`, which alone is on the path. What does not end in time is killed."""
    path = tree / _OUTPUT
    with path.open("wb") as output:  # no pipe: a process that is left over would hold it open
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *_OPTIONS, *options, *tests],
            cwd=tree,
            env=_environment(tree),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        code = _wait(process, patience_s)
    return Outcome(code, path.read_text(errors="replace"))


def _wait(process: subprocess.Popen[bytes], patience_s: float) -> int | None:
    try:
        return process.wait(patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _environment(tree: Path) -> dict[str, str]:
    """Compiled modules are kept, whatever the machine says: compiling them again for each mutant doubles the time."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return outer | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "", "COLUMNS": "400"}
