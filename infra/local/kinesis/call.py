"""What an operation gets to see: the region's state, the checked request and the time."""

from dataclasses import dataclass
from typing import Any

from infra.local.kinesis.errors import ValidationException
from infra.local.kinesis.region import Region
from infra.local.kinesis.stream import ACCOUNT_ID, Stream


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``members`` is what ``read_request`` gave; time is epoch milliseconds."""

    region: Region
    members: dict[str, Any]
    now_ms: int

    @property
    def stream(self) -> Stream:
        """The stream that the request names."""
        return self.region.named_in(self.members, self.now_ms)

    @property
    def provisioned_stream(self) -> Stream:
        """The stream that the request names; raises ``ValidationException`` where AWS alone decides on its shards."""
        stream = self.stream
        if stream.mode != "PROVISIONED":
            raise ValidationException(
                f"Request is invalid. Stream {stream.name} under account {ACCOUNT_ID} is in On-Demand mode."
            )
        return stream
