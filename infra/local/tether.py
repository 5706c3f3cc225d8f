"""Run a program that dies with its parent: ``python -IS tether.py PARENT SIGNAL UID GID PROGRAM ARGUMENT...``.

A script of its own, because the kernel forgets the parent-death signal when a process changes its user: so it has to be
asked for between that change and exec, in a process without threads, by an interpreter that the new user need not reach.
"""

import ctypes
import os
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
SAME_USER = -1


def tethered(command: Sequence[str], *, death_signal: int, uid: int = SAME_USER, gid: int = SAME_USER) -> list[str]:
    """Give the command line that runs ``command`` as our child, so that ``death_signal`` reaches it when we die.

    "We" is the thread that starts it (prctl(2)): start it from one that lives as long as the program should.
    Where ``uid`` is given, the program runs as that user, without further groups.
    """
    numbers = (os.getpid(), int(death_signal), uid, gid)
    return [sys.executable, "-IS", __file__, *map(str, numbers), *command]


def main(arguments: Sequence[str]) -> None:
    """Become another user if asked to, ask for the signal, become the program."""
    parent, death_signal, uid, gid = map(int, arguments[:4])
    command = list(arguments[4:])
    libc = ctypes.CDLL(None, use_errno=True)
    if uid != SAME_USER:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before the kernel was told
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
