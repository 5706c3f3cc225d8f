"""The contract's models: they agree with their examples, with the stream's schema and with the texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from producers.gateway import contract, examples, responses
from producers.gateway.problems import BadRequest
from producers.gateway.reading import read_batch, read_labels, read_request
from schemas.transaction import TransactionEvent
from tests.gateway_builders import a_body

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODELS: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "classify": (contract.ClassifyRequest, examples.CLASSIFY_EXAMPLE),
    "minimal": (contract.ClassifyRequest, examples.MINIMAL_EXAMPLE),
    "batch": (contract.BatchRequest, examples.BATCH_EXAMPLE),
    "labels": (contract.LabelRequest, examples.LABELS_EXAMPLE),
    "classified": (responses.ClassifyResponse, examples.CLASSIFIED_EXAMPLE),
    "pending": (responses.PendingResponse, examples.PENDING_EXAMPLE),
    "batch answer": (responses.BatchResponse, examples.BATCH_ANSWER_EXAMPLE),
    "transaction": (responses.TransactionResponse, examples.TRANSACTION_EXAMPLE),
    "labelled": (responses.LabelResponse, examples.LABELLED_EXAMPLE),
    "error": (responses.ErrorResponse, examples.ERROR_EXAMPLE),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_example_fits_the_schema_that_shows_it(name: str) -> None:
    model, example = MODELS[name]
    schema = model.model_json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example)
    assert example in schema["examples"]


def test_every_request_that_is_shown_is_read() -> None:
    read_request(json.dumps(examples.CLASSIFY_EXAMPLE).encode(), NOW, lambda: "gw-1")
    read_request(json.dumps(examples.MINIMAL_EXAMPLE).encode(), NOW, lambda: "gw-1")
    items = read_batch(json.dumps(examples.BATCH_EXAMPLE).encode(), NOW, lambda: "gw-1")
    assert [one for one in items if isinstance(one, Exception)] == []
    assert len(read_labels(json.dumps(examples.LABELS_EXAMPLE).encode(), NOW)) == 1


def test_the_contract_has_every_field_of_the_stream_and_the_type() -> None:
    ours, streams = contract.ClassifyRequest.model_fields, TransactionEvent.model_fields
    assert ours.keys() - streams.keys() == {"type"}
    assert streams.keys() - ours.keys() == set()
    ours, streams = contract.RequestLocation.model_fields, streams["location"].annotation.__args__[0].model_fields  # type: ignore[union-attr]
    assert ours.keys() == streams.keys()


def test_what_the_contract_requires_is_required() -> None:
    schema = contract.ClassifyRequest.model_json_schema()
    nested = {name: schema["$defs"][name]["required"] for name in ("RequestLocation", "RequestDevice")}
    assert sorted(schema["required"]) == [
        "amount",
        "day_of_week",
        "device_info",
        "hour",
        "location",
        "merchant_category",
        "previous_transactions_count",
        "user_id",
    ]
    assert nested["RequestLocation"] == ["country", "state", "city", "latitude", "longitude"]
    assert nested["RequestDevice"] == ["device_type", "ip_address"]


@pytest.mark.parametrize("path", ["hour", "day_of_week", "previous_transactions_count", "latitude", "longitude"])
def test_the_texts_name_the_bounds_of_the_schema(path: str) -> None:
    schema = contract.ClassifyRequest.model_json_schema()
    field = (schema["properties"] | schema["$defs"]["RequestLocation"]["properties"])[path]
    where = path if path in schema["properties"] else f"location__{path}"
    for beyond in (field["minimum"] - 1, field["maximum"] + 1):
        with pytest.raises(BadRequest) as caught:
            read_request(a_body(**{where: beyond}), NOW, lambda: "gw-1")
        expected = f"must be between {field['minimum']:.0f} and {field['maximum']:.0f}"
        assert caught.value.details == {where.replace("__", "."): expected}
    for within in (field["minimum"], field["maximum"]):
        read_request(a_body(**{where: within}), NOW, lambda: "gw-1")
