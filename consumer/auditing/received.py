"""Collects the alerts that arrive in a queue into a file, so that every audit sees all of them, not only the first."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ReceivedAlerts:
    """The alerts received so far: JSON lines in `path`, in the order received, repetitions included.

    A message is deleted from the queue only after its line is on disk; a crash in between collects it twice, which counts as
    redelivered and harms nothing.
    """

    def __init__(self, client: SQSClient, queue_url: str, path: Path) -> None:
        self._client, self._queue_url, self._path = client, queue_url, path

    def collect(self, at_most: int | None = None) -> list[dict[str, Any]]:
        """Move what waits in the queue into the file, about `at_most` messages of it, and return them."""
        collected: list[dict[str, Any]] = []
        while (at_most is None or len(collected) < at_most) and (messages := self._receive()):
            documents = [json.loads(m["Body"]) for m in messages]
            self._keep(documents)
            self._delete(messages)
            collected.extend(documents)
        return collected

    def all(self) -> list[dict[str, Any]]:
        """Return every message ever collected into the file."""
        try:
            return [json.loads(line) for line in self._path.read_text().splitlines()]
        except FileNotFoundError:
            return []

    def _receive(self) -> list[Any]:
        answer = self._client.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        return list(answer.get("Messages", ()))

    def _keep(self, documents: list[dict[str, Any]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.writelines(json.dumps(document) + "\n" for document in documents)
            file.flush()
            os.fsync(file.fileno())

    def _delete(self, messages: list[Any]) -> None:
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        self._client.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)  # type: ignore[arg-type]
