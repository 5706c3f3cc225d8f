"""How each service words an error, so that every SDK raises it as the right exception."""

from collections.abc import Mapping
from html import escape

import msgspec

from infra.local.aws.http import HttpRequest, HttpResponse, answer
from infra.local.aws.request_names import RequestNames
from infra.local.kinesis.wire import codec_for

_JSON_PREFIXES: Mapping[str, str] = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "sqs": "com.amazonaws.sqs#",
}
_SERVER_FAULT = 500


def error_answer(names: RequestNames, status: int, code: str, message: str) -> HttpResponse:
    """Refuse a request in its service's protocol: JSON, CBOR, the XML of S3 or the XML of the query protocol."""
    request = names.request
    if names.service == "s3":
        return _s3_error(request, status, code, message)
    if request.target:
        return _typed_error(names, status, code, message)
    fault = "Receiver" if status >= _SERVER_FAULT else "Sender"
    body = (
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        "<RequestId>injected</RequestId></ErrorResponse>"
    )
    return answer(status, "text/xml", body.encode())


def _typed_error(names: RequestNames, status: int, code: str, message: str) -> HttpResponse:
    document = {"__type": _JSON_PREFIXES.get(names.service, "") + code, "message": message}
    if names.service == "kinesis":
        codec = codec_for(names.request.headers.get("content-type", ""))
        return answer(status, codec.content_type, codec.encode(document))
    return answer(status, "application/x-amz-json-1.0", msgspec.json.encode(document))


def _s3_error(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    if request.method == "HEAD":
        return answer(status, "application/xml", b"")  # S3 gives no code there
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>'
        f"<Resource>{escape(request.path)}</Resource><RequestId>injected</RequestId></Error>"
    )
    return answer(status, "application/xml", body.encode())
