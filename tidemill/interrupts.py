"""Signals that stop a command, heard whatever they hit.

Python turns a signal into an exception wherever the main thread happens to be. In a destructor or a weak reference's
callback (imports run thousands of them) an exception cannot go anywhere: it is written to the log as ignored, and the
command would go on.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import TracebackType
from typing import Any, Protocol

AGAIN_AFTER_S = 0.1  # from another thread, and later: at once it would hit the same destructor


class Unraisable(Protocol):
    """What Python tells of an exception that could not go anywhere."""

    exc_type: type[BaseException]
    exc_value: BaseException | None
    exc_traceback: TracebackType | None
    err_msg: str | None
    object: Any


def stop_on(*signals: signal.Signals) -> None:
    """From here on SIGINT and each of `signals` interrupt the main thread, also where they were ignored: a shell
    without job control starts its background jobs so.
    """
    for number in (signal.SIGINT, *signals):
        signal.signal(number, signal.default_int_handler)
    sys.unraisablehook = _interrupt_again


def _interrupt_again(lost: Unraisable) -> None:
    if issubclass(lost.exc_type, KeyboardInterrupt):
        # A real signal, because `_thread.interrupt_main` does not wake what waits in the operating system.
        again = threading.Timer(AGAIN_AFTER_S, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(lost)
