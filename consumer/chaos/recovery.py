"""How long until events that arrived after a moment have their effects: measured on the ledger itself, shard by shard."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from consumer.chaos.deployment import Deployment
from consumer.chaos.waiting import WaitedInVainError
from sinks.errors import TransientSinkError
from sinks.ledger.reader import LedgerReader

Sign = Literal["decisions", "alerts"]
"""What shows that all is well again: a decision on every open shard, or an alert told."""
_LOOK_EVERY_S = 0.1


class RecoveryWatch:
    """Runs from its making until every open shard has a committed decision of an event that arrived after that.

    With `alerts`, until an alert about such an event is told. `seconds` is None until then; it is exact to a tenth.
    """

    def __init__(self, deployment: Deployment, sign: Sign) -> None:
        self.seconds: float | None = None
        self._deployment, self._sign = deployment, sign
        self._since, self._start_s = datetime.now(UTC) + timedelta(milliseconds=1), time.monotonic()
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def wait(self, patience_s: float) -> float:
        """Return the seconds. Raises WaitedInVainError."""
        self._thread.join(patience_s)
        self.stop()
        if self.seconds is None:
            raise WaitedInVainError(f"no new {self._sign} within {patience_s:.0f} s of the fault")
        return self.seconds

    def _run(self) -> None:
        with closing(LedgerReader(self._deployment.database_url, application_name="fraudstream-chaos")) as reader:
            while not self._stop.wait(_LOOK_EVERY_S):
                if self._is_recovered(reader):
                    self.seconds = time.monotonic() - self._start_s
                    return

    def _is_recovered(self, reader: LedgerReader) -> bool:
        try:
            if self._sign == "alerts":
                return reader.has_sent_alert_since(self._since)
            shards = {str(shard["ShardId"]) for shard in self._deployment.open_shards()}
            return shards <= reader.shards_decided_since(self._since)
        except (TransientSinkError, BotoCoreError, ClientError):  # the fault may strike us, too
            return False
