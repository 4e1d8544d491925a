"""Ctrl-C: a line at once, one when all has ended, and nothing in between."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..lang import _
from .console import INTERRUPTED, err, say


@contextmanager
def stoppable(last_words: Callable[[], str]) -> Iterator[None]:
    """Let Ctrl-C stop what is done within, and end the process then; a second one ends it at once.

    last_words: called when all has ended; returns the line that is printed, which the command to
                go on with follows.
    """
    if threading.current_thread() is not threading.main_thread():  # no other gets signals
        yield
        return
    pressed = False

    def stop(*__: Any) -> None:
        nonlocal pressed
        if pressed:
            _end_at_once()
        pressed = True
        say(_("Stopping…"))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except BaseException:  # whatever became of the interrupt on its way
        if not pressed:
            raise
        say(f"{last_words()}: {shlex.join(['chimed', *sys.argv[1:]])}")
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # threads that read a long file to its end are not waited for
    finally:
        signal.signal(signal.SIGINT, before)


def _end_at_once() -> None:
    if err.is_terminal:  # bars hide the cursor
        os.write(2, b"\x1b[?25h\n")
    os._exit(INTERRUPTED)
