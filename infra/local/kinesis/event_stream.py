"""``application/vnd.amazon.eventstream``: messages with headers and checksums, as SubscribeToShard's answer has them.

Layout: total length, length of the headers, CRC-32 of both; headers; payload; CRC-32 of all before it. Numbers are big-endian.
"""

import struct
import zlib
from collections.abc import Mapping

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_FRAME_BYTES = 16
_TEXT = 7


def encode_event(event_type: str, content_type: str, payload: bytes) -> bytes:
    """Write one event."""
    return encode_message({":event-type": event_type, ":content-type": content_type, ":message-type": "event"}, payload)


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Write a message; all headers are texts."""
    head = b"".join(map(_header, headers, headers.values()))
    lengths = struct.pack(">II", _FRAME_BYTES + len(head) + len(payload), len(head))
    message = b"".join((lengths, struct.pack(">I", zlib.crc32(lengths)), head, payload))
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _TEXT, len(encoded)) + encoded
