"""The AsyncAPI document keeps the rules of its specification that can be checked without it, and says what the system does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import jsonschema
import pytest

from consumer.settings import Settings
from schemas.alert import Alert
from schemas.examples import EXAMPLES
from schemas.export import documents
from schemas.transaction import MAX_EVENT_BYTES, TransactionEvent
from sinks.alerts.document import attributes_of

DOCUMENT = documents()["asyncapi.json"]
MESSAGES = sorted(DOCUMENT["components"]["messages"])
# AsyncAPI 3.0.0: what must stand in each object, and what may stand there too (and x-…)
OBJECTS: dict[str, tuple[set[str], set[str]]] = {
    "": ({"asyncapi", "info"}, {"id", "servers", "defaultContentType", "channels", "operations", "components"}),
    "info": ({"title", "version"}, {"description", "termsOfService", "contact", "license", "tags", "externalDocs"}),
    "info.license": ({"name"}, {"url"}),
    "servers.*": (
        {"host", "protocol"},
        {"protocolVersion", "pathname", "description", "title", "summary", "variables", "security", "tags", "bindings"},
    ),
    "servers.*.variables.*": (set(), {"enum", "default", "description", "examples"}),
    "channels.*": (
        set(),
        {"address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "bindings"},
    ),
    "channels.*.parameters.*": (set(), {"enum", "default", "description", "examples", "location"}),
    "operations.*": (
        {"action", "channel"},
        {"title", "summary", "description", "security", "tags", "bindings", "traits", "messages", "reply"},
    ),
    "components": (set(), {"schemas", "servers", "channels", "operations", "messages", "parameters", "correlationIds"}),
    "components.messages.*": (
        set(),
        {"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "examples"},
    ),
    "components.messages.*.correlationId": ({"location"}, {"description"}),
    "components.messages.*.examples.*": (set(), {"headers", "payload", "name", "summary"}),
}


def at(pattern: str) -> Iterator[tuple[str, Any]]:
    """Give every value that stands at the pattern's places, with its path."""
    places = [("", cast("Any", DOCUMENT))]
    for step in filter(None, pattern.split(".")):
        places = [(f"{path}/{key}", inner[key]) for path, inner in places for key in _keys(inner, step)]
    yield from places


def _keys(inner: Any, step: str) -> Iterator[Any]:
    if isinstance(inner, list):
        yield from range(len(inner)) if step == "*" else ()
    else:
        yield from inner if step == "*" else [step] if step in inner else []


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        yield from (found for value in part.values() for found in references(value))
    if isinstance(part, list):
        yield from (found for value in part for found in references(value))


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


@pytest.mark.parametrize("pattern", OBJECTS)
def test_every_object_holds_what_it_must_and_nothing_that_the_specification_does_not_know(pattern: str) -> None:
    needed, possible = OBJECTS[pattern]
    found = list(at(pattern))
    assert found
    for path, value in found:
        names = {name for name in value if not name.startswith("x-")}
        assert needed <= names <= needed | possible, path


def test_every_name_of_a_part_is_one_that_the_specification_allows() -> None:
    parts = [*DOCUMENT["components"].values(), DOCUMENT["servers"], DOCUMENT["channels"], DOCUMENT["operations"]]
    assert all(re.fullmatch(r"[\w.-]+", name, re.ASCII) for part in parts for name in part)


def test_every_reference_leads_somewhere_inside() -> None:
    found = set(references(DOCUMENT))
    assert found
    assert all(reference.startswith("#/") and resolved(reference) for reference in found)


def test_every_operation_is_on_a_channel_that_has_its_messages() -> None:
    for name, operation in DOCUMENT["operations"].items():
        channel = operation["channel"]["$ref"]
        assert re.fullmatch(r"#/channels/\w+", channel), name
        assert operation["action"] in {"send", "receive"}
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_every_part_of_an_address_in_braces_is_described() -> None:
    for channel in DOCUMENT["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])
    for server in DOCUMENT["servers"].values():
        assert set(re.findall(r"{(\w+)}", server["host"])) == set(server["variables"])


@pytest.mark.parametrize("name", MESSAGES)
def test_every_example_of_a_message_is_valid_by_its_payload(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    schema = {**resolved(message["payload"]["$ref"]), "components": DOCUMENT["components"]}
    jsonschema.Draft7Validator.check_schema(schema)  # what AsyncAPI builds on, where a schema names nothing else
    validator = jsonschema.Draft7Validator(schema)
    assert message["examples"]
    for example in message["examples"]:
        validator.validate(example["payload"])
        spoiled = {**example["payload"], "transaction_id": 7}
        assert not validator.is_valid(spoiled)


def test_the_payloads_are_the_models_fields() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert list(schemas["TransactionEvent"]["properties"]) == list(TransactionEvent.model_fields)
    assert list(schemas["Alert"]["properties"]) == list(Alert.model_json_schema(by_alias=True)["properties"])


def test_the_headers_of_an_alert_are_the_attributes_that_are_sent() -> None:
    headers = DOCUMENT["components"]["messages"]["fraudAlert"]["headers"]
    sent = attributes_of(Alert.model_validate(EXAMPLES["alert"][0]))
    assert set(sent) == set(headers["properties"])
    jsonschema.validate(dict(sent), headers)
    without = {"country": None, "merchant_category": None, "merchant_id": None, "currency": None}
    assert set(attributes_of(Alert.model_validate(EXAMPLES["alert"][0] | without))) == set(headers["required"])


def test_the_channel_of_transactions_says_what_the_consumer_reads() -> None:
    channel = DOCUMENT["channels"]["transactions"]
    assert channel["parameters"]["stream"]["default"] == Settings.model_fields["stream_name"].default
    assert f"at most {MAX_EVENT_BYTES} bytes" in channel["description"]
