"""Sources: one module per layout; the file's name is the layout's key in a recipe.

A layout module holds

    ``Options``  a frozen dataclass of what its source entry may say beyond the common keys
                 (may be left out: then there are none),
    ``Options.at(base)``  (may be left out) what ``read`` gets in place of the options: what the
                 files hold that they name, relative to ``base``, the recipe's folder,
    ``SUFFIXES`` the file endings it reads inside a folder or archive, compression aside,
    ``read(files, options, report)``  an iterator over records and
                 :class:`~chimed_datasets.records.Malformed` rows,
    ``read_columns``  (may be left out) the same, which may yield
                 :class:`~chimed_datasets.records.Columns` in place of many plain records,
    ``read_small``  (may be left out) an iterator over all of ``files`` in their order: several
                 small ones at a time with a list of what they give, each of them something; or
                 one with an empty list, which ``read_columns`` is to read,
    ``TAKES``    (may be left out) the kinds of files beside text that it reads, as ("parquet",)
                 (:mod:`.files.looks`). A file that is something else, a PDF under the name of a
                 text, is refused with a Malformed row before ``read`` sees a byte of it,
    ``PROBE``    (may be left out) keys with which the beginning of a large file is read, where
                 ``read`` looks at all of it before the first record comes,
    ``PARTS``    (may be left out) a function that returns the parts of a large file that ``read``
                 may be given one by one (:mod:`.files.parts`): only where a row becomes a record,
                 or several, whatever stands in the rows around it,
    ``JOINED``   True where all files of a source must be read together (left out: False, and
                 ``read`` gets one file at a time, so that files are read in parallel).

A file that holds nothing to read is told as a Malformed row "no_records"; no layout needs to see
to that. The first line of a module's docstring is what ``chimed sources`` prints. What layouts
share lies in the folders files, parsing, site and exams. A layout from outside the package is such
a module too (:mod:`chimed_datasets.plugins`).
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import plugins
from ..errors import RecipeError, SourceError, hint, listed, nearest
from ..lang import N_, _
from ..plugins import Guest
from ..records import (
    Answer,
    Columns,
    Dialogue,
    Document,
    ExamItem,
    Malformed,
    Message,
    Option,
    QAThread,
    Record,
)
from ..settings import checked
from . import exams
from .files import FileReport, SourceFile, lines, read_text
from .files.opening import NotTaken, check_growth, explained
from .files.parts import Part, Tally
from .parsing import (
    RowError,
    csv_rows,
    department,
    each,
    json_rows,
    prompt,
    rivals,
    text_of,
    turns,
)
from .parsing.mapped import behind_first
from .parsing.mapping import Mapped
from .parsing.parts import placed
from .parsing.ready import Chosen

__all__ = [
    "ALIASES",
    "Answer",
    "Columns",
    "Dialogue",
    "Document",
    "ExamItem",
    "FileReport",
    "Layout",
    "Malformed",
    "Message",
    "Option",
    "QAThread",
    "Record",
    "RowError",
    "SourceFile",
    "csv_rows",
    "department",
    "each",
    "json_rows",
    "layout",
    "layouts",
    "lines",
    "prompt",
    "read_text",
    "rivals",
    "text_of",
    "turns",
]


@dataclass(frozen=True)
class NoOptions:
    """A layout that takes no keys of its own."""


ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "alpaca": ("instruction", {}),
    "belle": ("instruction", {}),
    "stanford_alpaca": ("instruction", {}),
    "firefly": (
        "jsonl",
        {"kind": "dialogue", "fields": {"messages": [{"user": "input"}, {"assistant": "target"}],
                                        "task": "kind?"}},
    ),
    "chatml": ("sharegpt", {}),
    "messages": ("sharegpt", {}),
    "openai": ("sharegpt", {}),
    "ultrachat": ("sharegpt", {}),
    "vicuna": ("sharegpt", {}),
    "swift": ("query_response", {}),
    "dpo": ("preference_pairs", {}),
    "hh_rlhf": ("preference_pairs", {}),
    "excel": ("csv", {}),
    "tsv": ("csv", {}),
    "xlsx": ("csv", {}),
    "json": ("jsonl", {}),
    "ndjson": ("jsonl", {}),
    "markdown": ("text", {}),
    "txt": ("text", {}),
    "wikipedia": ("mediawiki", {}),
    "word": ("docx", {}),
}  # fmt: skip
"""Other names of layouts, as people call the forms of well-known data, and the keys that each
stands for beside the layout. A layout of an installed package comes before them."""

_TEXT = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Layout:
    """A layout module as the build sees it."""

    key: str
    module: ModuleType
    guest: Guest | None = None
    preset: Mapping[str, Any] = field(default_factory=dict)
    """Keys that the name by which it was asked for stands for; what a source says counts first."""

    @property
    def summary(self) -> str:
        """The first line of the module's docstring."""
        return (self.module.__doc__ or "").strip().splitlines()[0]

    @property
    def suffixes(self) -> tuple[str, ...]:
        suffixes: tuple[str, ...] = self.module.SUFFIXES
        return suffixes

    @property
    def joined(self) -> bool:
        return getattr(self.module, "JOINED", False)

    def together(self, options: Any) -> bool:
        """Whether all files of a source are read at once: by nature, or as its entry asks. Then
        they are read whole before the first record comes."""
        return self.joined or (isinstance(options, Mapped | Chosen) and options.together)

    def needs_all(self, options: Any) -> bool:
        """Whether no file can be read without the others, but for groups that lack some rows."""
        return self.joined or (isinstance(options, Mapped) and options.join is not None)

    @property
    def takes(self) -> tuple[str, ...] | None:
        """The kinds of files beside text that it reads; None for a guest that says nothing and
        reads more than text, by the endings of its files."""
        text = all(suffix in _TEXT for suffix in self.suffixes)
        takes: tuple[str, ...] | None = getattr(
            self.module, "TAKES", () if text or self.guest is None else None
        )
        return takes

    @property
    def probe(self) -> dict[str, Any]:
        """The keys with which a beginning is read."""
        return getattr(self.module, "PROBE", {})

    @property
    def options_type(self) -> type:
        return getattr(self.module, "Options", NoOptions)

    def own_keys(self) -> list[str]:
        """Return the names of the layout's own keys in a source entry, those it shares last."""
        every = sorted(dataclasses.fields(self.options_type), key=lambda one: bool(one.kw_only))
        return [field.name for field in every]

    def options(self, given: Mapping[str, Any]) -> Any:
        """Check a source entry's own keys. Raises :class:`RecipeError` naming the key."""
        return checked(self.options_type, {**self.preset, **given}, f"layout {self.key!r}")

    def settled(self, options: Any, base: Path) -> Any:
        """Return what ``read`` gets of checked options: what ``Options.at`` makes of them, or
        themselves. Raises :class:`RecipeError`."""
        at = getattr(self.options_type, "at", None)
        return at(options, base) if at else options

    def read(
        self, files: Sequence[SourceFile], options: Any, report: FileReport
    ) -> Iterator[Record | Malformed]:
        """Yield what the module reads, and a Malformed row for each file without anything.

        Raises :class:`SourceError` for a file that cannot be read.
        """
        return self._read(self.module.read, None, files, options, report)

    def read_columns(
        self, files: Sequence[SourceFile], options: Any, report: FileReport
    ) -> Iterator[Record | Malformed | Columns]:
        """Yield the same, plain records as Columns where the layout can: these cost less."""
        read = getattr(self.module, "read_columns", self.module.read)
        small = None if self.guest else getattr(self.module, "read_small", None)
        return self._read(read, small, files, options, report)

    def cuts(self, options: Any) -> bool:
        """Tell whether large files are read as several parts."""
        return hasattr(self.module, "PARTS") and not self.together(options)

    def parts(self, file: SourceFile, options: Any) -> list[SourceFile]:
        """Return a large file as its parts, to be looked through (:meth:`tally`) before they are
        read; none where it is read as a whole. Raises :class:`SourceError`."""
        if not self.cuts(options):
            return []
        with explained(file.name, (OSError,)):
            found: list[Part] = self.module.PARTS(dataclasses.replace(file, takes=self.takes))
        return [dataclasses.replace(file, part=part) for part in found]

    def tally(self, file: SourceFile, options: Any) -> Tally:
        """Return what the rows of a part of a file are called."""
        assert file.part is not None
        tally, report = Tally(), FileReport()
        part = dataclasses.replace(file.part, tally=tally)
        try:
            for __ in self.read_columns([dataclasses.replace(file, part=part)], options, report):
                tally.unsure = True  # something is said of the file itself
                break
        except SourceError:  # which reading raises again
            tally.unsure = True
        encoding = report.encodings.get(file.name, file.part.encoding)
        if encoding != file.part.encoding or report.replaced:
            tally.unsure = True
        return tally

    def placed(self, parts: Sequence[SourceFile], tallies: Sequence[Tally]) -> list[SourceFile]:
        """Return the parts as they are read, with what stands before each; none where the file is
        read as a whole."""
        try:
            unfolded = sum(tally.unfolded for tally in tallies)
            check_growth(parts[0].name, parts[0].size, unfolded)
        except SourceError:  # which reading raises
            return []
        found = placed([file.part for file in parts if file.part is not None], tallies)
        return [dataclasses.replace(parts[0], part=part) for part in found]

    def _guarded(self, records: Iterator[Any]) -> Iterator[Any]:
        """Yield ``records``; what a guest's code raises becomes one line that names the guest."""
        if self.guest is None:
            yield from records
            return
        try:
            for record in records:
                if not isinstance(record, Record | Malformed | Columns):
                    raise TypeError(f"it yielded {type(record).__name__}, which is no record")
                yield record
        except (OSError, SourceError):
            raise
        except Exception as error:
            said = _("{guest}: {fault}")
            raise SourceError(
                said.format(guest=self.guest, fault=self.guest.fault(error))
            ) from error

    def _read(
        self, read: Any, small: Any, files: Sequence[SourceFile], options: Any, report: FileReport
    ) -> Iterator[Any]:
        for unit, found in self._parts(small, files, options, report):
            if found:
                yield from found
                continue
            nothing = True
            last = f" to {unit[-1].name}" if len(unit) > 1 else ""
            own = behind_first(options) if unit[0].part and unit[0].part.number else options
            # A ValueError of a layout is a fault of ours; that of a far file system is not.
            kinds: tuple[type[Exception], ...] = (OSError, *unit[0].faults)
            try:
                with explained(f"{unit[0].name}{last}", kinds):
                    for record in self._guarded(read(unit, own, report)):
                        nothing = False
                        yield record
            except NotTaken as error:
                nothing = False
                yield _row(error)
            for file in unit:
                if file.part is None and (nothing or (file.size == 0 and not file.is_away)):
                    yield Malformed(f"{file.name}#0", "no_records", _BYTES.format(n=file.size))

    def _parts(
        self, small: Any, files: Sequence[SourceFile], options: Any, report: FileReport
    ) -> Iterator[tuple[list[SourceFile], Sequence[Any]]]:
        """Yield the files that are read together, with what they give where that is known."""
        if small is not None and not self.together(options):
            for unit, found in small(files, options, report):
                yield unit if found else [self._taken(file) for file in unit], found
            return
        taken = map(self._taken, files)
        if self.together(options):  # one that is not taken must not end the reading of the others
            whole = list(taken)
            refused = {file.name: row for file in whole if (row := _refused(file))}
            if refused:
                yield [], list(refused.values())
            if left := [file for file in whole if file.name not in refused]:
                yield left, ()
        else:
            yield from (([file], ()) for file in taken)

    def _taken(self, file: SourceFile) -> SourceFile:
        return dataclasses.replace(file, takes=self.takes)


_BYTES = N_("{n:,} bytes")


def _refused(file: SourceFile) -> Malformed | None:
    """Return the row that says why a file is not taken, or None where it is."""
    try:
        file.open().close()
    except NotTaken as error:
        return _row(error)
    return None


def _row(error: NotTaken) -> Malformed:
    return Malformed(f"{error.name}#0", error.look.rule, error.look.evidence)


def layouts() -> list[str]:
    """Return the keys of the package's own layouts, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.ispkg)


def layout(key: str, base: Path = Path(), *, allow_code: bool = False) -> Layout:
    """Return one layout: the package's own, by its key or another name (:data:`ALIASES`), or a
    guest's, see :func:`.plugins.find`.

    Raises :class:`RecipeError` with a hint for an unknown key, for code that is not allowed, and
    for a guest that is no layout.
    """
    if key in layouts():
        return Layout(key, importlib.import_module(f".{key}", __name__))
    if key in ALIASES and key not in plugins.installed("layouts"):
        own, preset = ALIASES[key]
        return Layout(own, importlib.import_module(f".{own}", __name__), preset=preset)
    known = plugins.offered("layouts", layouts())
    if not (plugins.names_code(key) or key in known):
        raise RecipeError(
            _("unknown layout {key!r}.{meant} {listed}").format(
                key=key, meant=_meant(key, known), listed=listed(known)
            )
        )
    guest = plugins.find("layouts", key, base, allow_code=allow_code, own=layouts())
    return of_guest(guest)


def like(key: str) -> str | None:
    """Return the layout that a mistyped key may mean; None where none is like it."""
    return nearest(key, [*plugins.offered("layouts", layouts()), *ALIASES])


def _meant(key: str, known: Sequence[str]) -> str:
    """Return what an unknown layout may be, as a sentence behind another."""
    if key in exams.LAYOUTS and nearest(key, known) is None:
        return _(
            " {key!r} is a layout of benchmarks: exam questions that are to be data "
            "have the layout 'exam'."
        ).format(key=key)
    return hint(like(key))


def of_guest(guest: Guest) -> Layout:
    """Return the layout of a guest that was found. Raises :class:`RecipeError` where it is none."""
    module = guest.load()
    suffixes = getattr(module, "SUFFIXES", None)
    if not (isinstance(suffixes, tuple) and all(isinstance(s, str) for s in suffixes)):
        raise RecipeError(
            _("{guest}: a layout has SUFFIXES, a tuple such as ('.txt',).").format(guest=guest)
        )
    if not callable(getattr(module, "read", None)):
        raise RecipeError(
            _("{guest}: a layout has a function read(files, options, report).").format(guest=guest)
        )
    options = getattr(module, "Options", NoOptions)
    if not (isinstance(options, type) and dataclasses.is_dataclass(options)):
        raise RecipeError(_("{guest}: Options is a dataclass, or is left out.").format(guest=guest))
    return Layout(guest.key, module, guest)
