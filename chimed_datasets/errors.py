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

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .lang import N_, _, then

MOST_FAULTS = 20
"""Faults of one file that are told; the number of the others is told, too."""


@dataclass(frozen=True)
class Fault:
    """One fault of a user's file.

    said:  what is wrong, and how to mend it, in whole sentences.
    known: what is allowed there, as a sentence that need not be told twice; "" where said tells it.
    at:    the keys that lead to it, from the top of the file; entries of a list count from 0.
    kind:  "unknown" and "missing" are about the last key of ``at``, "wrong" is about its value.
    owner: the entry that it is in, as people call it, such as "source 'qa'"; "" for none.
    inner: the part of ``at`` that lies within the owner.
    line, column: where it stands in the file, from 1; None where that is not known, the column also
           where the line holds nothing else.
    """

    said: str
    known: str = ""
    at: tuple[str | int, ...] = ()
    kind: Literal["unknown", "wrong", "missing"] = "wrong"
    owner: str = ""
    inner: tuple[str | int, ...] = ()
    line: int | None = None
    column: int | None = None

    def under(self, *at: str | int) -> Fault:
        """Return the same fault, of a file in which these keys lead to what it was found in."""
        return dataclasses.replace(self, at=(*at, *self.at))

    def of(self, owner: str) -> Fault:
        """Return the same fault, of an entry that people call ``owner``."""
        return self if self.owner else dataclasses.replace(self, owner=owner, inner=self.at)

    def told(self, known: bool = True) -> str:
        """Return one line: where it stands, what is wrong. known: whether it ends with that."""
        parts = [self._line(), self.owner, self._path(), self.said]
        return _(": ").join(filter(None, parts)) + (
            then(self.known) if known and self.known else ""
        )

    def _line(self) -> str:
        if self.line is None:
            return ""
        if self.column is None:
            return _("line {line}").format(line=self.line)
        return _("line {line}, column {column}").format(line=self.line, column=self.column)

    def _path(self) -> str:
        path = self.inner if self.owner else self.at
        if self.kind != "wrong":
            path = path[:-1]
        shown = ""
        for number, part in enumerate(path):
            name = _shortened(part) if isinstance(part, str) else _entry(part)
            between = "" if not number else "." if isinstance(part, str) else ", "
            if number and isinstance(path[number - 1], int):
                between = ", "
            shown += between + name
        return shown


def _entry(number: int) -> str:
    return _("entry {number}").format(number=number + 1)


def told(faults: Sequence[Fault], where: str = "") -> str:
    """Return what is said of faults: one line for one, else a line each behind one that counts
    them. where: the file, or the part of one."""
    if len(faults) == 1:
        return _(": ").join(filter(None, (where, faults[0].told())))
    head = _("{n:,} faults:").format(n=len(faults))
    lines = [_(": ").join(filter(None, (where, head)))]
    said: set[str] = set()
    for fault in faults[:MOST_FAULTS]:
        lines.append(f"  {fault.told(fault.known not in said)}")
        said.add(fault.known)
    if (more := len(faults) - MOST_FAULTS) > 0:
        lines.append("  " + _("and {n:,} more.").format(n=more))
    return "\n".join(lines)


KINDS = (
    N_("recipe"), N_("site file"), N_("key"), N_("layout"), N_("stage"), N_("builder"), N_("task"),
    N_("export"), N_("config"), N_("source"), N_("benchmark"), N_("rule"), N_("split"),
)  # fmt: skip
"""What errors are about; each is said in the language that is spoken."""


class ChimedError(Exception):
    """Base of all errors raised on purpose.

    faults: all that is wrong with a user's file, where it was looked through as a whole; else none.
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
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message)
        self.source, self.key, self.stage = source, key, stage
        self.faults = tuple(faults)

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
        return _("{name} is not installed: {mend}").format(name=error.name, mend=mend)
    reason = " ".join(str(error).split())[:200]
    told = _("{name} cannot be imported ({reason}): {mend}")
    return told.format(name=error.name or _("a package"), reason=reason, mend=mend)


def nearest(
    word: str, known: Iterable[str], said_as: Mapping[str, str] | None = None
) -> str | None:
    """Return what of ``known`` a mistyped word stands for; None where nothing is like it.

    said_as: other words -> those of ``known``.

    >>> nearest("Min-Doc-Chars", ["max_chars", "min_document_chars"])
    'min_document_chars'
    """
    by_form = {_form(name): name for name in sorted(known, reverse=True)}
    form = _form(word)
    if form in by_form:
        return by_form[form]
    meant = (said_as or {}).get(form)
    if meant is not None and _form(meant) in by_form:
        return by_form[_form(meant)]
    close = difflib.get_close_matches(form, by_form, n=1)
    return by_form[close[0]] if close else None


def _form(word: str) -> str:
    return _shortened(word).lower().replace("-", "_").replace(" ", "_")


def did_you_mean(word: str, known: Iterable[str], said_as: Mapping[str, str] | None = None) -> str:
    """Return " Did you mean 'x'? Known: x, y." for a mistyped ``word``: one line, however many and
    long the names of a file are. said_as: see :func:`nearest`."""
    known = list(known)
    return hint(nearest(word, known, said_as)) + then(listed(known))


def hint(meant: str | None) -> str:
    """Return " Did you mean 'x'?"; "" for None."""
    return "" if meant is None else _(" Did you mean {meant!r}?").format(meant=_shortened(meant))


def listed(known: Iterable[str]) -> str:
    """Return "Known: x, y.": some of the names, where there are very many."""
    names = sorted(map(_shortened, known))
    shown = ", ".join(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        more = len(names) - _MOST_NAMES
        return _("Known: {names} and {more:,} more.").format(names=shown, more=more)
    return _("Known: {names}.").format(names=shown)


def without_known(said: str) -> tuple[str, str]:
    """Return what an error says, and what it says is known at its end ("" for nothing).

    >>> without_known("unknown key 'x'. Known: a, b.")
    ("unknown key 'x'.", 'Known: a, b.')
    """
    before, known, names = said.partition(_("Known: {names}.").partition("{")[0])
    return (before.rstrip(), known + names) if known else (said, "")


def behind(said: str, name: str) -> str:
    """Return what stands behind "name: " at the beginning of an error; "" where it is another.

    >>> behind("takedowns: there is no file x.", "takedowns")
    'there is no file x.'
    """
    rest = said.removeprefix(name)
    return rest[1:].lstrip() if rest != said and rest[:1] in (":", "：") else ""


_MOST_NAMES, _LONGEST_NAME = 40, 40


def _shortened(name: str) -> str:
    name = " ".join(printable(name).split())
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
