"""Whether traffic should come here: can the stream and the ledger be reached, and are events decided? Checks are cached and bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import structlog

_log = structlog.get_logger(__name__)

CheckName = Literal["stream", "ledger", "lag"]
OK = "ok"
_UNREACHABLE = "cannot be reached: see the gateway's log"
_SILENT = "does not answer"


class Report(NamedTuple):
    """`checks`: "ok" or what is wrong, for people; nothing in it is secret."""

    is_ready: bool
    checks: Mapping[CheckName, str]


class Probe:
    """One blocking check, in a thread of its own: asked for at most every `fresh_s`, waited for at most `patience_s`.

    For one event loop. `check` raises where something is wrong.
    """

    def __init__(
        self,
        name: CheckName,
        check: Callable[[], None],
        *,
        fresh_s: float = 5.0,
        patience_s: float = 1.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self._check = name, check
        self._fresh_s, self.patience_s, self._clock = fresh_s, patience_s, clock
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"gateway-probe-{name}")
        self._answer, self._answered_at_s = OK, -float("inf")
        self._asking: asyncio.Future[str] | None = None

    async def ask(self) -> str:
        """Return "ok" or what is wrong."""
        if self._clock() - self._answered_at_s < self._fresh_s:
            return self._answer
        if self._asking is None:
            self._asking = asyncio.get_running_loop().run_in_executor(self._executor, self._run)
            self._asking.add_done_callback(self._remember)
        done, _ = await asyncio.wait([self._asking], timeout=self.patience_s)
        return done.pop().result() if done else _SILENT

    def close(self) -> None:
        """End the thread; a check that hangs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> str:
        try:
            self._check()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the gateway is not ready; the log says what
            _log.warning("not_ready", check=self.name, kind=type(error).__name__, cause=str(error))
            return _UNREACHABLE
        return OK

    def _remember(self, asked: asyncio.Future[str]) -> None:
        self._asking = None
        if not asked.cancelled():
            self._answer, self._answered_at_s = asked.result(), self._clock()


class Readiness:
    """Asks the probes at once, and how long events have waited without one being decided: not ready beyond `most_lag_s`."""

    def __init__(
        self, stream: Probe, ledger: Probe, unanswered_s: Callable[[], float], *, most_lag_s: float = 10.0
    ) -> None:
        self._stream, self._ledger = stream, ledger
        self._unanswered_s, self._most_lag_s = unanswered_s, most_lag_s

    async def report(self) -> Report:
        """Return what is wrong, if anything. Never raises; takes at most as long as the probes are patient."""
        stream, ledger = await asyncio.gather(self._stream.ask(), self._ledger.ask())
        checks: dict[CheckName, str] = {"stream": stream, "ledger": ledger, "lag": self._lag()}
        return Report(all(text == OK for text in checks.values()), checks)

    def close(self) -> None:
        """End the probes' threads."""
        self._stream.close()
        self._ledger.close()

    def _lag(self) -> str:
        waited_s = self._unanswered_s()
        if waited_s <= self._most_lag_s:
            return OK
        return f"events wait for {waited_s:.0f} s and none is decided: look at the consumer"
