"""A bucket in memory that answers as boto3's client does, and the unreliable way of one process to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.property.effects_process import Process


class Stored(NamedTuple):
    """An object: its bytes and its metadata."""

    body: bytes
    metadata: Mapping[str, str]


class Request(NamedTuple):
    """A conditional PUT."""

    key: str
    stored: Stored


def refusal(status: int, code: str) -> ClientError:
    """The error that botocore makes of S3's answer."""
    answer: Any = {"Error": {"Code": code, "Message": "made up"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


def time_out() -> ReadTimeoutError:
    """What botocore raises if no answer comes."""
    return ReadTimeoutError(endpoint_url="https://s3.invalid")


@dataclass
class MemoryBucket:
    """All objects, and the PUTs that are still on the wire, whoever sent them and whether he still lives."""

    objects: dict[str, Stored] = field(default_factory=dict)
    on_the_wire: list[Request] = field(default_factory=list)

    def put(self, request: Request) -> bool:
        """Store unless the key is taken: one atomic step, as S3 promises for If-None-Match."""
        return self.objects.setdefault(request.key, request.stored) is request.stored

    def land(self, index: int) -> Request:
        """Let a PUT arrive that was on the wire."""
        request = self.on_the_wire.pop(index)
        self.put(request)
        return request

    def keys(self, prefix: str) -> Iterator[str]:
        """What `consumer.auditing.objects.Bucket` gives."""
        yield from sorted(key for key in self.objects if key.startswith(prefix))

    def body(self, key: str) -> bytes:
        """What `consumer.auditing.objects.Bucket` gives."""
        return self.objects[key].body


class ScriptedS3:
    """The part of boto3's client that the adapters use, for one process. `call` names its PUTs: `put` or `letter`."""

    def __init__(self, bucket: MemoryBucket, process: Process, call: str, fired: Any) -> None:
        self._bucket, self._process, self._call, self._fired = bucket, process, call, fired

    def put_object(self, *, Key: str, Body: bytes, IfNoneMatch: str, **others: Any) -> None:  # noqa: N803
        """Store unless something stands at the key. Raises what botocore raises."""
        if IfNoneMatch != "*":
            raise AssertionError("every PUT is conditional")
        request = Request(Key, Stored(Body, others.get("Metadata", {})))
        self._process.visit(self._call, lambda: self._put(request))

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Return the object's metadata; raises 404."""
        return self._process.visit("look", lambda: self._head(Key))

    def get_paginator(self, operation: str) -> ScriptedS3:
        """Only lists are paged."""
        if operation != "list_objects_v2":
            raise AssertionError(operation)
        return self

    def paginate(self, *, Prefix: str, **_: Any) -> list[dict[str, Any]]:  # noqa: N803
        """Return one page with every key of the prefix."""
        return self._process.visit("look", lambda: self._list(Prefix))

    def _put(self, request: Request) -> None:
        fault = self._process.fault(self._call)
        if fault is not None:
            self._fired(f"{self._call}: {fault}")
            self._process.tell(f"{self._call} {fault}: {_short(request.key)}")
        match fault:
            case "503":
                raise refusal(503, "SlowDown")
            case "409":
                raise refusal(409, "ConditionalRequestConflict")
            case "lands late":
                self._bucket.on_the_wire.append(request)
                raise time_out()
        is_stored = self._bucket.put(request)
        self._process.tell(f"{self._call} {'stands' if is_stored else 'finds another'}: {_short(request.key)}")
        if fault == "answer lost":
            raise time_out()
        if not is_stored or fault == "retried inside":
            self._fired(f"{self._call}: 412")
            raise refusal(412, "PreconditionFailed")

    def _head(self, key: str) -> dict[str, Any]:
        self._fail_to_look()
        stored = self._bucket.objects.get(key)
        if stored is None:
            raise refusal(404, "404")
        return {"Metadata": stored.metadata}

    def _list(self, prefix: str) -> list[dict[str, Any]]:
        self._fail_to_look()
        return [{"Contents": [{"Key": key} for key in self._bucket.keys(prefix)]}]

    def _fail_to_look(self) -> None:
        if self._process.fault("look"):
            self._fired("look: 500")
            raise refusal(500, "InternalError")


def _short(key: str) -> str:
    return key.rpartition("/")[2].lstrip("0")
