"""What the API answers instead of a result. A class's name is the code that AWS sends as ``__type``."""


class KinesisError(Exception):
    """An answer other than success; the message is what the caller reads."""

    status = 400

    @property
    def code(self) -> str:
        """The error code of the AWS API."""
        return type(self).__name__


class ResourceNotFoundException(KinesisError):
    """No such stream or shard."""


class ResourceInUseException(KinesisError):
    """The stream exists already, or the shard is closed."""


class InvalidArgumentException(KinesisError):
    """A value is well-formed, yet makes no sense here."""


class ValidationException(KinesisError):
    """A member breaks a constraint of the published service model."""


class SerializationException(KinesisError):
    """The body is not JSON or CBOR, or a member has the wrong type."""


class ExpiredIteratorException(KinesisError):
    """The shard iterator is older than five minutes."""


class ExpiredNextTokenException(KinesisError):
    """The paging token is older than five minutes."""


class LimitExceededException(KinesisError):
    """More shards than an account may have."""


class UnknownOperationException(KinesisError):
    """The operation does not exist, or is not part of this emulator."""


class InternalFailure(KinesisError):
    """A fault of the emulator itself."""

    status = 500
