"""The folder of a database cluster: reachable by the server's user, locked while its owner lives, swept up afterwards."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from infra.local.postgres.account import Account

_PREFIX = "fraudstream-cluster-"
_LOCK = "owner.lock"


class ClusterFolder:
    """A new folder under the system's temporary one, with room for the cluster; ``remove`` it in the end."""

    def __init__(self, account: Account) -> None:
        root = _root(account)
        _sweep(root)
        unlocked = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=root))
        self._lock = os.open(unlocked / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = unlocked.rename(root / unlocked.name.removeprefix("."))  # only now a sweep may see it
        account.own(self.path)

    @property
    def data(self) -> Path:
        """Where ``initdb`` makes the cluster."""
        return self.path / "data"

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _root(account: Account) -> Path:
    root = Path(tempfile.gettempdir()).resolve()
    is_reachable = all(folder.stat().st_mode & 0o001 for folder in (root, *root.parents))
    return root if is_reachable or not account.is_another else Path("/tmp")  # noqa: S108 - mkdtemp makes the name


def _sweep(root: Path) -> None:
    """Delete the folders that killed owners left behind: nobody holds their lock, no server runs in them."""
    for folder in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if not _is_owned(folder / _LOCK) and not _is_served(folder / "data"):
                shutil.rmtree(folder, ignore_errors=True)


def _is_owned(path: Path) -> bool:
    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def _is_served(data: Path) -> bool:
    pid_file = data / "postmaster.pid"
    return pid_file.exists() and Path("/proc", pid_file.read_text().split(maxsplit=1)[0]).exists()
