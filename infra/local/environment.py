"""The embedded environment as a library: the tests, the demo and ``fraudstream up`` all stand on it."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from infra.local.aws_process import AwsProcess
from infra.local.clients import ACCESS_KEY, REGION, SECRET_KEY, Clients
from infra.local.errors import LocalEnvironmentError
from infra.local.fault_control import FaultControl
from infra.local.ports import HOST
from infra.local.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


class LocalEnvironment:
    """An empty AWS and a fresh PostgreSQL while the context lasts; logs go to ``state_dir``, nothing else is kept.

    ``database_url`` replaces the embedded PostgreSQL by one that runs already; ``database=False`` leaves it out.
    Ports of 0 are chosen. Enter it from a thread that lives as long as it: both servers die with that thread, also by
    kill -9. Raises ``LocalEnvironmentError`` with the remedy where something cannot start.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        aws_port: int = 0,
        database: bool = True,
        database_url: str | None = None,
        database_port: int = 0,
        fsync: bool = False,
    ) -> None:
        self.state_dir = state_dir
        self.aws = AwsProcess(state_dir / "aws.log", port=aws_port)
        self.postgres: EmbeddedPostgres | None = None
        self._given_database_url = database_url
        if database and database_url is None:
            self.postgres = EmbeddedPostgres(state_dir / "postgres.log", port=database_port, fsync=fsync)
        self._stack = ExitStack()
        self._clients: Clients | None = None

    def __enter__(self) -> Self:
        """Start both servers."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(self.aws)
            if self.postgres:
                stack.enter_context(self.postgres)
            self._clients = Clients(self.aws.port)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both servers and forget their data."""
        self._stack.close()

    @property
    def aws_port(self) -> int:
        """The one port of all services."""
        return self.aws.port

    @property
    def endpoint_url(self) -> str:
        """The URL of all services."""
        return f"http://{HOST}:{self.aws.port}"

    @property
    def faults(self) -> FaultControl:
        """Faults on demand in the embedded AWS."""
        return FaultControl(self.endpoint_url)

    @property
    def database_url(self) -> str:
        """The URL of the database; raises ``LocalEnvironmentError`` where there is none."""
        if self._given_database_url:
            return self._given_database_url
        if self.postgres is None:
            raise LocalEnvironmentError("This environment was made without a database.")
        return self.postgres.url

    @overload
    def client(self, service: Literal["dynamodb"]) -> "DynamoDBClient": ...
    @overload
    def client(self, service: Literal["kinesis"]) -> "KinesisClient": ...
    @overload
    def client(self, service: Literal["s3"]) -> "S3Client": ...
    @overload
    def client(self, service: Literal["sns"]) -> "SNSClient": ...
    @overload
    def client(self, service: Literal["sqs"]) -> "SQSClient": ...
    @overload
    def client(self, service: str) -> Any: ...

    def client(self, service: str) -> Any:
        """Make a boto3 client of the embedded AWS."""
        if self._clients is None:
            raise LocalEnvironmentError("Enter the environment before asking it for clients.")
        return self._clients.client(service)

    def environment(self) -> dict[str, str]:
        """Give the variables that a child process needs to find this environment: add them to its own."""
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LOCALSTACK_HOST": f"{HOST}:{self.aws.port}",
            "NO_PROXY": f"{HOST},localhost",
        }
        has_database = self.postgres is not None or self._given_database_url is not None
        return {**variables, **({"DATABASE_URL": self.database_url} if has_database else {})}

    def check(self) -> None:
        """Raise ``LocalEnvironmentError`` where one of the servers has ended by itself."""
        if not self.aws.is_running:
            raise LocalEnvironmentError(f"The embedded AWS has ended; see {self.aws.log_path}.")
        if self.postgres and not self.postgres.is_running:
            raise LocalEnvironmentError(f"The embedded PostgreSQL has ended; see {self.postgres.log_path}.")
