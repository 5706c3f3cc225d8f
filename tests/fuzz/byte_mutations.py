"""Mutations that know nothing of events: other encodings, other formats, broken, joined and damaged bytes."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import cbor2
import msgspec

ByteMutation = Callable[[bytes, Random], bytes]
_INSERTED = (
    b"\0",
    b"\xff",
    b"\x80",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"e",
    b"-",
    b".",
    b"0",
    b"\n",
    b"\xe2\x80\xa8",
    b"\\u0000",
)


def cut(data: bytes, rng: Random) -> bytes:
    """The beginning, up to any byte."""
    return data[: rng.randrange(len(data) + 1)]


def headless(data: bytes, rng: Random) -> bytes:
    """The end, from any byte on."""
    return data[rng.randrange(len(data) + 1) :]


def flipped_bits(data: bytes, rng: Random) -> bytes:
    """One to eight bits changed."""
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8)) if damaged else 0):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def inserted_bytes(data: bytes, rng: Random) -> bytes:
    """A byte or token too many."""
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((*_INSERTED, rng.randbytes(4))) + data[at:]


def deleted_bytes(data: bytes, rng: Random) -> bytes:
    """Up to twenty bytes less, anywhere."""
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.randint(1, 20) :]


def repeated_bytes(data: bytes, rng: Random) -> bytes:
    """A stretch that stands twice."""
    at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return data[:end] + data[at : min(end, at + 1_000)] + data[end:]


def joined(data: bytes, rng: Random) -> bytes:
    """Two documents in one record, or one with something around it."""
    return rng.choice(
        (
            data + data,
            data + b"\n" + data,
            b"[" + data + b"]",
            data + b",",
            data + b"\0",
            b")]}'\n" + data,
            data + b" x",
        )
    )


def spaced(data: bytes, rng: Random) -> bytes:
    """White space around it: legal, but not in every form."""
    return rng.choice((b" \t\r\n", b"\x0b", b"\xc2\xa0", b" " * 1_000)) + data + rng.choice((b"", b"\n", b"\r\n\r\n"))


def other_encoding(data: bytes, rng: Random) -> bytes:
    """The text in another encoding, or with a byte order mark."""
    text = data.decode("utf-8", "replace")
    coding = rng.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-7", "cp037"))
    return text.encode(coding, "replace")


def other_format(data: bytes, rng: Random) -> bytes:
    """Compressed, or in a binary format, or JSON in JSON."""
    pack: Callable[[Any], bytes] = rng.choice(
        (cbor2.dumps, msgspec.msgpack.encode, lambda value: json.dumps(json.dumps(value)).encode())
    )
    try:
        value = json.loads(data)
        packed = pack(value)
    except (ValueError, RecursionError, OverflowError):
        packed = base64.b64encode(data)
    return rng.choice((gzip.compress(data, 1, mtime=0), zlib.compress(data, 1), packed, packed))


def aggregate_magic(data: bytes, _: Random) -> bytes:
    """What begins as an aggregate of the Kinesis Producer Library does."""
    return b"\xf3\x89\x9a\xc2" + data


def nothing(_: bytes, rng: Random) -> bytes:
    """No data, or nearly none."""
    return rng.choice((b"", b"", b" ", b"\0", b"{}", b"[]", b"null", b"0", b'""', b"\xff", b"{", b"}"))


def noise(_: bytes, rng: Random) -> bytes:
    """Random bytes."""
    return rng.randbytes(rng.choice((1, 16, 300, 5_000)))
