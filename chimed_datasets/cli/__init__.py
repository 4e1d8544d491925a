"""The command line: thin commands; what is heavy is imported inside them."""

from .root import app

__all__ = ["app"]
