"""Yesterday's events are decided today, today's are decided tomorrow, and a schema that forgets it does not get past here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, Field

from schemas.dead_letter import DeadLetter
from schemas.decode import Unknown, decode
from schemas.export import json_schemas, write
from schemas.label import Label
from schemas.released import (
    COMPARISONS,
    RELEASED,
    BreakingChangeError,
    breaks_of,
    is_released,
    release,
    released_forms,
)
from schemas.transaction import TransactionEvent

CURRENT = json_schemas()
NAMES = sorted(CURRENT)
EVENT = "transaction-event"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_was_released_is_broken(name: str) -> None:
    assert breaks_of(name, CURRENT[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_present_form_stands_among_the_released_ones(name: str) -> None:
    assert is_released(name, CURRENT[name]), "run `make schemas` and commit the result"


def test_every_released_file_is_a_form_of_a_schema_counted_from_one() -> None:
    counted = {f"{name}-{n}.json" for name in NAMES for n, _ in enumerate(released_forms(name), start=1)}
    assert {path.name for path in RELEASED.iterdir()} == counted
    assert sorted(COMPARISONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_every_released_form_is_still_valid(name: str) -> None:
    models: dict[str, Callable[[Any], object]] = {
        EVENT: lambda example: decode(json.dumps(example).encode(), Unknown()),
        "label": lambda example: Label.model_validate_json(json.dumps(example)),
        "dead-letter": DeadLetter.model_validate,
    }
    for example in [example for form in released_forms(name) for example in form["examples"]]:
        jsonschema.validate(example, CURRENT[name])
        models.get(name, str)(example)


YESTERDAY = {
    "the least": (
        '{"transaction_id":"t-1","timestamp":"2026-03-01T12:00:00Z","user_id":"u-1","amount":12.3}',
        "0b1711d689b4e82ba353bc67fbbb9929",
    ),
    "everything of form 1": (
        json.dumps(json.loads((RELEASED / f"{EVENT}-1.json").read_text())["examples"][0]),
        "c41e6a9aef4c2e2ca91286ad512358e1",
    ),
}
"""What producers of each form sent, and the hash of its content that stands in ledgers."""


@pytest.mark.parametrize("named", YESTERDAY)
def test_the_content_of_yesterdays_events_has_the_hash_that_the_ledger_holds(named: str) -> None:
    sent, content_hash = YESTERDAY[named]
    assert decode(sent.encode(), Unknown()).content_hash.hex() == content_hash, (
        "a resend of an event that was decided yesterday would conflict with it"
    )


TOMORROW: dict[str, Any] = {
    "loyalty_tier": "gold",
    "basket": [{"sku": "a-1", "count": 2}],
    "merchant_risk": None,
    "location": {"country": "PT", "accuracy_m": 12.5},
    "device_info": {"device_type": "mobile", "os": {"name": "x", "version": [1, 2]}},
    "metadata": {"anything": [True, None, {"goes": "here"}]},
}


def test_an_event_of_tomorrow_is_decided_as_if_its_new_fields_were_not_there() -> None:
    sent = json.loads(YESTERDAY["the least"][0])
    known = sent | {"location": {"country": "PT"}, "device_info": {"device_type": "mobile"}}
    unknown = Unknown()
    assert decode(json.dumps(sent | TOMORROW).encode(), unknown) == decode(json.dumps(known).encode(), Unknown())
    assert unknown.events == 1
    jsonschema.validate(sent | TOMORROW, CURRENT[EVENT])


def a_form(model: type[BaseModel]) -> dict[str, Any]:
    return {**model.model_json_schema(), "examples": []}


class WithOneMore(TransactionEvent):
    loyalty_tier: str | None = Field(default=None, max_length=16)


class WithOneMoreRequired(TransactionEvent):
    loyalty_tier: str


class WithAShorterCategory(TransactionEvent):
    merchant_category: str | None = Field(default=None, max_length=32)


class WithARequiredCurrency(TransactionEvent):
    currency: str | None = Field(pattern="^[A-Z]{3}$")


class WithoutUnknownFields(TransactionEvent, extra="forbid"): ...


def test_a_field_that_may_be_absent_can_be_added_and_becomes_the_next_form(tmp_path: Path) -> None:
    assert release(EVENT, CURRENT[EVENT], tmp_path) == tmp_path / f"{EVENT}-1.json"
    assert release(EVENT, a_form(WithOneMore), tmp_path) == tmp_path / f"{EVENT}-2.json"
    assert release(EVENT, a_form(WithOneMore), tmp_path) is None
    assert [
        sorted(form["properties"].keys() - CURRENT[EVENT]["properties"]) for form in released_forms(EVENT, tmp_path)
    ] == [
        [],
        ["loyalty_tier"],
    ]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (WithOneMoreRequired, "transaction-event-1: loyalty_tier: required, false -> true"),
        (WithAShorterCategory, "transaction-event-1: merchant_category: maxLength, 64 -> 32"),
        (WithARequiredCurrency, "transaction-event-1: currency: required, false -> true"),
        (WithoutUnknownFields, "transaction-event-1: the document: additionalProperties, true -> false"),
        (Label, "transaction-event-1: user_id: removed"),
    ],
)
def test_a_change_that_refuses_yesterdays_events_is_not_released(
    model: type[BaseModel], told: str, tmp_path: Path
) -> None:
    release(EVENT, CURRENT[EVENT], tmp_path)
    with pytest.raises(BreakingChangeError) as caught:
        release(EVENT, a_form(model), tmp_path)
    assert told in str(caught.value).splitlines()
    assert len(released_forms(EVENT, tmp_path)) == 1


def test_a_field_that_was_added_cannot_be_taken_back(tmp_path: Path) -> None:
    release(EVENT, a_form(WithOneMore), tmp_path)
    assert breaks_of(EVENT, CURRENT[EVENT], tmp_path) == ["transaction-event-1: loyalty_tier: removed"]


def test_a_field_more_in_what_others_read_breaks_nobody_and_one_less_does() -> None:
    alert = CURRENT["alert"]
    fewer = {**alert, "properties": {name: part for name, part in alert["properties"].items() if name != "country"}}
    more = {**alert, "properties": {**alert["properties"], "queue": {"type": "string"}}}
    assert COMPARISONS["alert"](alert, more) == []
    assert "country: removed" in COMPARISONS["alert"](alert, fewer)


def test_writing_the_schemas_releases_what_is_new_and_says_so_once(tmp_path: Path) -> None:
    first, second = write(tmp_path), write(tmp_path)
    assert {path.name for path in first} - {path.name for path in second} == {f"{name}-1.json" for name in NAMES}
