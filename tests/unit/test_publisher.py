from __future__ import annotations

from collections.abc import Sequence

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from producers.backoff import Backoff
from producers.batches import BatchLimits
from producers.errors import (
    CredentialsError,
    EndpointError,
    NoProgressError,
    PublishError,
    RequestRefusedError,
    StreamMissingError,
)
from producers.kinesis import Progress, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from tests.unit.publisher_transport import Answer, Request, Script, ScriptedKinesis, stored, throttled

_URL = "http://127.0.0.1:9"


def some_records(count: int, keys: Sequence[str] = ("a", "b", "c")) -> list[OutgoingRecord]:
    return [OutgoingRecord(b"event %d" % number, keys[number % len(keys)]) for number in range(count)]


def fails_once(*indexes: int) -> Script:
    def script(number: int, request: Request) -> list[Answer]:
        answer = stored(request)
        return [throttled() if number == 0 and i in indexes else entry for i, entry in enumerate(answer)]

    return script


def test_records_arrive_as_they_are_and_every_one_has_its_place() -> None:
    kinesis = ScriptedKinesis()
    records = [OutgoingRecord(b"", "a"), OutgoingRecord(b"\0\xff\xfe", "b"), OutgoingRecord("é".encode(), "ключ")]

    places = kinesis.publisher().publish(records)

    assert kinesis.requests == [records]
    assert places == [PlacedRecord("shardId-000000000000", f"{len(r.data)}-{i}") for i, r in enumerate(records)]


def test_nothing_is_asked_of_kinesis_for_no_records() -> None:
    kinesis = ScriptedKinesis()

    assert kinesis.publisher().publish([]) == []
    assert kinesis.requests == []


def test_only_the_failed_records_are_sent_again_before_anything_later() -> None:
    kinesis = ScriptedKinesis(fails_once(1, 3))
    records = some_records(8)

    kinesis.publisher(PublisherSettings(limits=BatchLimits(records=5))).publish(records)

    assert kinesis.requests == [records[:5], [records[1], records[3]], records[5:]]


def test_places_stand_in_the_order_given_although_records_were_sent_again() -> None:
    kinesis = ScriptedKinesis(fails_once(0))
    records = [OutgoingRecord(b"x" * size, "a") for size in (1, 2, 3)]

    places = kinesis.publisher().publish(records)

    assert [place.sequence_number for place in places] == ["1-0", "2-1", "3-2"]


def test_with_unique_keys_no_record_is_overtaken_by_a_later_one_of_its_key() -> None:
    def every_other_fails(number: int, request: Request) -> list[Answer]:
        return [throttled() if (number + i) % 2 == 0 else entry for i, entry in enumerate(stored(request))]

    kinesis = ScriptedKinesis(every_other_fails)
    records = some_records(40, keys=("a", "b", "a", "c", "b"))

    kinesis.publisher(PublisherSettings(limits=BatchLimits(has_unique_keys=True))).publish(records)

    for key in "abc":
        assert [r for r in kinesis.stored if r.partition_key == key] == [r for r in records if r.partition_key == key]


@pytest.mark.parametrize(
    "failure",
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "LimitExceededException"),
        (400, "KMSThrottlingException"),
        (500, "InternalFailure"),
        (503, "SomethingNobodyKnows"),
        ReadTimeoutError(endpoint_url=_URL),
        ConnectionClosedError(endpoint_url=_URL),
    ],
)
def test_a_request_that_failed_as_a_whole_is_sent_again(failure: BaseException | tuple[int, str]) -> None:
    records = some_records(3)
    kinesis = ScriptedKinesis(lambda number, request: failure if number == 1 else stored(request))
    publisher = kinesis.publisher()

    publisher.publish(some_records(1))
    publisher.publish(records)

    assert kinesis.requests[1:] == [records, records]
    assert kinesis.stored[1:] == records


@pytest.mark.parametrize(
    ("failure", "expected", "remedy"),
    [
        ((400, "ResourceNotFoundException"), StreamMissingError, "create it"),
        ((400, "AccessDeniedException"), CredentialsError, "kinesis:PutRecords"),
        ((400, "ExpiredTokenException"), CredentialsError, "AWS_PROFILE"),
        ((400, "UnrecognizedClientException"), CredentialsError, "credentials"),
        ((400, "InvalidArgumentException"), RequestRefusedError, "said the script"),
        (NoCredentialsError(), CredentialsError, "AWS_ACCESS_KEY_ID"),
        (CredentialRetrievalError(provider="process", error_msg="gone"), CredentialsError, "gone"),
        (ParamValidationError(report="the key is too long"), RequestRefusedError, "the key is too long"),
        (EndpointConnectionError(endpoint_url=_URL), EndpointError, "fraudstream up"),
    ],
)
def test_what_cannot_help_to_repeat_is_raised_at_once_with_its_remedy(
    failure: BaseException | tuple[int, str], expected: type[PublishError], remedy: str
) -> None:
    kinesis = ScriptedKinesis(lambda _, __: failure)

    with pytest.raises(expected, match=remedy):
        kinesis.publisher().publish(some_records(1))
    assert (len(kinesis.requests), kinesis.slept_s) == (1, [])


def test_an_endpoint_that_answered_before_is_waited_for() -> None:
    away = EndpointConnectionError(endpoint_url=_URL)
    kinesis = ScriptedKinesis(lambda number, request: away if number == 1 else stored(request))
    publisher = kinesis.publisher()

    publisher.publish(some_records(1))
    publisher.publish(some_records(1))

    assert len(kinesis.requests) == 3


def test_waits_grow_and_begin_anew_with_every_success() -> None:
    def one_at_a_time_after_three_refusals(number: int, request: Request) -> list[Answer]:
        return [entry if number % 4 == 3 and i == 0 else throttled() for i, entry in enumerate(stored(request))]

    kinesis = ScriptedKinesis(one_at_a_time_after_three_refusals)
    settings = PublisherSettings(backoff=Backoff(base_s=1.0, cap_s=64.0))

    kinesis.publisher(settings, draw=lambda: 0.5).publish(some_records(2))

    assert kinesis.slept_s == [1.0, 2.0, 4.0, 0.5, 1.0, 2.0, 4.0]


def test_it_gives_up_when_nothing_got_through_for_too_long_and_says_how_many_wait() -> None:
    kinesis = ScriptedKinesis(lambda _, request: [throttled() for _ in request])
    settings = PublisherSettings(give_up_after_s=30.0)

    with pytest.raises(NoProgressError, match="4 records did not get through within 30 s") as caught:
        kinesis.publisher(settings, draw=lambda: 0.9).publish(some_records(4))

    assert (caught.value.waiting, caught.value.cause) == (4, "ProvisionedThroughputExceededException")
    assert 30 <= sum(kinesis.slept_s) < 36


def test_a_stream_that_takes_a_little_is_never_given_up() -> None:
    def only_the_first(number: int, request: Request) -> list[Answer]:
        return [entry if i == 0 and number % 2 else throttled() for i, entry in enumerate(stored(request))]

    kinesis = ScriptedKinesis(only_the_first)
    settings = PublisherSettings(backoff=Backoff(base_s=8.0, cap_s=8.0), give_up_after_s=10.0)

    kinesis.publisher(settings, draw=lambda: 0.99).publish(some_records(20))

    assert kinesis.stored == some_records(20)
    assert sum(kinesis.slept_s) > 10


def test_it_tries_for_ever_if_so_set() -> None:
    kinesis = ScriptedKinesis(
        lambda number, request: stored(request) if number == 1_000 else (503, "ServiceUnavailable")
    )

    kinesis.publisher(PublisherSettings(give_up_after_s=None)).publish(some_records(1))

    assert len(kinesis.requests) == 1_001


def test_progress_tells_records_bytes_requests_and_what_was_sent_again() -> None:
    seen: list[Progress] = []
    kinesis = ScriptedKinesis(fails_once(2))
    records = [OutgoingRecord(b"12345", "k") for _ in range(5)]

    kinesis.publisher(PublisherSettings(limits=BatchLimits(records=3)), on_progress=seen.append).publish(records)

    assert seen == [Progress(2, 12, 1, 1, stored=2), Progress(3, 18, 2, 1, stored=3), Progress(5, 30, 3, 1, stored=5)]


def test_nothing_is_sent_until_the_stream_of_places_is_drawn() -> None:
    kinesis = ScriptedKinesis()
    steps = kinesis.publisher(PublisherSettings(limits=BatchLimits(records=2))).stream(some_records(5))

    assert kinesis.requests == []
    assert len(next(steps)) == 2
    assert len(kinesis.requests) == 1
