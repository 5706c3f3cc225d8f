"""The file of received alerts: what a crash may leave in it, and what else may arrive in the queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from consumer.auditing.messages import parse_document, read_message
from consumer.auditing.received import ReceivedAlerts
from tests.audit_builders import WHOLE

ALERT: dict[str, Any] = dict((WHOLE.received or [{}])[0])
ENVELOPE = {"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": json.dumps(ALERT)}


class Queue:
    """An SQS queue that gives ten messages at a time until they are deleted."""

    def __init__(self, *bodies: str) -> None:
        self.waiting = dict(enumerate(bodies))

    def receive_message(self, **_: Any) -> Any:
        return {"Messages": [{"Body": body, "ReceiptHandle": str(n)} for n, body in list(self.waiting.items())[:10]]}

    def delete_message_batch(self, *, Entries: list[Any], **_: Any) -> None:  # noqa: N803 - boto3's name
        for entry in Entries:
            del self.waiting[int(entry["ReceiptHandle"])]


def _received(path: Path, *bodies: object) -> ReceivedAlerts:
    queue = Queue(*(body if isinstance(body, str) else json.dumps(body) for body in bodies))
    return ReceivedAlerts(cast("Any", queue), "url", path / "state" / "alerts.jsonl")


def _write(path: Path, text: str) -> None:
    (path / "state").mkdir()
    (path / "state" / "alerts.jsonl").write_text(text)


def test_what_is_collected_is_kept_for_every_later_audit(tmp_path: Path) -> None:
    alerts = _received(tmp_path, ALERT, ALERT)
    assert alerts.all() == []
    assert alerts.collect() == [ALERT, ALERT]
    assert alerts.collect() == []
    assert _received(tmp_path).all() == [ALERT, ALERT]


def test_about_so_many_are_collected_as_asked_for(tmp_path: Path) -> None:
    alerts = _received(tmp_path, *[ALERT] * 25)
    assert [len(alerts.collect(11)), len(alerts.collect())] == [20, 5]


def test_half_a_line_that_a_crash_left_is_passed_over_and_the_next_line_is_whole(tmp_path: Path) -> None:
    _write(tmp_path, json.dumps(ALERT) + '\n{"alert_')
    alerts = _received(tmp_path, ALERT)
    assert alerts.all() == [ALERT]
    alerts.collect()
    assert alerts.all() == [ALERT, ALERT]


def test_a_file_of_nothing_but_half_a_line_is_an_empty_one(tmp_path: Path) -> None:
    _write(tmp_path, '{"alert_')
    alerts = _received(tmp_path, ALERT)
    assert alerts.all() == []
    alerts.collect()
    assert alerts.all() == [ALERT]


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    odd = {**ALERT, "user_id": "a\x85b\u2028c"}
    _write(tmp_path, json.dumps(odd, ensure_ascii=False) + "\n")
    assert _received(tmp_path).all() == [odd]


def test_an_alert_in_the_topics_envelope_is_taken_out_of_it(tmp_path: Path) -> None:
    alerts = _received(tmp_path, ENVELOPE)
    assert alerts.collect() == [ALERT]
    assert alerts.all() == [ALERT]


def test_what_is_no_alert_is_kept_for_the_audit_and_not_shown_as_one(tmp_path: Path) -> None:
    alerts = _received(tmp_path, "not json", {"Type": "Other"}, ALERT, [1])
    assert alerts.collect() == [ALERT]
    assert [read_message(document) is not None for document in alerts.all()] == [False, False, True, False]


POSITION = ALERT["position"]
NOT_ALERTS: list[dict[str, Any]] = [
    {},
    {**ALERT, "alert_id": 7},
    {**ALERT, "alert_id": "x"},
    {**ALERT, "position": "x"},
    {**ALERT, "position": {}},
    {**ALERT, "position": {**POSITION, "sequence_number": "x"}},
    {**ALERT, "position": {**POSITION, "sub_sequence": None}},
]


@pytest.mark.parametrize("document", NOT_ALERTS, ids=range(len(NOT_ALERTS)))
def test_a_document_without_id_or_place_is_no_alert(document: dict[str, Any]) -> None:
    assert read_message(document) is None


@pytest.mark.parametrize(
    "text", ['{"Type": "Notification"}', '{"Type": "Notification", "Message": 7}', "[]", "", "[" * 100_000]
)
def test_text_that_is_no_object_is_kept_as_text(text: str) -> None:
    assert parse_document(text) == {"not_json": text}
