"""The errors a user can meet. Each message is one line: what is wrong, what is known, the mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ChimedError(Exception):
    """Base of all errors raised on purpose."""


class RecipeError(ChimedError):
    """A recipe that cannot be built: raised before anything is written."""


class SourceError(ChimedError):
    """A source that cannot be read at all (missing, truncated, hostile archive)."""


class BuildError(ChimedError):
    """A build that must not be kept: the account does not hold, or the target exists."""


class GenerateError(ChimedError):
    """A generation that cannot go on: the endpoint, the cache or the target will not have it."""


class CollectError(ChimedError):
    """A crawl that cannot begin or go on: its state is in use, or was begun for another site."""


class PublishError(ChimedError):
    """A dataset that must not go out, or a Hub that did not take it."""


class InvalidDataset(ChimedError):
    """A built dataset that breaks one of its own promises."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'? Known: x, y." for a mistyped ``word``."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{hint} Known: {', '.join(names)}."
