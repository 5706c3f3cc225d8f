"""Which requests an injected fault strikes: pure rules and counters, apart from the wire and from what a stroke does."""

import random
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import msgspec

Effect = Literal["error", "lost_answer", "hang_up", "slow", "partial"]
Service = Literal["kinesis", "dynamodb", "s3", "sns", "sqs"]

_PARTIAL = {("kinesis", "PutRecords"), ("sns", "PublishBatch")}


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong, for which requests and how often. Raises ``ValueError`` for a share of an operation without entries.

    ``resource`` must occur in what the request names: stream, table, bucket/key, topic ARN, queue URL, a line each (so a name with its
    line end is that name's end). ``None`` there and
    in ``operation`` means any. A request is struck with probability ``share`` (for ``partial`` each entry is), drawn from
    ``Random(seed)`` in the order of requests, ``times`` at most.

    * ``error``: answered with ``status`` and ``code`` instead of being carried out
    * ``lost_answer``: carried out, then answered with ``status`` and ``code``
    * ``hang_up``: not carried out; the connection closes without an answer, for all requests on it (HTTP/2 has many)
    * ``slow``: carried out ``delay_s`` later
    * ``partial``: the struck entries of PutRecords or PublishBatch come back failed with ``code`` and have no effect
    """

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]+$")]
    service: Service
    effect: Effect
    operation: str | None = None
    resource: str | None = None
    code: str = "InternalFailure"
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    delay_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    is_sender_fault: bool = False
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    seed: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could never fire: a test that injects it would prove nothing."""
        if self.effect == "partial" and (self.service, self.operation) not in _PARTIAL:
            raise ValueError("partial is for the operations PutRecords of kinesis and PublishBatch of sns")


class FaultCount(msgspec.Struct, frozen=True):
    """How many requests a fault was meant for, and how many of them it struck."""

    matched: int
    fired: int


class Named(Protocol):
    """What a request says of itself."""

    @property
    def service(self) -> str:
        """The service, as its endpoint is called."""

    @property
    def operation(self) -> str:
        """The operation's name in the API."""

    @property
    def resource(self) -> str:
        """What the request is about: a text that every name in it occurs in."""

    @property
    def entry_count(self) -> int:
        """How many entries a batch has."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A fault that befalls a request; ``entries`` are the indexes that a ``partial`` one strikes, from 0."""

    fault: Fault
    entries: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Injected:
    fault: Fault
    random: random.Random
    is_active: bool = True
    matched: int = 0
    fired: int = 0


@dataclass(slots=True)
class Faults:
    """The injected faults by name. Not safe in threads."""

    _injected: dict[str, _Injected] = field(default_factory=dict)

    @property
    def are_any_active(self) -> bool:
        """Whether a request has to be looked at at all."""
        return any(injected.is_active for injected in self._injected.values())

    def put(self, fault: Fault) -> None:
        """Inject a fault from now on; one of the same name goes, its counters too."""
        self._injected.pop(fault.name, None)
        self._injected[fault.name] = _Injected(fault, random.Random(fault.seed))  # noqa: S311 - seeded on purpose

    def remove(self, name: str) -> None:
        """End a fault; its counters stay. An unknown name is no error."""
        if name in self._injected:
            self._injected[name].is_active = False

    def counts(self) -> dict[str, FaultCount]:
        """Give the counters of every fault since it was put."""
        return {name: FaultCount(each.matched, each.fired) for name, each in self._injected.items()}

    def strike(self, request: Named) -> Stroke | None:
        """Find what befalls a request: the faults are asked in the order in which they were put, the first to fire does."""
        for injected in self._injected.values():
            if injected.is_active and _is_meant(injected.fault, request):
                injected.matched += 1
                if stroke := _draw(injected, request):
                    injected.fired += 1
                    return stroke
        return None


def _is_meant(fault: Fault, request: Named) -> bool:
    return (
        fault.service == request.service
        and fault.operation in (None, request.operation)
        and (fault.resource is None or fault.resource in f"{request.resource}\n")
    )


def _draw(injected: _Injected, request: Named) -> Stroke | None:
    fault = injected.fault
    if fault.times is not None and injected.fired >= fault.times:
        return None
    is_partial = fault.effect == "partial"
    draws = [injected.random.random() < fault.share for _ in range(request.entry_count if is_partial else 1)]
    if not any(draws):
        return None
    return Stroke(fault, frozenset(index for index, is_struck in enumerate(draws) if is_struck and is_partial))
