"""Who runs the server: PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import PostgresError
from infra.local.tether import SAME_USER


@dataclass(frozen=True, slots=True)
class Account:
    """The user that runs the server; ``SAME_USER`` stands for the one who runs us."""

    uid: int = SAME_USER
    gid: int = SAME_USER

    @property
    def is_another(self) -> bool:
        """Whether that is somebody else than us."""
        return self.uid != SAME_USER

    def own(self, path: Path) -> None:
        """Make the server's user the owner of a path."""
        if not self.is_another:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise PostgresError(
                f"PostgreSQL does not run as root, and this root cannot become user {self.uid}: {error}. "
                "Run as an ordinary user, or give DATABASE_URL of a PostgreSQL that runs already."
            ) from error


def server_account(name: str) -> Account:
    """Give the user ``name`` where we are root, else ourselves."""
    if os.geteuid() != 0:
        return Account()
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise PostgresError(f"PostgreSQL does not run as root, and there is no user {name!r} to run it as.") from error
    return Account(entry.pw_uid, entry.pw_gid)
