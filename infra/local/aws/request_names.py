"""What a request says of itself: service, operation and what it is about, as far as injected faults tell requests apart."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from infra.local.aws.http import HttpRequest
from infra.local.aws.kinesis_endpoint import TARGET_PREFIX
from infra.local.kinesis.errors import SerializationException
from infra.local.kinesis.tokens import stream_of
from infra.local.kinesis.wire import codec_for

_NAMING = ("StreamName", "StreamARN", "ConsumerARN", "TableName", "TopicArn", "TargetArn", "QueueUrl", "QueueName")
_TOKENS = ("ShardIterator", "NextToken")
_BATCHES = ("Records", "PublishBatchRequestEntries")

_OF_A_BUCKET: Mapping[tuple[str, str], str] = {
    ("PUT", ""): "CreateBucket",
    ("HEAD", ""): "HeadBucket",
    ("DELETE", ""): "DeleteBucket",
    ("GET", ""): "ListObjects",
    ("GET", "list-type"): "ListObjectsV2",
    ("POST", "delete"): "DeleteObjects",
}
_OF_AN_OBJECT: Mapping[tuple[str, str], str] = {
    ("PUT", ""): "PutObject",
    ("HEAD", ""): "HeadObject",
    ("GET", ""): "GetObject",
    ("DELETE", ""): "DeleteObject",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_MARKS = ("list-type", "delete", "uploads", "uploadId")


class RequestNames:
    """Reads no more of the request than it is asked for; what it cannot read has no name, and the endpoint answers that."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def service(self) -> str:
        """The service, as its endpoint is called."""
        return "kinesis" if self.request.target.startswith(TARGET_PREFIX) else self.request.service

    @cached_property
    def operation(self) -> str:
        """The operation's name in the API; empty for the rarer ones of S3."""
        if self.service == "s3":
            return _s3_operation(self.request)
        return self.request.target.rpartition(".")[2] or str(self._members.get("Action", ""))

    @cached_property
    def resource(self) -> str:
        """Streams (also those of iterators), tables, topics, queues; in S3 ``bucket/key``. A line each."""
        if self.service == "s3":
            return self.request.path.lstrip("/")
        return "\n".join(_names(self._members))

    @cached_property
    def entry_count(self) -> int:
        """How many entries a batch of PutRecords or PublishBatch has."""
        return sum(len(batch) for name in _BATCHES if isinstance(batch := self._members.get(name), list))

    @cached_property
    def _members(self) -> Mapping[str, Any]:
        content_type = self.request.headers.get("content-type", "")
        if content_type.startswith("application/x-www-form-urlencoded"):
            return _form_members(self.request.body)
        try:
            return codec_for(content_type).read(self.request.body)
        except SerializationException:
            return {}


def _s3_operation(request: HttpRequest) -> str:
    asked = {name for name, _ in parse_qsl(request.query, keep_blank_values=True)}
    mark = next((mark for mark in _MARKS if mark in asked), "")
    bucket, _, key = request.path.lstrip("/").partition("/")
    if not bucket:
        return "ListBuckets"
    if key and request.method == "PUT" and "x-amz-copy-source" in request.headers:
        return "UploadPartCopy" if mark else "CopyObject"
    return (_OF_AN_OBJECT if key else _OF_A_BUCKET).get((request.method, mark), "")


def _form_members(body: bytes) -> dict[str, Any]:
    members: dict[str, Any] = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    marker = "PublishBatchRequestEntries.member."
    numbers = {name.removeprefix(marker).partition(".")[0] for name in members if name.startswith(marker)}
    return {**members, "PublishBatchRequestEntries": sorted(numbers)}


def _names(members: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(members[name]) for name in _NAMING if name in members)
    yield from (stream_of(members[name]) for name in _TOKENS if isinstance(members.get(name), str))
    requests = members.get("RequestItems")
    yield from requests if isinstance(requests, dict) else ()  # batches of DynamoDB: by table
    for item in members.get("TransactItems") or ():
        for action in item.values() if isinstance(item, dict) else ():
            yield from _names(action)
