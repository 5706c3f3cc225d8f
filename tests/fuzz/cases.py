"""The cases: seeded, endless, and each reproducible by itself from (seed, number)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import NamedTuple

from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from tests.builders import NOW
from tests.fuzz import byte_mutations as on_bytes
from tests.fuzz import field_mutations as on_fields
from tests.fuzz.byte_mutations import ByteMutation
from tests.fuzz.documents import Document, document_of
from tests.fuzz.field_mutations import FieldMutation

_POOL = 2_000
_MOST_MUTATIONS = 4
_DAMAGED = 0.3
_LOOK_BACK = 400
_MOST_BYTES = 1_048_576
"""What Kinesis takes in one record, unless a stream is told otherwise."""

FIELD_MUTATIONS: dict[FieldMutation, float] = {
    on_fields.odd_value: 30, on_fields.wrong_type: 10, on_fields.any_value: 10, on_fields.another_moment: 8, on_fields.odd_moment: 6,
    on_fields.odd_amount: 6, on_fields.card_number: 3, on_fields.missing_field: 6, on_fields.repeated_key: 6, on_fields.unknown_field: 8,
    on_fields.respelled_key: 5, on_fields.respelled_value: 6, on_fields.nested_scalar: 4, on_fields.deep_value: 3, on_fields.padding: 1,
    on_fields.bulk: 0.1, on_fields.many_fields: 0.5, on_fields.similar_identity: 4,
}  # fmt: skip
BYTE_MUTATIONS: dict[ByteMutation, float] = {
    on_bytes.cut: 3, on_bytes.headless: 2, on_bytes.flipped_bits: 8, on_bytes.inserted_bytes: 6, on_bytes.deleted_bytes: 5,
    on_bytes.repeated_bytes: 3, on_bytes.joined: 3, on_bytes.spaced: 4, on_bytes.other_encoding: 3, on_bytes.other_format: 2,
    on_bytes.aggregate_magic: 0.5, on_bytes.nothing: 1, on_bytes.noise: 1,
}  # fmt: skip
"""How often each is drawn, relative to the others of its kind."""


class Case(NamedTuple):
    """A record's bytes, and what was done to the good event that they once were."""

    seed: int
    number: int
    data: bytes
    mutations: tuple[str, ...]


def cases(seed: int, count: int, first: int = 0) -> Iterator[Case]:
    """Yield `count` cases from number `first` on."""
    return (case_of(seed, number) for number in range(first, first + count))


def case_of(seed: int, number: int) -> Case:
    """Return one case: a resend of an earlier one, or an event of its own with none to four mutations."""
    rng = Random(f"case {seed} {number}")
    if number and rng.random() < 0.12:
        return _resend(seed, number, rng)
    return _mutated(seed, number, _good(seed, number), rng)


def _resend(seed: int, number: int, rng: Random) -> Case:
    """An earlier record again, whole, or its event at another time, with other content, or spoiled."""
    earlier = max(0, number - rng.randint(1, _LOOK_BACK))
    kind = rng.choice(("exact", "good", "time", "content", "spoiled"))
    if kind == "exact":
        return Case(seed, number, case_of(seed, earlier).data, (f"resend of {earlier}",))
    document = _good(seed, earlier)
    if kind == "spoiled":
        return _mutated(seed, number, document, rng, (f"event of {earlier}",))
    if kind == "time":
        on_fields.another_moment(document, rng)
    if kind == "content":
        on_fields.odd_amount(document, rng)
    return Case(seed, number, document.encode()[:_MOST_BYTES], (f"event of {earlier}, {kind}",))


def _mutated(seed: int, number: int, document: Document, rng: Random, names: tuple[str, ...] = ()) -> Case:
    chosen = rng.choices(list(FIELD_MUTATIONS), list(FIELD_MUTATIONS.values()), k=rng.choice((0, 1, 1, 1, 2, 2, 3, 4)))
    for mutate in chosen:
        mutate(document, rng)
    data = document.encode()
    damage: list[ByteMutation] = []
    if len(chosen) < _MOST_MUTATIONS and rng.random() < _DAMAGED:
        damage = rng.choices(list(BYTE_MUTATIONS), list(BYTE_MUTATIONS.values()), k=1)
    for damaged in damage:
        data = damaged(data, rng)
    return Case(seed, number, data[:_MOST_BYTES], (*names, *(mutate.__name__ for mutate in (*chosen, *damage))))


def _good(seed: int, number: int) -> Document:
    """The valid event that a case begins as; a document of its own each time."""
    event = _pool(seed)[number % _POOL] | {"transaction_id": f"fuzz-{seed}-{number}"}
    return document_of(event)


@cache
def _pool(seed: int) -> list[dict[str, object]]:
    settings = SimulationSettings(seed=seed, customers=300, merchants=100, fraud_share=0.2, start=NOW)
    return [simulated.event for simulated in simulate(settings, _POOL)]
