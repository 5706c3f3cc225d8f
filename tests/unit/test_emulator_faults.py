"""Which requests an injected fault strikes, how often, and what a request says of itself."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import cbor2
import msgspec
import pytest

from infra.local.aws.faults import Fault, FaultCount, Faults
from infra.local.aws.http import HttpRequest
from infra.local.aws.request_names import RequestNames
from tests.unit.emulator_api import Api


@dataclass(frozen=True)
class Request:
    service: str = "kinesis"
    operation: str = "PutRecords"
    resource: str = "transactions"
    entry_count: int = 1


def a_fault(**members: Any) -> Fault:
    return Fault(**{"name": "f", "service": "kinesis", "effect": "error", **members})


def struck(fault: Fault, requests: int = 200, request: Request | None = None) -> list[bool]:
    faults = Faults()
    faults.put(fault)
    return [faults.strike(request or Request()) is not None for _ in range(requests)]


@pytest.mark.parametrize(
    ("members", "is_struck"),
    [
        ({}, True),
        ({"operation": "PutRecords"}, True),
        ({"operation": "PutRecord"}, False),
        ({"resource": "action"}, True),
        ({"resource": "labels"}, False),
        ({"service": "s3"}, False),
        ({"share": 0.0}, False),
        ({"times": 0}, False),
    ],
)
def test_a_fault_strikes_what_it_is_meant_for(members: dict[str, Any], is_struck: bool) -> None:
    assert struck(a_fault(**members), 1) == [is_struck]


def test_a_fault_strikes_its_share_and_the_same_requests_for_the_same_seed() -> None:
    first = struck(a_fault(share=0.3, seed=1))
    assert 30 < sum(first) < 90
    assert struck(a_fault(share=0.3, seed=1)) == first
    assert struck(a_fault(share=0.3, seed=2)) != first


def test_a_fault_fires_no_more_often_than_it_may_and_goes_on_counting() -> None:
    faults = Faults()
    faults.put(a_fault(times=2))
    assert [faults.strike(Request()) is not None for _ in range(4)] == [True, True, False, False]
    assert faults.counts() == {"f": FaultCount(matched=4, fired=2)}


def test_the_counters_outlive_the_fault_and_begin_anew_with_its_successor() -> None:
    faults = Faults()
    faults.put(a_fault())
    faults.strike(Request())
    faults.remove("f")
    assert (faults.are_any_active, faults.strike(Request())) == (False, None)
    assert faults.counts() == {"f": FaultCount(matched=1, fired=1)}
    faults.put(a_fault())
    assert (faults.are_any_active, faults.counts()) == (True, {"f": FaultCount(matched=0, fired=0)})
    faults.remove("never put")


def test_the_first_fault_that_fires_decides() -> None:
    faults = Faults()
    faults.put(a_fault(name="spent", times=0))
    faults.put(a_fault(name="first"))
    faults.put(a_fault(name="second"))
    stroke = faults.strike(Request())
    assert stroke is not None
    assert stroke.fault.name == "first"
    assert faults.counts()["second"] == FaultCount(matched=0, fired=0)


def test_a_partial_fault_strikes_entries_and_fires_if_it_struck_one() -> None:
    faults = Faults()
    faults.put(a_fault(effect="partial", operation="PutRecords", share=0.25))
    strokes = [faults.strike(Request(entry_count=4)) for _ in range(100)]
    entries = [stroke.entries for stroke in strokes if stroke]
    assert faults.counts()["f"] == FaultCount(matched=100, fired=len(entries))
    assert 40 < len(entries) < 95
    assert all(entries)
    assert frozenset().union(*entries) == {0, 1, 2, 3}
    assert struck(a_fault(effect="partial", operation="PutRecords"), 1, Request(entry_count=0)) == [False]


@pytest.mark.parametrize("members", [{}, {"operation": "GetRecords"}, {"service": "sns", "operation": "PutRecords"}])
def test_only_a_batch_can_fail_in_part(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="PutRecords of kinesis and PublishBatch of sns"):
        a_fault(effect="partial", **members)


@pytest.mark.parametrize(
    "members", [{"share": 1.5}, {"status": 200}, {"delay_s": -1}, {"name": "a/b"}, {"effect": "expired"}, {"typo": 1}]
)
def test_a_fault_off_the_wire_is_checked(members: dict[str, Any]) -> None:
    document = {"name": "f", "service": "s3", "effect": "error", **members}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(document), type=Fault)


def named(
    service: str, target: str = "", body: bytes = b"", content_type: str = "application/x-amz-json-1.0", **more: Any
) -> tuple[str, str, str]:
    scope = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=, Signature=0"
    headers = {"authorization": scope, "x-amz-target": target, "content-type": content_type, **more.pop("headers", {})}
    place = {"method": "POST", "path": "/", "raw_path": "", "query": "", **more}
    names = RequestNames(HttpRequest(headers=headers, body=body, port=1, **place))
    return names.service, names.operation, names.resource


def test_kinesis_names_its_stream_in_either_format_and_in_its_tokens() -> None:
    body = {"StreamName": "orders"}
    for content_type, encoded in (
        ("application/x-amz-json-1.1", json.dumps(body).encode()),
        ("cbor", cbor2.dumps(body)),
    ):
        assert named("", "Kinesis_20131202.PutRecords", encoded, content_type) == ("kinesis", "PutRecords", "orders")
    api = Api(shards=2)
    page = api("ListShards", MaxResults=1, ShardFilter={"Type": "AT_LATEST"})["NextToken"]
    for member, token in (("ShardIterator", api.iterator()), ("NextToken", page)):
        assert named("", "Kinesis_20131202.X", json.dumps({member: token}).encode())[2] == "s"
    assert named("", "Kinesis_20131202.X", b'{"ShardIterator": "bogus"}')[2] == ""
    assert named("", "Kinesis_20131202.X", b"\xff") == ("kinesis", "X", "")


@pytest.mark.parametrize(
    "body",
    [
        {"TableName": "leases"},
        {"RequestItems": {"leases": []}},
        {"TransactItems": [{"Put": {"TableName": "leases"}}]},
    ],
)
def test_dynamodb_names_its_tables(body: dict[str, Any]) -> None:
    target = "DynamoDB_20120810.TransactWriteItems"
    assert named("dynamodb", target, json.dumps(body).encode()) == ("dynamodb", "TransactWriteItems", "leases")


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("PUT", "/lake", "", {}, "CreateBucket"),
        ("GET", "/lake", "list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("GET", "/lake/", "prefix=uploads", {}, "ListObjects"),
        ("POST", "/lake", "delete", {}, "DeleteObjects"),
        ("PUT", "/lake/a/b", "x-id=PutObject", {}, "PutObject"),
        ("PUT", "/lake/a/b", "", {"x-amz-copy-source": "lake/c"}, "CopyObject"),
        ("PUT", "/lake/a/b", "partNumber=1&uploadId=u", {}, "UploadPart"),
        ("POST", "/lake/a/b", "uploads", {}, "CreateMultipartUpload"),
        ("POST", "/lake/a/b", "uploadId=u", {}, "CompleteMultipartUpload"),
        ("HEAD", "/lake/a/b", "", {}, "HeadObject"),
        ("GET", "/lake/a/b", "", {}, "GetObject"),
        ("DELETE", "/lake/a/b", "", {}, "DeleteObject"),
        ("PATCH", "/lake/a/b", "", {}, ""),
    ],
)
def test_s3_names_its_operation_by_method_place_and_query(
    method: str, path: str, query: str, headers: dict[str, str], operation: str
) -> None:
    assert named("s3", method=method, path=path, query=query, headers=headers) == ("s3", operation, path[1:])


def test_the_query_protocol_names_its_action_and_topic() -> None:
    form = urlencode({"Action": "PublishBatch", "TopicArn": "arn:aws:sns:us-east-1:0:alerts"}).encode()
    content_type = "application/x-www-form-urlencoded; charset=utf-8"
    assert named("sns", "", form, content_type) == ("sns", "PublishBatch", "arn:aws:sns:us-east-1:0:alerts")
