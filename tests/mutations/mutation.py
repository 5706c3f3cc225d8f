"""What a mutation is: one rule of the design, broken by one change of one file. Apart from the catalogue, which only lists them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Mutation(NamedTuple):
    """A rule in the design's words, how it is broken, and the test that has to notice."""

    rule: str
    broken: str
    """How: the sentence by which the mutation is known."""
    file: str
    old: str
    """Occurs exactly once in the file."""
    new: str
    test: str
    """Node id; without parameters it stands for any of its cases."""

    def carry_out(self, tree: Path) -> None:
        """Change the file in the copy of the source at `tree`. Raises ValueError if the entry is stale."""
        path = tree / self.file
        path.write_text(self.changed(path.read_text()))

    def changed(self, source: str) -> str:
        """Return the file's text with the change made. Raises ValueError unless the old text is there exactly once."""
        found = source.count(self.old)
        if found != 1:
            raise ValueError(f"{self.broken}: the old text occurs {found} times in {self.file}")
        return source.replace(self.old, self.new)

    def flaw(self) -> str | None:
        """Return what is wrong with the entry itself, as the source stands now; None if nothing is."""
        try:
            self.changed((ROOT / self.file).read_text())
            tests = _functions((ROOT / self.test.partition("::")[0]).read_text())
        except (OSError, ValueError) as error:
            return str(error)
        if self.old == self.new:
            return f"{self.broken}: nothing is changed"
        return None if self.test.partition("::")[2].partition("[")[0] in tests else f"there is no {self.test}"


@cache
def _functions(source: str) -> frozenset[str]:
    return frozenset(node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
