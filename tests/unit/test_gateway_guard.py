"""What stands in front of the app: sizes, headers, what nobody foresaw, and what the log says of a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from producers.gateway.app import create_app
from producers.gateway.guard import Guard
from producers.gateway.metrics import measure_nothing
from tests.front_builders import CLASSIFY, MADE, House, only, visit
from tests.gateway_builders import a_body

PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
LIMIT = 64 * 1024
SECRET = "4111111111111111"


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body without a Content-Length."""
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


def a_body_of(size: int) -> bytes:
    return a_body(metadata={"text": ""}).replace(
        b'"text": ""', b'"text": "%s"' % (b"x" * (size - len(a_body(metadata={"text": ""}))))
    )


async def nobody_sends() -> Message:
    """A client that is silent for ever."""
    await asyncio.Event().wait()
    raise AssertionError


async def no_app(_: Scope, __: Receive, ___: Send) -> None:
    raise AssertionError


def broken(house: House, error: Exception) -> httpx.AsyncClient:
    """A client of the same gateway with a route that raises."""
    app = create_app(house.front)

    @app.get("/broken")
    async def route(_: Request) -> Response:
        raise error

    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://gateway")


def test_every_answer_is_protected_and_carries_the_requests_id() -> None:
    async def scenario(house: House) -> None:
        answers = [
            await house.classify(),
            await house.classify(amount=-1),
            await house.classify(b"x" * (LIMIT + 1)),
            await house.client.get("/nowhere"),
            await house.client.get("/health"),
        ]
        assert [answer.status_code for answer in answers] == [200, 400, 413, 404, 200]
        for answer in answers:
            assert {name: answer.headers[name] for name in PROTECTION} == PROTECTION
        assert len({answer.headers["X-Request-Id"] for answer in answers}) == 5

    visit(scenario)


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("order-7_a.B", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ('{"a":1}', False), ("", False)],
)
def test_a_requests_id_is_taken_where_it_is_harmless_in_a_log(given: str, is_taken: bool) -> None:
    async def scenario(house: House) -> str:
        return (await house.client.get("/health", headers={"X-Request-Id": given})).headers["X-Request-Id"]

    assert (visit(scenario) == given) is is_taken


@pytest.mark.parametrize("is_told", [True, False], ids=["content-length", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(LIMIT + 1, 413), (LIMIT - 200, 200)])
def test_a_body_that_is_too_large_is_refused_whether_its_length_is_told_or_not(
    is_told: bool, size: int, status: int
) -> None:
    async def scenario(house: House) -> httpx.Response:
        body = a_body_of(size)
        assert len(body) == size
        headers = {"Content-Type": "application/json"}
        return await house.client.post(CLASSIFY, content=body if is_told else in_pieces(body), headers=headers)

    answer = visit(scenario)
    assert answer.status_code == status, answer.text
    if status == 413:
        assert answer.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
        assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("is_told", [True, False], ids=["content-length", "chunked"])
def test_what_is_on_its_way_is_read_before_the_refusal_is_sent(is_told: bool) -> None:
    """Else the connection is closed on a client that still writes, and it sees a reset instead of 413."""

    async def app(scope: Scope, receive: Receive, _: Send) -> None:
        await Request(scope, receive).body()

    async def receive() -> Message:
        seen.append("read")
        return {"type": "http.request", "body": b"x" * LIMIT, "more_body": len(seen) < 5}

    async def send(message: Message) -> None:
        seen.append(str(message.get("status", "sent")))

    seen: list[str] = []
    headers = [(b"content-length", b"%d" % (5 * LIMIT))] if is_told else []
    scope: Scope = {"type": "http", "method": "POST", "path": CLASSIFY, "headers": headers}
    asyncio.run(Guard(app, measure=measure_nothing, most_bytes=LIMIT)(scope, receive, send))
    assert seen == ["read"] * 5 + ["413", "sent"]


def test_a_batch_may_be_larger() -> None:
    async def scenario(house: House) -> list[int]:
        sizes = (LIMIT + 1, 2 * 1024 * 1024 + 1)
        answers = [await house.post(f"{CLASSIFY}/batch", b'{"transactions": []}'.ljust(size)) for size in sizes]
        return [answer.status_code for answer in answers]

    assert visit(scenario) == [400, 413]


def test_what_nobody_foresaw_is_told_to_nobody_and_the_log_has_its_place_only() -> None:
    async def scenario(house: House) -> None:
        with capture_logs() as logs:
            answer = await broken(house, ValueError(f"cannot read {SECRET}")).get("/broken")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
        assert SECRET not in answer.text
        assert {name: answer.headers[name] for name in PROTECTION} == PROTECTION
        failure = only([line for line in logs if line["event"] == "request_failed"])
        assert failure["kind"] == "ValueError"
        assert failure["at"][-1].endswith(" route")
        assert failure["request_id"] == answer.headers["X-Request-Id"]
        assert SECRET not in json.dumps(logs)

    visit(scenario)


def test_a_client_that_went_away_is_no_failure() -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise ClientDisconnect

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    scope: Scope = {"type": "http", "method": "POST", "path": CLASSIFY, "headers": []}
    with capture_logs() as logs:
        asyncio.run(Guard(app, measure=measure_nothing, most_bytes=LIMIT)(scope, receive, send))
    assert sent == []
    assert [(line["event"], line["status"]) for line in logs] == [("request", 499)]


def test_an_answer_that_breaks_off_is_left_to_the_server() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(SECRET)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    sent: list[str] = []
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with capture_logs() as logs, pytest.raises(ValueError, match=SECRET):
        asyncio.run(Guard(app, measure=measure_nothing, most_bytes=LIMIT)(scope, nobody_sends, send))
    assert sent == ["http.response.start"]
    assert [line["event"] for line in logs] == ["request_failed", "request"]
    assert SECRET not in json.dumps(logs)


def test_a_client_that_writes_on_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(message: Message) -> None:
        sent.append(message)

    monkeypatch.setattr("producers.gateway.guard._DRAINING_S", 0.001)
    sent: list[Message] = []
    headers = [(b"content-length", b"%d" % (2 * LIMIT))]
    scope: Scope = {"type": "http", "method": "POST", "path": CLASSIFY, "headers": headers}
    asyncio.run(Guard(no_app, measure=measure_nothing, most_bytes=LIMIT)(scope, nobody_sends, send))
    assert sent[0]["status"] == 413


def test_what_is_no_request_passes_untouched() -> None:
    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    async def send(_: Message) -> None:
        raise AssertionError

    seen: list[str] = []
    asyncio.run(Guard(app, measure=measure_nothing, most_bytes=LIMIT)({"type": "lifespan"}, nobody_sends, send))
    assert seen == ["lifespan"]


def test_a_request_is_one_line_without_key_or_content() -> None:
    async def scenario(house: House) -> None:
        with capture_logs() as logs:
            answer = await house.classify(user_id="somebody", transaction_id="t-1", metadata={"note": SECRET})
            await house.classify(card_id=SECRET)
        lines = [line for line in logs if line["event"] == "request"]
        assert [{**line, "duration_ms": 0} for line in lines[:1]] == [
            {
                "event": "request",
                "log_level": "info",
                "method": "POST",
                "route": CLASSIFY,
                "status": 200,
                "duration_ms": 0,
                "key_id": MADE.kept.key_id,
                "request_id": answer.headers["X-Request-Id"],
            }
        ]
        assert lines[1]["status"] == 400
        written = json.dumps(logs)
        assert not [word for word in (SECRET, "somebody", MADE.shown, MADE.shown[-43:]) if word in written]

    visit(scenario)
