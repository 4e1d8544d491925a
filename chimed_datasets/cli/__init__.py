"""The command line: `chimed COMMAND …`; see :mod:`.root`."""

try:
    from .root import app
except KeyboardInterrupt:  # Ctrl-C while modules are imported
    raise SystemExit(130) from None

__all__ = ["app"]
