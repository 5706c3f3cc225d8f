"""What a process must do before others are forked from it, and what a child must do so as not to outlive its parent.

Apart, because `prepare_process_environment` must run before any heavy library is imported: keep this module light.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from importlib.abc import MetaPathFinder
from pathlib import Path

_SETTINGS = (
    # library, variable, value: each starts a thread at import otherwise (seen with numpy 2, pyarrow 21, onnxruntime 1.23)
    ("numpy", "OPENBLAS_NUM_THREADS", "1"),
    ("numpy", "OMP_NUM_THREADS", "1"),
    ("pyarrow", "JE_ARROW_MALLOC_CONF", "background_thread:false"),
    (
        "pyarrow",
        "ARROW_DEFAULT_MEMORY_POOL",
        "system",
    ),  # its own pool kept 40 MB in each worker after two chunks
    ("onnxruntime", "ORT_DISABLE_TELEMETRY", "1"),
)
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8  # malloc.h
_libc = ctypes.CDLL(None, use_errno=True)


class ThreadsBeforeForkError(RuntimeError):
    """A process with several threads must not fork: a lock held by another thread stays locked in the child for ever."""


def prepare_process_environment(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that keep numpy, pyarrow and ONNX Runtime from starting threads. Call it before they are imported.

    Raises RuntimeError where a library was imported already without its variable: then it would be too late.
    """
    late = [library for library, name, value in _SETTINGS if library in sys.modules and environment.get(name) != value]
    if late:
        raise RuntimeError(
            f"{', '.join(sorted(set(late)))} was imported before prepare_process_environment(): import it afterwards"
        )
    environment.update({name: value for _, name, value in _SETTINGS})


class _NoPandas(MetaPathFinder):
    """Is asked first for every module that is not imported yet, and ends the search for pandas."""

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=fullname)


def do_without_pandas() -> None:
    """Let `import pandas` fail from now on, unless it was imported already: pyarrow imports it where it is installed.

    It asks whether a list that is to become an array is one of pandas', and in each worker anew: 54 MiB and 0.2 to 0.4 s, for nothing.
    """
    sys.meta_path.insert(0, _NoPandas())


def keep_one_heap() -> None:
    """Let all threads of this process and of its children take memory from one heap: a second one kept 6 MB in each worker (glibc)."""
    with suppress(AttributeError):  # another libc
        _libc.mallopt(_M_ARENA_MAX, 1)


def thread_names() -> list[str]:
    """Return the names of this process's threads, those that Python does not know included (Linux)."""
    return [_comm(task) for task in Path("/proc/self/task").iterdir()]


def _comm(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except FileNotFoundError:
        return "(ended meanwhile)"


def require_single_thread() -> None:
    """Raise ThreadsBeforeForkError unless this process has exactly one thread."""
    names = thread_names()
    if len(names) != 1:
        raise ThreadsBeforeForkError(
            f"{len(names)} threads before a fork ({', '.join(sorted(names))}): call prepare_process_environment() before the "
            "heavy imports, and start no thread pool while loading"
        )


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends; exit at once where the parent ended before the call.

    The signal follows the parent's *thread* that forked; the host has one only. It survives exec, but not a further fork.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl(PR_SET_PDEATHSIG): {os.strerror(error)}")
    if os.getppid() != parent_pid:
        os._exit(1)
