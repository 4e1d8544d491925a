"""Serve the two example sites until interrupted; see the package."""

import contextlib
import signal
import threading

from .site import Site, encyclopedia, platform

if __name__ == "__main__":
    with Site(platform, 8901) as questions, Site(encyclopedia, 8902) as entries:
        print(f"A platform at {questions.url}, an encyclopedia at {entries.url}; Ctrl-C ends them.")
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *told: stop.set())
        with contextlib.suppress(KeyboardInterrupt):
            stop.wait()
