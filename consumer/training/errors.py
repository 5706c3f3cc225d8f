"""What keeps a model from being trained or measured and what to do about it. Apart, so that the command line may name it cheaply."""

from __future__ import annotations

import importlib
from types import ModuleType

INSTALL_TRAIN = "Install the extra `train`: `make setup-dev` in a checkout."


class TrainingRefused(ValueError):
    """The data or the settings give no model that could be trusted: `cause` says why, `remedy` what to do."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}. {remedy}")
        self.cause, self.remedy = cause, remedy


def need(library: str) -> ModuleType:
    """Return a module of the extra `train`; raises `TrainingRefused` where it is not installed."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise TrainingRefused(f"{library} cannot be imported ({error})", INSTALL_TRAIN) from error
