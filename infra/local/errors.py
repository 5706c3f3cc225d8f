"""What can go wrong in the embedded environment; each message names the remedy."""


class LocalEnvironmentError(Exception):
    """The embedded environment cannot start or has stopped."""


class PortBusyError(LocalEnvironmentError):
    """Another program listens on the wanted port."""


class PostgresError(LocalEnvironmentError):
    """The embedded PostgreSQL cannot start."""


class EmbeddedAwsError(LocalEnvironmentError):
    """The embedded AWS cannot start."""


class AlreadyRunningError(LocalEnvironmentError):
    """Another environment runs in the same state folder."""
