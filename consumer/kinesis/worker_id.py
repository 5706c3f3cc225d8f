"""The worker id: stable for the life of a container, because a restart under the same id takes seconds and a new id minutes."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

_ALLOWED = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")


def stable_worker_id(state_dir: Path, given: str | None = None) -> str:
    """Return `given`, else the id kept in `<state_dir>/worker-id`, else a new one, which is then kept there.

    Raises ValueError for an id that could not stand in a file name or a properties file. Two callers at once get the same id.
    """
    if given is not None:
        return _checked(given, "the setting")
    path = state_dir / "worker-id"
    if not path.exists():
        _keep(path, f"fraudstream-{uuid.uuid4().hex[:12]}")
    return _checked(path.read_text().strip(), str(path))


def _keep(path: Path, worker_id: str) -> None:
    """Write whole or not at all; whoever comes second keeps what the first one wrote."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(worker_id + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _checked(worker_id: str, source: str) -> str:
    if not _ALLOWED.match(worker_id) or worker_id in {".", ".."}:
        raise ValueError(
            f"worker id {worker_id!r} from {source} must be 1-128 letters, digits or _ . : - ; change it or delete the file"
        )
    return worker_id
