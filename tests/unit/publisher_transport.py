"""A scripted Kinesis under a real boto3 client: the client makes its request, the script answers instead of the network."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from producers.kinesis import Publisher, PublisherSettings
from producers.records import OutgoingRecord

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

Answer = dict[str, str]
Request = list[OutgoingRecord]
Script = Callable[[int, Request], list[Answer] | BaseException | tuple[int, str]]
"""Gets the request's number from 0 and its records; gives an answer per record, an error to raise, or a status and an error code."""


def stored(request: Request) -> list[Answer]:
    return [{"ShardId": "shardId-000000000000", "SequenceNumber": f"{len(r.data)}-{i}"} for i, r in enumerate(request)]


def throttled(message: str = "slow down") -> Answer:
    return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": message}


@dataclass
class ScriptedKinesis:
    """Keeps every request as it went over the wire and what was stored, in the order of storing."""

    script: Script = lambda _, request: stored(request)
    requests: list[Request] = field(default_factory=list)
    stored: list[OutgoingRecord] = field(default_factory=list)
    slept_s: list[float] = field(default_factory=list)
    now_s: float = 1000.0

    def client(self) -> KinesisClient:
        client = boto3.client(
            "kinesis",
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            endpoint_url="http://127.0.0.1:9",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("before-send.kinesis.PutRecords", cast("Any", self._answer))
        return client

    def publisher(self, settings: PublisherSettings | None = None, **options: Any) -> Publisher:
        return Publisher(
            self.client(), "events", settings=settings, clock=lambda: self.now_s, sleep=self._sleep, **options
        )

    def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        body = json.loads(request.body)
        records = [OutgoingRecord(b64decode(r["Data"]), r["PartitionKey"]) for r in body["Records"]]
        self.requests.append(records)
        answer = self.script(len(self.requests) - 1, records)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, tuple):
            return _response(answer[0], {"__type": answer[1], "message": "said the script"})
        self.stored += [record for record, entry in zip(records, answer, strict=True) if "SequenceNumber" in entry]
        failed = sum("ErrorCode" in entry for entry in answer)
        return _response(200, {"FailedRecordCount": failed, "Records": answer})


class _Raw:
    """The part of urllib3's response that botocore reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content


def _response(status: int, body: dict[str, Any]) -> AWSResponse:
    headers: Any = {"content-type": "application/x-amz-json-1.1"}
    return AWSResponse("http://127.0.0.1:9/", status, headers, _Raw(json.dumps(body).encode()))
