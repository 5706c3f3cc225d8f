"""What a container's processes share is divided by the shards that the host counts."""

from __future__ import annotations

import os

from consumer.kinesis.shard_count import ShardCount


def test_everything_is_one_shards_while_nothing_was_told() -> None:
    assert ShardCount().share_of(1_000) == 1_000


def test_a_forked_process_sees_what_the_host_tells_afterwards() -> None:
    shards, (told, tell), (answer, ask) = ShardCount(), os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(told, 1)
        os.write(ask, str(shards.share_of(1_000)).encode())
        os._exit(0)
    shards.tell(8)
    os.write(tell, b"!")
    assert os.read(answer, 10) == b"125"
    os.waitpid(pid, 0)
    for fd in (told, tell, answer, ask):
        os.close(fd)
