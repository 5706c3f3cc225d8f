"""The fingerprint of what computes: equal fingerprints promise equal bits, other ones the same score within 1e-6."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from consumer.scoring.model import ONNXRUNTIME_VERSION

_CPUINFO = Path("/proc/cpuinfo")
_ARITHMETIC = ("sse", "ssse", "avx", "fma", "f16c", "amx", "asimd", "neon", "sve", "bf16", "i8mm")


class Runtime(BaseModel):
    """What chooses the kernels that ONNX Runtime computes with."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    onnxruntime: str
    numpy: str
    system: str
    machine: str
    cpu_features: tuple[str, ...]
    """The CPU's arithmetic extensions, sorted; empty where the system does not tell."""

    def promises_equal_bits(self, other: Runtime) -> bool:
        """Whether both compute the same bits; never where the CPU's features are not known."""
        return bool(self.cpu_features) and self == other


@cache
def current_runtime() -> Runtime:
    """Return this process's fingerprint."""
    return Runtime(
        onnxruntime=ONNXRUNTIME_VERSION,
        numpy=np.__version__,
        system=platform.system(),
        machine=platform.machine(),
        cpu_features=arithmetic_features(_CPUINFO.read_text() if _CPUINFO.exists() else ""),
    )


def arithmetic_features(cpuinfo: str) -> tuple[str, ...]:
    """Return the arithmetic extensions that the text of `/proc/cpuinfo` lists for its first CPU, sorted."""
    for line in cpuinfo.splitlines():
        key, _, words = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return tuple(sorted(word for word in words.split() if word.startswith(_ARITHMETIC)))
    return ()
