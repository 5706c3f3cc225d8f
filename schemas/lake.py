"""The one list of columns. Ledger migrations, Parquet, Glue and the data dictionary are made from it or tested against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LAKE_SCHEMA_VERSION = "decisions/1"

LakeType = Literal[
    "string",
    "double",
    "float",
    "int",
    "bigint",
    "tinyint",
    "decimal(18,2)",
    "timestamp",
    "array<string>",
    "array<float>",
]
"""Glue's name of the type. `timestamp` is `timestamp('ms', UTC)` in Parquet: Athena engine v3 fails on finer ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a decision: its PostgreSQL type (None: not in the ledger), its lake type (None: not in the lake), its meaning."""

    name: str
    ledger: str | None
    lake: LakeType | None
    meaning: str
    required: bool = False
    is_audited: bool = True
    """Whether ledger and lake must agree; the worker's own clock readings are stored but not compared."""


def _text(name: str, length: int, meaning: str, *, required: bool = False) -> Column:
    check = f"text check (char_length({name}) <= {length})"
    return Column(name, check, "string", meaning, required)


COLUMNS: tuple[Column, ...] = (
    _text("transaction_id", 128, "the sender's id of the transaction", required=True),
    Column("event_time", "timestamptz", "timestamp", "when it happened, truncated to milliseconds", required=True),
    _text("user_id", 128, "the customer; partition key by contract", required=True),
    Column(
        "amount",
        "numeric(18,2) check (amount >= 0 and amount <> 'NaN')",
        "decimal(18,2)",
        "amount in units of the currency",
        required=True,
    ),
    _text("currency", 3, "ISO 4217 code, as sent"),
    _text("merchant_id", 128, "the merchant or terminal"),
    _text("merchant_category", 64, "the merchant's category, as sent"),
    _text("channel", 32, "how it was made, such as card_present, online, atm"),
    _text("location_country", 64, "country of the transaction, as sent"),
    _text("location_state", 64, "state or region, as sent"),
    _text("location_city", 64, "city, as sent"),
    Column("location_latitude", "double precision", "double", "degrees north, -90 to 90"),
    Column("location_longitude", "double precision", "double", "degrees east, -180 to 180"),
    _text("device_type", 32, "kind of device, as sent"),
    _text("device_id", 128, "the device"),
    _text("ip_address", 45, "the device's IPv4 or IPv6 address"),
    _text("card_id", 128, "a token for the card; a card number is refused"),
    Column(
        "local_hour", "smallint", "tinyint", "the customer's hour 0-23, as sent, else from event_time", required=True
    ),
    Column(
        "local_weekday",
        "smallint",
        "tinyint",
        "the customer's weekday, Monday = 0, as sent, else from event_time",
        required=True,
    ),
    Column("previous_transactions_count", "integer", "int", "the customer's earlier transactions, as sent"),
    Column(
        "content_hash",
        "bytea check (octet_length(content_hash) = 16)",
        None,
        "BLAKE2b-128 of the canonical event",
        required=True,
    ),
    Column(
        "features",
        "bytea",
        "array<float>",
        "the vector that was scored, in the order of feature_set (ledger: float32, little-endian)",
        required=True,
    ),
    Column(
        "score",
        "real check (score >= 0 and score <= 1)",
        "float",
        "probability of fraud, calibrated, rounded to float32",
        required=True,
    ),
    Column("classification", "smallint", "tinyint", "1 if score > 0.5, else 0", required=True),
    Column("risk_level", "text", "string", "low, medium, high or critical, by policy", required=True),
    Column(
        "confidence",
        "text",
        "string",
        "high, medium or low: distance from even odds and share of missing features",
        required=True,
    ),
    Column(
        "reasons",
        "jsonb",
        "array<string>",
        "reason codes of what may alert, strongest first (ledger: with value and contribution)",
    ),
    Column(
        "reason_contributions",
        None,
        "array<float>",
        "contribution of each reason to the log-odds, in the order of reasons",
    ),
    Column("model_version", "text", "string", "the model bundle that scored", required=True),
    Column("policy_version", "text", "string", "the policy that classified", required=True),
    Column("feature_set", "text", "string", "the named, ordered list of features", required=True),
    Column("stream_epoch", "text", "string", "creation time of the stream, YYYYMMDDTHHMMSSZ", required=True),
    Column("shard_id", "text", "string", "shard of the record that was decided", required=True),
    Column("sequence_number", "text", "string", "sequence number of the record that was decided", required=True),
    Column("sub_sequence", "bigint", "bigint", "place in an aggregated record, else 0", required=True),
    Column(
        "arrival_time",
        "timestamptz",
        "timestamp",
        "when Kinesis took the record (ApproximateArrivalTimestamp)",
        required=True,
    ),
    Column(
        "received_at",
        "timestamptz",
        "timestamp",
        "when the worker got the record (worker's clock)",
        required=True,
        is_audited=False,
    ),
    Column(
        "scored_at",
        "timestamptz",
        "timestamp",
        "when the worker scored it (worker's clock)",
        required=True,
        is_audited=False,
    ),
)

LEDGER_COLUMNS: tuple[Column, ...] = tuple(c for c in COLUMNS if c.ledger)
LAKE_COLUMNS: tuple[Column, ...] = tuple(c for c in COLUMNS if c.lake)
PARTITION_COLUMN = "dt"
"""UTC day of arrival of the chunk's first record, `YYYY-MM-DD`: the only partition column, so that no clock moves a row."""
