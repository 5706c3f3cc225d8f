"""TCP ports of 127.0.0.1: finding a free one, and saying who holds a busy one."""

import contextlib
import errno
import socket
from pathlib import Path

from infra.local.errors import PortBusyError

HOST = "127.0.0.1"
_LISTENING = "0A"  # the column st of /proc/net/tcp


def bind_port(port: int) -> socket.socket:
    """Give a bound, not yet listening socket; port 0 takes a free one. Raises ``PortBusyError``, naming the holder."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortBusyError(
            f"Port {port} of {HOST} is in use by {holder_of(port)}. Stop that program or choose another port."
        ) from error
    return bound


def free_port() -> int:
    """Give a port that is free now; another program may take it before you do."""
    with bind_port(0) as bound:
        return int(bound.getsockname()[1])


def preferred_port(port: int) -> int:
    """Give ``port`` where it is free, else any free one."""
    try:
        check_port_is_free(port)
    except PortBusyError:
        return free_port()
    return port


def check_port_is_free(port: int) -> None:
    """Raise ``PortBusyError`` where somebody listens on the port."""
    bind_port(port).close()


def holder_of(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    inodes = _listening_inodes(port)
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            if any(_inode_of(link) in inodes for link in folder.iterdir()):
                command = (folder.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"process {folder.parent.name} ({command[:120]})"
    return "another user's process"


def _listening_inodes(port: int) -> set[str]:
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    rows = [line.split() for line in lines]
    return {row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port}


def _inode_of(link: Path) -> str:
    return str(link.readlink()).removeprefix("socket:[").removesuffix("]")
