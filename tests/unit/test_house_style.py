"""The size of functions and files, as the house style has it. A mirror, not a sport."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "sinks", "producers", "consumer", "infra", "tests")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    source = path.read_text()
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", _code_lines(node, lines)


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines of the body that hold code: no signature, docstring, comment or blank."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    block = lines[body[0].lineno - 1 : node.end_lineno]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in block)


SIZES = dict(size for path in FILES for size in _functions(path))


def test_no_function_is_longer_than_thirty_lines() -> None:
    assert {name: size for name, size in SIZES.items() if size > 30} == {}


def test_nearly_all_functions_fit_twenty_lines_and_half_of_them_five() -> None:
    sizes = sorted(SIZES.values())
    assert sizes[int(len(sizes) * 0.95)] <= 20
    assert statistics.median(sizes) <= 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_fits_250_lines_and_says_what_lives_in_it(path: Path) -> None:
    source = path.read_text()
    is_test_module = path.name.startswith("test_")
    assert source.count("\n") <= (300 if is_test_module else 250)
    assert is_test_module or path.name == "__init__.py" or ast.get_docstring(ast.parse(source))
