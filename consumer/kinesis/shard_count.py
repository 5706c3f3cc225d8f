"""How many shards this container serves, for every process in it to see: what they share is divided by it."""

from __future__ import annotations

import mmap
from struct import Struct

_NUMBER = Struct("q")


class ShardCount:
    """One number in memory that forked processes share. The host alone writes it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NUMBER.size)  # anonymous, and shared with whoever is forked

    def tell(self, shards: int) -> None:
        """Let everybody see how many there are."""
        _NUMBER.pack_into(self._memory, 0, shards)

    def share_of(self, total: int) -> int:
        """Return what one shard may have of `total`: all of it while nothing was told."""
        (shards,) = _NUMBER.unpack_from(self._memory)
        return total // max(1, int(shards))
