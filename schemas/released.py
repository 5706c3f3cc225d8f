"""The forms that a published schema ever had: schemas/json/released/<schema>-<n>.json, counted from 1, never changed and never deleted
while events, labels or dead letters of that form may still arrive. Apart, because the models say what is, and these say what was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from schemas.compatibility import breaking_changes, breaking_changes_for_readers, is_same

RELEASED = Path(__file__).parent / "json" / "released"
COMPARISONS = {
    "transaction-event": breaking_changes,
    "label": breaking_changes,
    "dead-letter": breaking_changes,  # replayed by a later release than the one that wrote it
    "decision": breaking_changes_for_readers,
    "alert": breaking_changes_for_readers,
}
"""What must not happen to each schema: that we refuse what others send, or that others cannot read what we write."""


class BreakingChangeError(Exception):
    """A schema changed so that it breaks a released form of itself."""

    def __init__(self, breaks: Sequence[str]) -> None:
        remedy = (
            "Add a field that may be absent instead, and leave the old one. Delete a form's file only if it was never committed, "
            "or if nothing of that form can arrive any more."
        )
        super().__init__("\n".join(("The schema breaks what was released:", *breaks, remedy)))


def released_forms(name: str, folder: Path = RELEASED) -> list[dict[str, Any]]:
    """Return every released form of a schema, oldest first."""
    return [json.loads(path.read_text()) for path in _paths(name, folder) if path.exists()]


def breaks_of(name: str, current: Mapping[str, Any], folder: Path = RELEASED) -> list[str]:
    """Return what `current` breaks of every released form, each with the form it breaks; empty if nothing."""
    forms = enumerate(released_forms(name, folder), start=1)
    return [f"{name}-{n}: {change}" for n, form in forms for change in COMPARISONS[name](form, current)]


def is_released(name: str, current: Mapping[str, Any], folder: Path = RELEASED) -> bool:
    """Whether the newest released form is this one, whatever descriptions and examples say."""
    forms = released_forms(name, folder)
    return bool(forms) and is_same(forms[-1], current)


def release(name: str, current: Mapping[str, Any], folder: Path = RELEASED) -> Path | None:
    """Write `current` as the next form and return its path; None where the newest form is the same already.

    Raises BreakingChangeError, and writes nothing, where it breaks a released form.
    """
    if breaks := breaks_of(name, current, folder):
        raise BreakingChangeError(breaks)
    if is_released(name, current, folder):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = next(path for path in _paths(name, folder) if not path.exists())
    path.write_text(json.dumps(current, indent=2, ensure_ascii=False) + "\n")
    return path


def _paths(name: str, folder: Path) -> Iterator[Path]:
    """Give the paths of the forms that exist, and of the next one."""
    for number in count(1):
        path = folder / f"{name}-{number}.json"
        yield path
        if not path.exists():
            return
