"""PutRecords and PublishBatch that succeed for some entries only: the struck ones never reach the service."""

import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from infra.local.aws.faults import Fault, Stroke
from infra.local.aws.http import HttpAnswer, HttpRequest, HttpResponse, answer
from infra.local.kinesis.wire import Codec, codec_for

CarryOut = Callable[[HttpRequest], Awaitable[HttpAnswer]]

_SNS = "http://sns.amazonaws.com/doc/2010-03-31/"
_ENTRIES = "PublishBatchRequestEntries.member."


async def answer_in_part(stroke: Stroke, request: HttpRequest, carry_out: CarryOut) -> HttpAnswer:
    """Carry out the entries that are not struck, in their order, and give the answer that names both.

    Where the service refuses those, its refusal is the answer. Where every entry is struck, it is not asked at all.
    """
    answer_one = _put_records if stroke.fault.service == "kinesis" else _publish_batch
    return await answer_one(stroke, request, carry_out)


async def _put_records(stroke: Stroke, request: HttpRequest, carry_out: CarryOut) -> HttpAnswer:
    codec = codec_for(request.headers.get("content-type", ""))
    document = codec.read(request.body)
    kept = [record for index, record in enumerate(document["Records"]) if index not in stroke.entries]
    response = await _carry_out_some(codec, request, {**document, "Records": kept}, carry_out)
    if response.status != HTTPStatus.OK or not isinstance(response, HttpResponse):
        return response
    stored = iter(codec.read(response.body)["Records"])
    failed = {"ErrorCode": stroke.fault.code, "ErrorMessage": message_of(stroke.fault)}
    results = [failed if n in stroke.entries else next(stored) for n in range(len(document["Records"]))]
    whole = {"FailedRecordCount": len(stroke.entries), "Records": results, "EncryptionType": "NONE"}
    return answer(response.status, codec.content_type, codec.encode(whole))


async def _carry_out_some(
    codec: Codec, request: HttpRequest, document: Mapping[str, Any], carry_out: CarryOut
) -> HttpAnswer:
    if not document["Records"]:
        return answer(HTTPStatus.OK, codec.content_type, codec.encode({"Records": []}))
    return await carry_out(replace(request, body=codec.encode(document)))


async def _publish_batch(stroke: Stroke, request: HttpRequest, carry_out: CarryOut) -> HttpAnswer:
    form = parse_qsl(request.body.decode(), keep_blank_values=True)
    numbers = sorted({_entry(name) for name, _ in form if name.startswith(_ENTRIES)})
    struck = [number for index, number in enumerate(numbers) if index in stroke.entries]
    response = await _publish_some(request, form, [number for number in numbers if number not in struck], carry_out)
    if response.status != HTTPStatus.OK or not isinstance(response, HttpResponse):
        return response
    members = dict(form)
    answered = ET.fromstring(response.body)  # noqa: S314 - moto's own answer
    failed = next(element for element in answered.iter() if element.tag.endswith("Failed"))
    for number in struck:
        _add_failure(failed, members[f"{_ENTRIES}{number}.Id"], stroke.fault)
    return answer(response.status, "text/xml", ET.tostring(answered, default_namespace=_namespace(answered)))


async def _publish_some(
    request: HttpRequest, form: list[tuple[str, str]], kept: list[int], carry_out: CarryOut
) -> HttpAnswer:
    if not kept:
        body = (
            f'<PublishBatchResponse xmlns="{_SNS}"><PublishBatchResult><Successful/><Failed/></PublishBatchResult>'
            "</PublishBatchResponse>"
        )
        return answer(HTTPStatus.OK, "text/xml", body.encode())
    places = {number: place for place, number in enumerate(kept, 1)}  # a list of the query protocol has no gaps
    fields = [
        (_renumbered(name, places), value)
        for name, value in form
        if not name.startswith(_ENTRIES) or _entry(name) in places
    ]
    return await carry_out(replace(request, body=urlencode(fields).encode()))


def _entry(name: str) -> int:
    return int(name.removeprefix(_ENTRIES).partition(".")[0])


def _renumbered(name: str, places: Mapping[int, int]) -> str:
    if not name.startswith(_ENTRIES):
        return name
    number, _, rest = name.removeprefix(_ENTRIES).partition(".")
    return f"{_ENTRIES}{places[int(number)]}.{rest}"


def _add_failure(failed: ET.Element, entry_id: str, fault: Fault) -> None:
    facts = {
        "Id": entry_id,
        "Code": fault.code,
        "Message": message_of(fault),
        "SenderFault": str(fault.is_sender_fault).lower(),
    }
    namespace = failed.tag.removesuffix("Failed")
    member = ET.SubElement(failed, f"{namespace}member")
    for name, value in facts.items():
        ET.SubElement(member, f"{namespace}{name}").text = value


def _namespace(element: ET.Element) -> str | None:
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else None


def message_of(fault: Fault) -> str:
    """Say in an answer that the fault was made on purpose, and which one it was."""
    return f"Injected by the fault {fault.name}."
