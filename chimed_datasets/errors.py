"""The errors a user can meet. Each message is one line: what is wrong, what is known, the mend.

    ChimedError            all of them
    ├── RecipeError        recipe, settings: raised before anything is written
    ├── SourceError        sources: a file that cannot be read at all
    ├── BuildError         building, executors: a build that must not be kept
    ├── GenerateError      generate: the endpoint, the cache or the target will not have it
    ├── CollectError       collect: a crawl that cannot begin or go on
    ├── InvalidDataset     built: a dataset that breaks one of its own promises
    ├── ExportError        export: a format that does not take what was asked, or a target in use
    ├── ReportError        report: what was asked of a dataset is not in it
    └── PublishError       publish: a dataset that must not go out, or a Hub that did not take it

Others are caught within their room and become a row of a ledger or one of these: ``RowError``
(sources/parsing/row), ``Failed`` (generate/exchange).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ChimedError(Exception):
    """Base of all errors raised on purpose.

    source, key, stage: the source, the record's key and the stage that it is about, as a recipe and
                        the ledger name them; None where it is about none.
    """

    def __init__(
        self,
        message: str = "",
        *,
        source: str | None = None,
        key: str | None = None,
        stage: str | None = None,
    ) -> None:
        super().__init__(message)
        self.source, self.key, self.stage = source, key, stage

    def __reduce__(self) -> tuple[object, ...]:
        """A worker's error reaches the build with all that it knows."""
        return type(self), self.args, self.__dict__


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


class InvalidDataset(ChimedError):
    """A built dataset that breaks one of its own promises."""


class ExportError(ChimedError):
    """A format that does not take what was asked of it, or a target that is in use."""


class ReportError(ChimedError):
    """What was asked of a dataset is not in it, or what draws it is not installed."""


class PublishError(ChimedError):
    """A dataset that must not go out, or a Hub that did not take it."""


def printable(text: str) -> str:
    """Return a text without what would steer a terminal: names and texts of files may hold it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def broken_extra(error: ImportError, extra: str) -> str:
    """Return one line on a package of ``extra`` that is not there, or cannot be imported."""
    mend = f"pip install 'chimed-datasets[{extra}]'"
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed: {mend}"
    reason = " ".join(str(error).split())[:200]
    return f"{error.name or 'a package'} cannot be imported ({reason}): {mend}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'? Known: x, y." for a mistyped ``word``: one line, however many and
    long the names of a file are."""
    names = sorted(map(_shortened, known))
    close = difflib.get_close_matches(word, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f"{hint} Known: {', '.join(names[:_MOST_NAMES])}{more}."


_MOST_NAMES, _LONGEST_NAME = 40, 40


def _shortened(name: str) -> str:
    name = " ".join(printable(name).split())
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
