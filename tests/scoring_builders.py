"""Events, transactions and bundles for the tests of scoring and training."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from consumer.scoring.features import EVENT
from consumer.scoring.manifest import seal_of
from schemas.decode import Unknown, decode
from schemas.transaction import Transaction

EVENT_BUNDLE = Path(__file__).parent / "data" / "event_bundle"
"""A logistic regression on the event alone, the shipped one of an earlier release: single events can be risky to it."""
REQUIRED = ("transaction_id", "timestamp", "user_id", "amount")


class Labelled(NamedTuple):
    event: dict[str, Any]
    is_fraud: bool
    pattern: str | None


def an_event(**changes: Any) -> dict[str, Any]:
    """A full event; None takes a field away."""
    event = {
        "transaction_id": "t-1",
        "timestamp": "2026-03-02T14:30:00.123Z",
        "user_id": "u-1",
        "amount": 42.5,
        "currency": "EUR",
        "merchant_id": "m-1",
        "merchant_category": "grocery",
        "channel": "card_present",
        "location": {"country": "DE", "city": "Köln", "latitude": 50.9, "longitude": 6.9},
        "device_info": {"device_type": "mobile", "device_id": "d-1", "ip_address": "203.0.113.9"},
        "card_id": "tok_1",
        "previous_transactions_count": 7,
    } | changes
    return {name: value for name, value in event.items() if value is not None}


def a_transaction(**changes: Any) -> Transaction:
    """The transaction of `an_event`, through the real decoder."""
    return decode(json.dumps(an_event(**changes)).encode(), Unknown())


def a_bare_transaction() -> Transaction:
    """Nothing but the required fields."""
    event = {name: value for name, value in an_event().items() if name in REQUIRED}
    return decode(json.dumps(event).encode(), Unknown())


def labelled_events(seed: int, count: int) -> Iterator[Labelled]:
    """Two per cent fraud, half of it easy to tell; enough noise that no feature separates alone."""
    chance, moment = random.Random(seed), datetime(2026, 1, 1, tzinfo=UTC)
    for index in range(count):
        moment += timedelta(seconds=chance.randrange(1, 20))
        is_fraud, is_plain = chance.random() < 0.02, chance.random() < 0.5
        stolen = is_fraud and is_plain
        event = an_event(
            transaction_id=f"t-{index}",
            timestamp=moment.isoformat(),
            amount=round(chance.lognormvariate(6.0 if stolen else 3.5, 1.0), 2),
            merchant_category=chance.choice(["grocery", "fuel", "electronics", None]),
            channel=chance.choices(["online", "card_present"], [9, 1] if stolen else [4, 6])[0],
            previous_transactions_count=chance.randrange(500),
        )
        yield Labelled(event, is_fraud, ("stolen" if is_plain else "hidden") if is_fraud else None)


def edit_manifest(folder: Path, **changes: Any) -> None:
    """Overwrite top-level keys of the manifest, sealed as a careless exporter would."""
    file = folder / "manifest.json"
    document = json.loads(file.read_text()) | changes
    content, seal = json.dumps(document), document["seal"]
    file.write_text(content.replace(seal, str(seal_of(content.encode(), seal))))


def reseal(folder: Path, *more: str) -> None:
    """Make the manifest's digests those of the files, as an exporter of broken bundles would."""
    names = ("model.onnx", "policy.toml", *more)
    edit_manifest(folder, files={name: sha256((folder / name).read_bytes()).hexdigest() for name in names})


def a_graph(nodes: list[onnx.NodeProto], width: int = len(EVENT.names), **constants: Any) -> bytes:
    """A graph of these nodes with the contract's inputs and outputs."""
    matrix = ("features", "contributions")
    described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width]) for name in matrix]
    probability = helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows"])
    values = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "test", described[:1], [probability, described[1]], values)
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    return bytes(proto.SerializeToString())
