"""Injected faults over HTTP: how they are put and counted, and what a stroke does to a request."""

import asyncio
from http import HTTPStatus

import msgspec

from infra.local.aws.error_answers import error_answer
from infra.local.aws.faults import Fault, Faults, Stroke
from infra.local.aws.http import HttpAnswer, HttpRequest, HttpResponse, answer
from infra.local.aws.partial_failures import CarryOut, answer_in_part, message_of
from infra.local.aws.request_names import RequestNames

FAULTS_PATH = "/_fraudstream/faults"
"""No bucket's name begins with an underscore, so that no request to a service comes here."""
TRIM_PATH = "/_fraudstream/trim/"
"""``<stream>/<epoch ms>``: forget what arrived before. No retention period is shorter than 24 hours, and tests cannot wait."""


class FaultEndpoint:
    """Stands before the services. Call it from the event loop only."""

    def __init__(self) -> None:
        self._faults = Faults()

    def control(self, request: HttpRequest) -> HttpResponse:
        """Answer a request to ``FAULTS_PATH``: PUT and DELETE of ``/<name>``, GET of all counters."""
        name = request.path.removeprefix(FAULTS_PATH).lstrip("/")
        if request.method == "PUT":
            return self._put(name, request.body)
        if request.method == "DELETE":
            self._faults.remove(name)
            return answer(HTTPStatus.NO_CONTENT, "text/plain", b"")
        return answer(HTTPStatus.OK, "application/json", msgspec.json.encode(self._faults.counts()))

    async def answer(self, request: HttpRequest, carry_out: CarryOut) -> HttpAnswer | None:
        """Answer a request to a service by ``carry_out``, unless a fault strikes it; None = hang up."""
        if not self._faults.are_any_active:
            return await carry_out(request)
        names = RequestNames(request)
        stroke = self._faults.strike(names)
        return await _suffer(stroke, names, carry_out) if stroke else await carry_out(request)

    def _put(self, name: str, body: bytes) -> HttpResponse:
        try:
            fault = msgspec.json.decode(body, type=Fault)
        except msgspec.DecodeError as error:
            return answer(HTTPStatus.BAD_REQUEST, "text/plain", str(error).encode())
        if fault.name != name:
            return answer(HTTPStatus.BAD_REQUEST, "text/plain", b"the path and the fault differ in the name")
        self._faults.put(fault)
        return answer(HTTPStatus.NO_CONTENT, "text/plain", b"")


async def _suffer(stroke: Stroke, names: RequestNames, carry_out: CarryOut) -> HttpAnswer | None:
    fault, request = stroke.fault, names.request
    if fault.effect == "hang_up":
        return None
    if fault.effect == "slow":
        await asyncio.sleep(fault.delay_s)
        return await carry_out(request)
    if fault.effect == "partial":
        return await answer_in_part(stroke, request, carry_out)
    if fault.effect == "lost_answer":
        await carry_out(request)
    return error_answer(names, fault.status, fault.code, message_of(fault))
