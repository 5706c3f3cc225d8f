"""A subscription's answer as it goes over the wire: events as records arrive, signs of life when none do, until it is over."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from infra.local.kinesis.consumer import LIFETIME_MS, Push, Subscription
from infra.local.kinesis.consumer_operations import describe_push
from infra.local.kinesis.event_stream import encode_event
from infra.local.kinesis.stream import Stream
from infra.local.kinesis.wire import Codec

_SIGN_OF_LIFE_S = 5.0
"""An idle shard's empty events: KCL subscribes anew after a minute of silence, and its tick hangs on them. AWS names no interval."""
_GATHER_S = 0.04
"""After an event, for so long, records gather for the next: AWS delivers after about 70 ms, and hardly an event for each PUT."""


async def push_shard(
    stream: Stream, subscription: Subscription, codec: Codec, clock_ms: Callable[[], int]
) -> AsyncGenerator[bytes, None]:
    """Give the encoded events: what comes after a pause at once, the rest as it gathers. Close it where the client goes."""
    news = asyncio.Event()
    subscription.shard.listeners.add(news.set)
    try:
        yield encode_event("initial-response", codec.content_type, codec.encode({}))
        while not subscription.is_over(clock_ms()):
            news.clear()
            push = subscription.take(clock_ms()) or await _wait(news, subscription, clock_ms)
            if push:
                event = describe_push(push, stream, subscription)
                yield encode_event("SubscribeToShardEvent", codec.content_type, codec.encode(event))
                await asyncio.sleep(_GATHER_S)
    finally:
        subscription.shard.listeners.discard(news.set)


async def _wait(news: asyncio.Event, subscription: Subscription, clock_ms: Callable[[], int]) -> Push | None:
    """Wait for news; without any, give a sign of life."""
    rest_s = (subscription.started_ms + LIFETIME_MS - clock_ms()) / 1000
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, min(rest_s, _SIGN_OF_LIFE_S))):
            await news.wait()
            return None
    return subscription.state(clock_ms(), [])
