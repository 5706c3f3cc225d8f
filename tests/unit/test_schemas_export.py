from __future__ import annotations

import json
from typing import get_type_hints

import jsonschema
import pytest

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision
from schemas.decode import Unknown, decode
from schemas.examples import EXAMPLES
from schemas.export import FOLDER, decision_model, documents, render
from schemas.lake import COLUMNS, LEDGER_COLUMNS
from schemas.transaction import Transaction

NAMES = sorted(documents())
SCHEMAS = sorted(EXAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_schema_is_what_the_models_say(name: str) -> None:
    assert (FOLDER / name).read_text() == render(documents()[name]), "run `make schemas` and commit the result"


def test_no_stale_schema_lies_in_the_folder() -> None:
    assert sorted(path.name for path in FOLDER.iterdir() if path.is_file()) == NAMES


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_is_valid_by_its_schema(name: str) -> None:
    schema = documents()[f"{name}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(schema)
    for example in EXAMPLES[name]:
        jsonschema.validate(example, schema)


def test_every_example_is_valid_by_its_model() -> None:
    for event in EXAMPLES["transaction-event"]:
        decode(json.dumps(event).encode(), Unknown())
    Alert.model_validate(EXAMPLES["alert"][0])
    DeadLetter.model_validate(EXAMPLES["dead-letter"][0])
    decision_model().model_validate(EXAMPLES["decision"][0])


def test_the_decision_has_exactly_the_ledgers_columns_in_their_order() -> None:
    assert Decision._fields == tuple(column.name for column in LEDGER_COLUMNS)


def test_the_transaction_is_the_first_part_of_the_decision() -> None:
    assert Decision._fields[: len(Transaction._fields)] == Transaction._fields


def test_a_column_is_optional_exactly_where_the_decision_may_hold_none() -> None:
    hints = get_type_hints(Decision)
    for column in LEDGER_COLUMNS:
        assert (type(None) in getattr(hints[column.name], "__args__", ())) == (not column.required), column.name


def test_every_column_says_what_it_means() -> None:
    assert all(column.meaning and (column.ledger or column.lake) for column in COLUMNS)
