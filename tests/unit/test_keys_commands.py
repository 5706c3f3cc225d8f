"""`fraudstream keys`: what is stored, what is shown, and how a time to expire is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from consumer.operations.keys import WantedKey, create, described, parse_span, table
from producers.gateway.api_key import hash_secret, parse_key
from sinks.front import ApiKey
from sinks.ledger.memory import MemoryStore
from sinks.ledger.memory_api_keys import MemoryApiKeys
from tests.builders import NOW
from tests.key_builders import PEPPER, a_key

WANTED = WantedKey("shop", ["classify", "read"], 50.0, 100, "90d")


def keys_of(**states: timedelta | None) -> list[ApiKey]:
    return [
        a_key(name=name, created_at=NOW - timedelta(days=9), expires_at=None if at is None else NOW + at).kept
        for name, at in states.items()
    ]


def test_a_key_is_stored_as_it_was_wanted_and_shown_whole() -> None:
    keys = MemoryApiKeys(MemoryStore())
    made = create(keys, PEPPER, WANTED, NOW)
    shown = parse_key(made.shown)
    assert shown is not None
    stored = keys.find(shown.key_id)
    assert stored == made.kept
    assert (stored.name, sorted(stored.scopes)) == ("shop", ["classify", "read"])
    assert (stored.rate_per_s, stored.burst) == (50.0, 100)
    assert (stored.created_at, stored.expires_at) == (NOW, NOW + timedelta(days=90))
    assert stored.secret_hash == hash_secret(PEPPER, stored.salt, shown.secret)


def test_a_key_that_makes_no_sense_is_not_stored() -> None:
    keys = MemoryApiKeys(MemoryStore())
    for wrong in (WANTED._replace(scopes=["admin"]), WANTED._replace(expires="tomorrow")):
        with pytest.raises(ValueError, match=r"must be one or more of|write 90d, 12h, 30m or never"):
            create(keys, PEPPER, wrong, NOW)
    assert keys.all() == []


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("99999d", timedelta(days=99_999)),
        ("never", None),
    ],
)
def test_a_span_is_written_short(text: str, span: timedelta | None) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1.5d", "90", "90 d", "90D", "100000d", "٣d", "90d\n"])
def test_what_is_no_span_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write 90d, 12h, 30m or never"):
        parse_span(text)


def test_the_table_says_of_every_key_whether_it_may_be_used() -> None:
    live, ended, lasting, revoked = keys_of(live=timedelta(days=1), ended=timedelta(0), lasting=None, revoked=None)
    head, *lines = table([live, ended, lasting, revoked._replace(revoked_at=NOW)], NOW)
    assert head.split() == ["key", "id", "name", "scopes", "rate/s", "burst", "state"]
    assert [line.split(maxsplit=5)[1:] for line in lines] == [
        ["live", "classify", "50", "100", "usable until 2026-08-13T10:30:00.000Z"],
        ["ended", "classify", "50", "100", "expired 2026-08-12T10:30:00.000Z"],
        ["lasting", "classify", "50", "100", "usable, never expires"],
        ["revoked", "classify", "50", "100", "revoked 2026-08-12T10:30:00.000Z"],
    ]


def test_a_document_tells_the_same_and_nothing_of_the_secret() -> None:
    live, ended, revoked = keys_of(live=None, ended=timedelta(0), revoked=None)
    documents = [described(key, NOW) for key in (live, ended, revoked._replace(revoked_at=NOW))]
    assert [document["is_usable"] for document in documents] == [True, False, False]
    assert documents[1] == {
        "key_id": ended.key_id,
        "name": "ended",
        "scopes": ["classify"],
        "rate_per_s": 50.0,
        "burst": 100,
        "created_at": "2026-08-03T10:30:00.000Z",
        "expires_at": "2026-08-12T10:30:00.000Z",
        "revoked_at": None,
        "is_usable": False,
    }


def test_without_keys_the_table_says_how_to_make_one() -> None:
    assert list(table([], NOW)) == ["no keys: make one with `fraudstream keys create NAME`"]
