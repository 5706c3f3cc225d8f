"""What PostgreSQL refuses of a row, said in Python, so that the ledger in memory refuses the same."""

from __future__ import annotations

import math
import re

from schemas.decision import Decision
from schemas.lake import LEDGER_COLUMNS
from schemas.transaction import MAX_AMOUNT
from sinks.front import ApiKey, Reservation

_TEXT_BOUND = re.compile(r"char_length\((\w+)\) <= (\d+)")
_TEXT_LIMITS = {m[1]: int(m[2]) for column in LEDGER_COLUMNS if (m := _TEXT_BOUND.search(column.ledger or ""))}
_INTEGER_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_LIMITS = {column.name: _INTEGER_LIMITS[column.ledger] for column in LEDGER_COLUMNS if column.ledger in _INTEGER_LIMITS}
_HASH_BYTES = 16
_KEY_ID_LENGTH = 64
_KEY_NAME_LENGTH = 128


def is_text(value: str) -> bool:
    """Whether PostgreSQL takes this as text: neither U+0000 nor lone surrogates."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def is_storable(decision: Decision) -> bool:
    """Whether the ledger's types and CHECKs take the row."""
    return (
        all(is_text(value) for value in decision if isinstance(value, str))
        and all(len(getattr(decision, name) or "") <= limit for name, limit in _TEXT_LIMITS.items())
        and all(-limit <= (getattr(decision, name) or 0) < limit for name, limit in _LIMITS.items())
        and _are_quantities_storable(decision)
    )


def is_storable_reservation(reservation: Reservation) -> bool:
    """Whether the table of the reservations takes the row."""
    transaction_id, _, content_hash = reservation
    is_id = is_text(transaction_id) and len(transaction_id) <= _TEXT_LIMITS["transaction_id"]
    return is_id and len(content_hash) == _HASH_BYTES


def is_storable_key(key: ApiKey) -> bool:
    """Whether the table of the keys takes the row."""
    are_texts = all(is_text(text) for text in (key.key_id, key.name, *key.scopes))
    are_short = len(key.key_id) <= _KEY_ID_LENGTH and len(key.name) <= _KEY_NAME_LENGTH
    is_rate = 0 < key.rate_per_s < math.inf
    return are_texts and are_short and is_rate and 1 <= key.burst < _INTEGER_LIMITS["integer"]


def _are_quantities_storable(decision: Decision) -> bool:
    is_amount = decision.amount.is_finite() and 0 <= decision.amount <= MAX_AMOUNT
    return is_amount and 0 <= decision.score <= 1 and len(decision.content_hash) == _HASH_BYTES
