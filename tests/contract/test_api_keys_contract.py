"""What is promised of clients' keys, held to memory and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sinks.errors import DataRefusedError
from sinks.front import ApiKey, ApiKeys
from tests.builders import NOW
from tests.contract.front_subjects import SUBJECTS, FrontSubject
from tests.contract.ledger_subjects import SUBJECT_NAMES

LATER = NOW + timedelta(days=3, microseconds=7)


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[FrontSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


@pytest.fixture
def keys(subject: FrontSubject) -> ApiKeys:
    return subject.new_keys()


def a_key(key_id: str = "abcdefghjkmn", **changes: Any) -> ApiKey:
    scopes = frozenset({"classify", "label"})
    plain = ApiKey(key_id, "Käthe's shop", b"\0salt", b"\xffhash", scopes, 12.5, 25, NOW, LATER, None)
    return plain._replace(**changes)


def test_a_key_is_found_as_it_was_added(subject: FrontSubject, keys: ApiKeys) -> None:
    endless = a_key("endless", expires_at=None, scopes=frozenset(), name="", revoked_at=LATER)
    keys.add(a_key())
    keys.add(endless)

    assert subject.new_keys().find("abcdefghjkmn") == a_key()
    assert subject.new_keys().find("endless") == endless


@pytest.mark.parametrize("unknown", ["abcdefghjkm", "ABCDEFGHJKMN", "", "\0", "\ud800", "k" * 100_000])
def test_an_unknown_key_is_not_found_and_cannot_be_revoked(keys: ApiKeys, unknown: str) -> None:
    keys.add(a_key())

    assert keys.find(unknown) is None
    assert keys.revoke(unknown, LATER) is False


def test_an_id_is_given_once(keys: ApiKeys) -> None:
    keys.add(a_key())

    with pytest.raises(DataRefusedError):
        keys.add(a_key(name="another"))

    assert list(keys.all()) == [a_key()]


@pytest.mark.parametrize(
    "changes",
    [
        {"key_id": "k" * 65},
        {"name": "n" * 129},
        {"name": "n\0"},
        {"rate_per_s": 0.0},
        {"rate_per_s": -1.0},
        {"rate_per_s": float("inf")},
        {"rate_per_s": float("nan")},
        {"burst": 0},
        {"burst": 2**31},
        {"scopes": frozenset({"read\0"})},
    ],
)
def test_a_value_that_breaks_a_bound_is_refused(keys: ApiKeys, changes: dict[str, Any]) -> None:
    with pytest.raises(DataRefusedError):
        keys.add(a_key(**changes))

    assert list(keys.all()) == []


def test_all_keys_are_listed_by_their_age(keys: ApiKeys) -> None:
    made = [
        a_key(name, created_at=NOW + n * timedelta(hours=1)) for name, n in (("b", 2), ("a", 1), ("d", 1), ("c", 0))
    ]
    for key in made:
        keys.add(key)
    keys.revoke("a", LATER)

    assert [key.key_id for key in keys.all()] == ["c", "a", "d", "b"]


def test_a_revoked_key_is_found_with_the_first_time_it_was_revoked(subject: FrontSubject, keys: ApiKeys) -> None:
    keys.add(a_key())
    keys.add(a_key("other"))

    assert keys.revoke("abcdefghjkmn", NOW) is True
    assert subject.new_keys().revoke("abcdefghjkmn", LATER) is True
    assert keys.find("abcdefghjkmn") == a_key(revoked_at=NOW)
    assert keys.find("other") == a_key("other")


def test_keys_can_be_closed_and_used_again(keys: ApiKeys) -> None:
    keys.close()
    keys.close()
    keys.add(a_key())

    assert keys.find("abcdefghjkmn") == a_key()
