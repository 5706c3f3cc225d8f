"""Collects the alerts that arrive in a queue into a file, so that every audit sees all of them, not only the first."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consumer.auditing.messages import parse_document, read_message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ReceivedAlerts:
    """The messages received so far: JSON lines in `path`, in the order received, repetitions included.

    A message is deleted from the queue only after its line is on disk. A crash in between collects it twice, which counts as
    redelivered; a crash that leaves half a line harms nothing, because the message is still in the queue.
    """

    def __init__(self, client: SQSClient, queue_url: str, path: Path) -> None:
        self._client, self._queue_url, self._path = client, queue_url, path

    def collect(self, at_most: int | None = None) -> list[dict[str, Any]]:
        """Move what waits in the queue into the file, about `at_most` messages of it, and return the alerts among them."""
        collected, alerts = 0, []
        while (at_most is None or collected < at_most) and (messages := self._receive()):
            documents = [parse_document(m["Body"]) for m in messages]
            self._keep(documents)
            self._delete(messages)
            collected += len(messages)
            alerts += [document for document in documents if read_message(document) is not None]
        return alerts

    def all(self) -> list[dict[str, Any]]:
        """Return every message ever collected into the file: alerts of any stream, and what is none."""
        try:
            whole_lines, _, _half_a_line = self._path.read_text("utf-8", "replace").rpartition("\n")
        except FileNotFoundError:
            return []
        return [parse_document(line) for line in whole_lines.split("\n") if line]

    def _receive(self) -> list[Any]:
        answer = self._client.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        return list(answer.get("Messages", ()))

    def _keep(self, documents: list[dict[str, Any]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab+") as file:
            _cut_half_a_line(file.fileno())
            file.writelines(json.dumps(document).encode() + b"\n" for document in documents)
            file.flush()
            os.fsync(file.fileno())

    def _delete(self, messages: list[Any]) -> None:
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        self._client.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)  # type: ignore[arg-type]


def _cut_half_a_line(file: int) -> None:
    """Cut what a crash left after the last whole line, lest the next line be glued to it."""
    end = whole = os.fstat(file).st_size
    while whole and os.pread(file, 1, whole - 1) != b"\n":
        whole -= 1
    if whole < end:
        os.ftruncate(file, whole)
