"""Conditional writes raced over real HTTP, in a server whose threads change places wherever they can."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.environment import LocalEnvironment
from tests.integration.volley import Shot, Volley

pytestmark = pytest.mark.real

CONTESTANTS = 4
RESTLESS = "import sys\nsys.setswitchinterval(1e-6)\n"
"""Run by the server's interpreter at its start. By default a thread keeps the interpreter for 5 ms: no race is ever lost."""


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    folder = Path(tmp_path_factory.mktemp("restless"))
    (folder / "sitecustomize.py").write_text(RESTLESS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=":")
        with LocalEnvironment(folder, database=False) as environment:
            yield environment


def test_exactly_one_of_many_conditional_puts_wins_and_its_metadata_is_there(restless: LocalEnvironment) -> None:
    s3 = restless.client("s3")
    s3.create_bucket(Bucket="lake")
    with Volley(restless.aws_port, 2 * CONTESTANTS) as volley:
        for number in range(80):
            path = f"/lake/race/{number}"
            puts = [a_conditional_put(path, contestant) for contestant in range(CONTESTANTS)]
            hits = volley.fire([*puts, *[Shot("s3", "HEAD", path)] * CONTESTANTS])
            statuses = [hit.status for hit in hits[:CONTESTANTS]]
            assert sorted(statuses) == [200] + [412] * (CONTESTANTS - 1)
            winner = str(statuses.index(200))
            seen = {hit.headers.get("x-amz-meta-covers-to") for hit in hits[CONTESTANTS:] if hit.status == 200}
            assert seen <= {winner}
            assert s3.head_object(Bucket="lake", Key=f"race/{number}")["Metadata"] == {"covers-to": winner}


def test_exactly_one_of_many_conditional_updates_wins(restless: LocalEnvironment) -> None:
    restless.client("dynamodb").create_table(
        TableName="leases",
        KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with Volley(restless.aws_port, CONTESTANTS) as volley:
        for number in range(40):
            hits = volley.fire([a_conditional_update(f"lease-{number}", owner) for owner in range(CONTESTANTS)])
            assert sorted(hit.status for hit in hits) == [200] + [400] * (CONTESTANTS - 1)


def a_conditional_put(path: str, contestant: int) -> Shot:
    headers = {"If-None-Match": "*", "x-amz-meta-covers-to": str(contestant)}
    return Shot("s3", "PUT", path, headers, b"body of %d" % contestant)


def a_conditional_update(lease: str, owner: int) -> Shot:
    document = {
        "TableName": "leases",
        "Key": {"leaseKey": {"S": lease}},
        "UpdateExpression": "SET leaseOwner = :me",
        "ConditionExpression": "attribute_not_exists(leaseOwner)",
        "ExpressionAttributeValues": {":me": {"S": str(owner)}},
    }
    headers = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem", "Content-Type": "application/x-amz-json-1.0"}
    return Shot("dynamodb", "POST", "/", headers, json.dumps(document).encode())
