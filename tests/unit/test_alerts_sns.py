"""How SNS' answers become a result: batches that fit, an HTTP 200 that holds failures, errors sorted by whose fault they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from botocore.config import Config
from botocore.stub import ANY, Stubber

from sinks.alerts.batches import MAX_BYTES
from sinks.alerts.sns import SnsTopic
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.port import OutboxAlert

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"


@pytest.fixture
def client() -> SNSClient:
    return boto3.client(
        "sns",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def stub(client: SNSClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def an_outbox_alert(number: int, payload: str = "{}", **attributes: str | float) -> OutboxAlert:
    return OutboxAlert(UUID(int=number), payload, attributes, 1)


def alerts_of(numbers: Sequence[int]) -> list[OutboxAlert]:
    return [an_outbox_alert(number) for number in numbers]


def request_of(numbers: Sequence[int]) -> dict[str, Any]:
    entries = [{"Id": str(UUID(int=number)), "Message": ANY, "MessageAttributes": ANY} for number in numbers]
    return {"TopicArn": TOPIC, "PublishBatchRequestEntries": entries}


def expect(stub: Stubber, numbers: Sequence[int], failed: Mapping[int, bool] | None = None) -> None:
    """Answer the next batch of these alerts; `failed` tells of each failed one whether the sender is at fault."""
    failed = failed or {}
    answer = {
        "Successful": [{"Id": str(UUID(int=n)), "MessageId": f"message-{n}"} for n in numbers if n not in failed],
        "Failed": [
            {"Id": str(UUID(int=n)), "Code": "Code", "Message": "text", "SenderFault": is_senders}
            for n, is_senders in failed.items()
        ],
    }
    stub.add_response("publish_batch", answer, request_of(numbers))


def expect_error(stub: Stubber, numbers: Sequence[int], code: str, message: str = "text", status: int = 400) -> None:
    stub.add_client_error("publish_batch", code, message, status, expected_params=request_of(numbers))


def numbers_of(part: Mapping[UUID, str]) -> list[int]:
    return [alert_id.int for alert_id in part]


@pytest.mark.usefixtures("stub")
def test_no_alerts_need_no_request(client: SNSClient) -> None:
    assert SnsTopic(client, TOPIC).publish([]) == ({}, {}, {})


def test_a_batch_holds_ten_at_most(client: SNSClient, stub: Stubber) -> None:
    for numbers in (range(10), range(10, 20), range(20, 23)):
        expect(stub, numbers)

    result = SnsTopic(client, TOPIC).publish(alerts_of(range(23)))

    assert result.sent == {UUID(int=n): f"message-{n}" for n in range(23)}


def test_a_batch_stays_within_the_bytes_of_all_its_messages(client: SNSClient, stub: Stubber) -> None:
    half = "x" * (MAX_BYTES // 2)
    expect(stub, [0, 1])
    expect(stub, [2])

    result = SnsTopic(client, TOPIC).publish([an_outbox_alert(n, half) for n in range(3)])

    assert len(result.sent) == 3


def test_attributes_count_among_the_bytes(client: SNSClient, stub: Stubber) -> None:
    half = "x" * (MAX_BYTES // 2)
    expect(stub, [0])
    expect(stub, [1])

    result = SnsTopic(client, TOPIC).publish([an_outbox_alert(n, half, rule="score") for n in range(2)])

    assert len(result.sent) == 2


def test_a_message_that_fits_no_batch_is_refused_without_asking(client: SNSClient, stub: Stubber) -> None:
    expect(stub, [1])

    result = SnsTopic(client, TOPIC).publish([an_outbox_alert(0, "x" * (MAX_BYTES + 1)), an_outbox_alert(1)])

    assert (numbers_of(result.refused), numbers_of(result.sent)) == ([0], [1])


def test_text_and_numbers_are_attributes_of_their_type(client: SNSClient, stub: Stubber) -> None:
    expected = request_of([0])
    expected["PublishBatchRequestEntries"][0] |= {
        "Message": '{"a":1}',
        "MessageAttributes": {
            "rule": {"DataType": "String", "StringValue": "score"},
            "score": {"DataType": "Number", "StringValue": "0.00001"},
            "amount": {"DataType": "Number", "StringValue": "1000000000.0"},
        },
    }
    stub.add_response("publish_batch", {"Successful": [], "Failed": []}, expected)

    SnsTopic(client, TOPIC).publish([an_outbox_alert(0, '{"a":1}', rule="score", score=1e-05, amount=1e9)])


def test_an_answer_of_200_may_hold_failures(client: SNSClient, stub: Stubber) -> None:
    expect(stub, [0, 1, 2], failed={1: False, 2: True})

    result = SnsTopic(client, TOPIC).publish(alerts_of(range(3)))

    assert (numbers_of(result.sent), numbers_of(result.failed), numbers_of(result.refused)) == ([0], [1], [2])
    assert result.refused[UUID(int=2)] == "Code: text"


def test_an_alert_that_the_answer_forgets_has_failed(client: SNSClient, stub: Stubber) -> None:
    stub.add_response("publish_batch", {"Successful": [], "Failed": []}, request_of([0]))

    result = SnsTopic(client, TOPIC).publish(alerts_of([0]))

    assert numbers_of(result.failed) == [0]


@pytest.mark.parametrize(("code", "status"), [("Throttling", 400), ("InternalError", 500), ("Unheard", 503)])
def test_a_topic_that_is_busy_is_infrastructure(client: SNSClient, stub: Stubber, code: str, status: int) -> None:
    expect_error(stub, [0], code, status=status)

    with pytest.raises(TransientSinkError):
        SnsTopic(client, TOPIC).publish(alerts_of([0]))


@pytest.mark.parametrize("code", ["NotFound", "AuthorizationError", "KMSAccessDenied", "InvalidClientTokenId"])
def test_a_topic_that_we_may_not_use_is_our_fault(client: SNSClient, stub: Stubber, code: str) -> None:
    expect_error(stub, [0], code, status=403)

    with pytest.raises(PermanentSinkError, match="does the topic exist"):
        SnsTopic(client, TOPIC).publish(alerts_of([0]))


def test_a_wrong_address_of_the_topic_parks_no_alert(client: SNSClient, stub: Stubber) -> None:
    expect_error(stub, [0], "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have 6 elements")

    with pytest.raises(PermanentSinkError):
        SnsTopic(client, TOPIC).publish(alerts_of([0]))


def test_what_left_before_the_error_counts_as_sent(client: SNSClient, stub: Stubber) -> None:
    expect(stub, range(10))
    expect_error(stub, [10, 11], "NotFound", status=404)

    result = SnsTopic(client, TOPIC).publish(alerts_of(range(12)))

    assert (numbers_of(result.sent), numbers_of(result.failed)) == (list(range(10)), [10, 11])


def test_a_message_that_spoils_its_batch_is_found_and_refused_alone(client: SNSClient, stub: Stubber) -> None:
    expect_error(stub, [0, 1, 2, 3], "InvalidParameter")
    expect(stub, [0, 1])
    expect_error(stub, [2, 3], "InvalidParameter")
    expect(stub, [2])
    expect_error(stub, [3], "InvalidParameter", "no attribute")

    result = SnsTopic(client, TOPIC).publish(alerts_of(range(4)))

    assert numbers_of(result.sent) == [0, 1, 2]
    assert result.refused == {UUID(int=3): "InvalidParameter: no attribute"}


def test_what_left_of_a_batch_that_was_taken_apart_is_not_sent_again(client: SNSClient, stub: Stubber) -> None:
    expect_error(stub, [0, 1], "InvalidParameter")
    expect(stub, [0])
    expect_error(stub, [1], "Throttling")

    result = SnsTopic(client, TOPIC).publish(alerts_of([0, 1]))

    assert (numbers_of(result.sent), numbers_of(result.failed)) == ([0], [1])


def test_a_line_that_cannot_be_made_is_infrastructure() -> None:
    client = boto3.client(
        "sns",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, proxies={}),
    )

    with pytest.raises(TransientSinkError):
        SnsTopic(client, TOPIC).publish(alerts_of([0]))


def test_a_request_that_fits_no_model_is_our_fault(client: SNSClient) -> None:
    broken = SnsTopic(client, topic_arn=7)  # type: ignore[arg-type]

    with pytest.raises(PermanentSinkError):
        broken.publish(alerts_of([0]))
