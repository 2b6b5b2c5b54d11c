"""Become a command that ends when its parent does: `python leash.py PARENT_PID COMMAND ARGUMENT…`.

Run by its path, without the package and with nothing but the standard library, because every child process starts
through it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Ask the kernel for SIGTERM at the parent's death (on Linux; elsewhere nobody offers that), and become the
    command.
    """
    parent, command = int(sys.argv[1]), sys.argv[2:]
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # a shell without job control starts its background jobs with SIGINT ignored
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent has ended before its child began")
    os.execvp(command[0], command)  # noqa: S606  # no shell is meant


if __name__ == "__main__":
    main()
