from __future__ import annotations

import pytest

from consumer.patience import Patience
from consumer.policies.backoff import Backoff
from sinks.errors import PermanentSinkError, TransientSinkError


class Sink:
    """Away for some calls, then back."""

    def __init__(self, away: int) -> None:
        self.away, self.calls = away, 0

    def call(self) -> str:
        self.calls += 1
        if self.calls <= self.away:
            raise TransientSinkError("the sink is away")
        return "answer"


def test_a_sink_that_is_away_is_waited_for_with_a_heartbeat() -> None:
    beats: list[str] = []
    sink = Sink(away=3)
    patience = Patience(beats.append, Backoff(base_s=0.001, cap_s=0.002))
    assert patience(sink.call) == "answer"
    assert sink.calls == 4
    assert set(beats) == {"the sink is away"}


def test_every_other_error_passes_at_once() -> None:
    def refuse() -> None:
        raise PermanentSinkError

    with pytest.raises(PermanentSinkError):
        Patience(lambda _: None)(refuse)
