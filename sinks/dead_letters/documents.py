"""A dead letter as the JSON document that is stored, and back. Apart, because memory and S3 keep the same document."""

from __future__ import annotations

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from sinks.dead_letters.keys import dead_letter_key
from sinks.errors import DamagedLetterError


def document_of(letter: DeadLetter) -> bytes:
    """Return the document to store."""
    return letter.model_dump_json(by_alias=True).encode()


def letter_in(document: bytes, key: str) -> DeadLetter:
    """Return the letter in the document that stands at `key`. Raises DamagedLetterError if it is none, or another record's."""
    try:
        letter = DeadLetter.model_validate_json(document)
        is_in_place = dead_letter_key(letter) == key
    except (ValidationError, ValueError) as error:
        raise DamagedLetterError(key=key) from error
    if not is_in_place:
        raise DamagedLetterError(key=key)
    return letter
