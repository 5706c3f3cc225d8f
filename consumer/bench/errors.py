"""What keeps a part of the benchmark from being run. Apart, so that the command line may name it cheaply."""

from __future__ import annotations

import importlib
from types import ModuleType

INSTALL = "install the extras `bench` and `local`: `make setup-dev` in a checkout"


class BenchRefused(ValueError):
    """The part cannot be run here: `cause` says why, `remedy` what to do."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause, self.remedy = cause, remedy


def need(library: str) -> ModuleType:
    """Return a module of the extra `bench`. Raises BenchRefused where it is not installed."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise BenchRefused(f"{library} cannot be imported ({error})", INSTALL) from error
