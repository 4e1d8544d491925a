"""The command line: `chimed COMMAND …`; see :mod:`.root`."""

import atexit
import gc

# The end of a process looks for garbage among all that is there, which after a build takes a third
# of a second; the system takes all of it back anyhow.
atexit.register(gc.freeze)
try:
    from .root import app
except KeyboardInterrupt:  # Ctrl-C while modules are imported
    raise SystemExit(130) from None

__all__ = ["app"]
