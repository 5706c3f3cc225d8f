"""The output folder: made beside its place, whole or not at all, and never over something that is not a backfill's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumer.backfill.errors import BackfillError

SUMMARY_FILE = "backfill.json"
"""Written last: its presence says that the folder is a whole backfill."""


@contextmanager
def output_folder(out: Path, *, is_forced: bool) -> Iterator[Path]:
    """Yield a new folder that takes the name `out` at the end; where the block raises, it is removed and `out` stays as it was.

    Raises BackfillError where `out` holds a backfill and `is_forced` is False, or where it holds anything else.
    """
    _require_room(out, is_forced=is_forced)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.unfinished-{os.getpid()}")
    unfinished.mkdir()
    try:
        yield unfinished
        _take_place(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _require_room(out: Path, *, is_forced: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / SUMMARY_FILE).is_file():
        raise BackfillError(f"{out} is there and is no backfill: name another folder with --out")
    if not is_forced:
        raise BackfillError(f"{out} holds a backfill: name another folder, or replace it with --force")


def _take_place(unfinished: Path, out: Path) -> None:
    if out.exists():
        old = out.with_name(f".{out.name}.replaced-{os.getpid()}")
        out.rename(old)
        unfinished.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    else:
        unfinished.rename(out)
