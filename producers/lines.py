"""Events out of a file or a pipe, one at a time, bytes untouched: JSON lines, or one JSON array of objects."""

from __future__ import annotations

import io
import select
from collections.abc import Iterator
from typing import IO, NamedTuple

import msgspec

from producers.batches import MIB
from producers.errors import FileFormatError
from producers.records import PAUSE, Pause

MAX_ARRAY_BYTES = 256 * MIB
_CHUNK_BYTES = 1 * MIB
BLANK = b" \t\r\n"
BOM = b"\xef\xbb\xbf"
_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Line(NamedTuple):
    """One event as it stands in the source: its number (from 1; in an array: its place) and its bytes without the line end.

    `is_cut`: it is longer than was allowed; `data` holds its beginning only.
    """

    number: int
    data: bytes
    is_cut: bool = False


def read_events(
    source: IO[bytes], max_line_bytes: int, max_array_bytes: int = MAX_ARRAY_BYTES
) -> Iterator[Line | Pause]:
    """Yield the events of `source`, and a pause whenever it is a pipe that has nothing more at the moment.

    A source is an array if its first byte that is not blank is `[` and the whole of it is one JSON array of objects (a BOM before
    it is dropped); all else is read as lines ended by LF, whatever bytes they hold. Lines are streamed, none longer than
    `max_line_bytes` is held whole; an array is loaded: FileFormatError if it is larger than `max_array_bytes`.
    """
    chunks = _chunks(source)
    head = next((chunk for chunk in chunks if not isinstance(chunk, Pause)), b"")
    if not _may_be_array(head):
        yield from _lines(_prepend(head, chunks), max_line_bytes)
    else:
        yield from _array_or_lines(_prepend(head, chunks), max_line_bytes, max_array_bytes)


def _may_be_array(head: bytes) -> bool:
    """Whether `head` begins like an array that does not end on its own line: else it is an event of JSON lines like any other."""
    text = head.removeprefix(BOM).lstrip(BLANK)
    first_line, end, rest = text.partition(b"\n")
    return text[:1] == b"[" and not (end and rest.strip(BLANK) and _is_json(first_line))


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _array_or_lines(
    chunks: Iterator[bytes | Pause], max_line_bytes: int, max_array_bytes: int
) -> Iterator[Line | Pause]:
    whole = _load(chunks, max_array_bytes)
    elements = _elements(whole)
    if elements is None:
        yield from _lines(iter([whole]), max_line_bytes)
    else:
        yield from (_line(number, element, max_line_bytes) for number, element in enumerate(elements, start=1))


def _load(chunks: Iterator[bytes | Pause], limit_bytes: int) -> bytes:
    whole = io.BytesIO()
    for chunk in chunks:
        whole.write(b"" if isinstance(chunk, Pause) else chunk)
        if whole.tell() > limit_bytes:
            raise FileFormatError(
                f"the file begins with '[' and is larger than {limit_bytes} bytes, too large for one JSON array: "
                "write one event a line instead (jq -c '.[]' FILE)"
            )
    return whole.getvalue()


def _elements(data: bytes) -> list[bytes] | None:
    """Return the bytes of every element, or None unless `data` is one JSON array of objects."""
    try:
        elements = [bytes(element).strip(BLANK) for element in _read_array(data.removeprefix(BOM))]
    except (msgspec.DecodeError, RecursionError):
        return None
    return elements if all(element[:1] == b"{" for element in elements) else None


def _prepend(head: bytes, chunks: Iterator[bytes | Pause]) -> Iterator[bytes | Pause]:
    yield head
    yield from chunks


def _chunks(source: IO[bytes]) -> Iterator[bytes | Pause]:
    read = getattr(source, "read1", source.read)  # read1 returns what a pipe holds instead of waiting for all of it
    while chunk := read(_CHUNK_BYTES):
        yield chunk
        if _would_wait(source):
            yield PAUSE


def _would_wait(source: IO[bytes]) -> bool:
    try:
        return not select.select([source], [], [], 0)[0]
    except (OSError, ValueError, TypeError):  # no descriptor: it is in memory and never waits
        return False


def _lines(chunks: Iterator[bytes | Pause], max_line_bytes: int) -> Iterator[Line | Pause]:
    number, rest = 0, b""
    for chunk in chunks:
        if isinstance(chunk, Pause):
            yield chunk
            continue
        *complete, rest = (rest + chunk).split(b"\n")
        for data in complete:
            number += 1
            yield _line(number, data, max_line_bytes)
        rest = rest[: max_line_bytes + 1]  # one byte too many is enough to know that it is too long
    if rest:
        yield _line(number + 1, rest, max_line_bytes)


def _line(number: int, data: bytes, max_bytes: int) -> Line:
    return Line(number, data[:max_bytes], is_cut=len(data) > max_bytes)
