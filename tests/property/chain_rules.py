"""The parts of the chain that a simulation puts together, and the two ways in which it ends early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.decision import Decision
from schemas.position import StreamPosition
from sinks.lake.appender import LakeAppender
from sinks.lake.chunks import ChunkChain, row_of
from sinks.lake.memory import MemoryLake


class Died(BaseException):
    """The process is gone, wherever it was."""


class Violation(AssertionError):
    """What must never happen, happened."""


@dataclass(frozen=True)
class Rules:
    """The code under test; mutations replace a part of it."""

    chain: type[ChunkChain] = ChunkChain
    appender: type[LakeAppender] = LakeAppender
    lake: type[MemoryLake] = MemoryLake
    row_of: Callable[[StreamPosition, Decision | None], Decision | None] = row_of
