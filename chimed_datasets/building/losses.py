"""What was lost while a source was read, and how it is said.

Rows that are no record (stage "read" of the ledger) are a loss: what a stage drops, or a condition
of the source (``where``), the recipe asked for. A great loss is one line at the end of the build.
Where nothing of a source can be read, the build stops.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import BuildError, ChimedError, printable
from ..lang import _, retold
from ..recipe import Source
from ..recipe.guests import GuestStage
from ..records import ledger
from ..sources import FileReport, SourceFile, json_rows
from ..sources.documents.workbooks import SUFFIXES as WORKBOOKS
from ..sources.files.opening import compression, inner
from ..sources.parsing.sheets import table_rows
from ..stages.mask import Mask
from .dropped import Dropped
from .progress import Warn

ONE_IN = 5
"""A source that loses more than one record in so many while it is read is told of."""
SHOWN_RULES = 3
LOOKED_AT = 100
SHOWN_FIELDS = 8
KEY_CHARS = 60
FIELD_CHARS = 30
MAPPING = ("csv", "jsonl", "parquet")
"""Layouts that map fields of any name."""
ASKED = ("read/not_selected", "read/other_page")
"""What a source's ``where`` left out."""
_MISSING = re.compile(r"no '([^']+)'; fields: ")


class Lost(NamedTuple):
    """What one rule dropped: how many rows, and the first of them, fit to tell."""

    rows: int
    key: str
    evidence: str


class Stopped(BuildError):
    """A build that came to nothing; ``dropped`` holds the ledger's rows of what was lost."""

    def __init__(self, message: str, dropped: Dropped, **about: Any) -> None:
        super().__init__(message, **about)
        self.dropped = dropped


def fit_to_tell(texts: pa.StringArray, stages: Iterable[Any]) -> pa.StringArray:
    """Return texts masked as the records are, then shortened.

    The ledger tells of records that never came to be masked. Half a number is not known for one, so
    that the cut comes last.
    """
    return pa.array(map(ledger.shorten, masked(texts, stages).to_pylist()), pa.string())


def masked(texts: pa.StringArray, stages: Iterable[Any]) -> pa.StringArray:
    """Return texts masked as the records are. stages: those of the recipe."""
    for stage in stages:
        if isinstance(stage, Mask):
            texts, __ = stage.masked(texts)
        elif isinstance(stage, GuestStage):
            texts = stage.masked(texts)
    return texts


def by_rule(table: pa.Table, stages: Iterable[Any]) -> dict[str, Lost]:
    """Return "stage/rule" -> what it dropped, of rows of the ledger.

    stages: those of the recipe: an id in a key is masked as any text is.
    """
    counts: Counter[str] = Counter()
    first: dict[str, int] = {}
    names = zip(table["stage"].to_pylist(), table["rule"].to_pylist(), strict=True)
    for row, (stage, rule) in enumerate(names):
        name = f"{stage}/{rule}"
        counts[name] += 1
        first.setdefault(name, row)
    if not first:
        return {}
    example = table.take(pa.array(first.values()))
    keys = fit_to_tell(example["key"].combine_chunks(), stages).to_pylist()
    told = zip(keys, example["evidence"].to_pylist(), strict=True)
    return {
        name: Lost(counts[name], key, evidence)
        for name, (key, evidence) in zip(first, told, strict=True)
    }


def added(parts: Iterable[Mapping[str, Lost]]) -> dict[str, Lost]:
    """Return the same over several parts; the first that was dropped is that of the first part."""
    out: dict[str, Lost] = {}
    for part in parts:
        for name, lost in part.items():
            known = out.get(name)
            out[name] = known._replace(rows=known.rows + lost.rows) if known else lost
    return out


def reasons(lost: Mapping[str, Lost]) -> str:
    """Return "read/missing_field 3: a.csv#0: no 'ask'": the rules that dropped most, with the
    first row of each."""
    most = sorted(lost.items(), key=lambda item: -item[1].rows)[:SHOWN_RULES]
    return " | ".join(
        printable(
            f"{name} {one.rows:,}: {ledger.shorten(one.key, KEY_CHARS)}: {retold(one.evidence)}"
        )
        for name, one in most
    )


@dataclass(frozen=True)
class Loss:
    """What reading a source met: its records, those it lost by rule, and how its files look."""

    source: Source
    read: int
    rules: Mapping[str, Lost]
    encodings: Collection[str]
    files: Sequence[SourceFile]

    @property
    def asked(self) -> int:
        """Rows that the recipe does not want."""
        return sum(self.rules[name].rows for name in ASKED if name in self.rules)

    @property
    def lost(self) -> int:
        return sum(one.rows for one in self.rules.values()) - self.asked

    @property
    def great(self) -> bool:
        return self.lost * ONE_IN > self.read - self.asked

    @property
    def all(self) -> bool:
        """Whether nothing of the source came through."""
        return 0 < self.read == self.lost + self.asked

    def warning(self, stages: Iterable[Any]) -> Warn:
        """Return the line on a great loss. stages: of the recipe, which may mask."""
        read = self.read - self.asked
        rules = {name: one for name, one in self.rules.items() if name not in ASKED}
        share = f"{100 * self.lost // read} %"
        return Warn(
            _(
                "source {name!r}: {share} was lost while it was read, {lost:,} of {read:,} "
                "records ({reasons}); {form}."
            ).format(
                name=self.source.name,
                share=share,
                lost=self.lost,
                read=read,
                reasons=reasons(rules),
                form=self._form(stages),
            ),
            short=f"{self.source.name} ({share})",
        )

    def stop(self, stages: Iterable[Any], dropped: Dropped, *, first: bool = False) -> Stopped:
        """Return the error of a source of which nothing came through.

        first: only its first records were looked at.
        """
        if first:
            said = _(
                "source {name!r}: none of the first {read:,} records can be read ({reasons}); "
                "{form}; {mend}."
            )
        elif self.read > 1:
            said = _(
                "source {name!r}: no record came through: all {read:,} were dropped while it was "
                "read ({reasons}); {form}; {mend}."
            )
        else:
            said = _(
                "source {name!r}: no record came through: the only one was dropped while it was "
                "read ({reasons}); {form}; {mend}."
            )
        told = said.format(
            name=self.source.name,
            read=self.read,
            reasons=reasons(self.rules),
            form=self._form(stages),
            mend=self._mend(),
        )
        return Stopped(told, dropped, source=self.source.name)

    def _form(self, stages: Iterable[Any]) -> str:
        """Return what the files look like: layout, encodings, fields of the first row."""
        parts = [_("layout {layout}").format(layout=self.source.layout)]
        if self.encodings:
            every = ", ".join(sorted(self.encodings))
            parts.append(_("encoding {encodings}").format(encodings=every))
        # A row that lacks a field tells of those it has.
        if not any("fields: " in one.evidence for one in self.rules.values()):
            names = fields_of(self.files[0])
            if names:
                more = ", …" if len(names) > SHOWN_FIELDS else ""
                shown = fit_to_tell(pa.array(names[:SHOWN_FIELDS]), stages).to_pylist()
                joined = ", ".join(ledger.shorten(name, FIELD_CHARS) for name in shown)
                said = _("fields of {name}: {fields}")
                said = said.format(name=self.files[0].name, fields=joined + more)
                parts.append(printable(said))
        return _(", ").join(parts)

    def _mend(self) -> str:
        said = _(
            "correct its entry in the recipe, or leave it out; `chimed build --allow-empty` goes "
            "on without its records"
        )
        missing = self.rules.get("read/missing_field")
        if missing and (name := _MISSING.match(missing.evidence)):
            close = difflib.get_close_matches(name[1], fields_of(self.files[0]), n=1)
            if close:
                said = _(
                    "correct its entry in the recipe (did you mean {meant!r} for {given!r}?), or "
                    "leave it out; `chimed build --allow-empty` goes on without its records"
                )
            if self.source.layout not in MAPPING:
                said = _(
                    "correct its entry in the recipe; the layouts {layouts} map fields of any "
                    "name, or leave it out; `chimed build --allow-empty` goes on without its "
                    "records"
                )
                if close:
                    said = _(
                        "correct its entry in the recipe (did you mean {meant!r} for {given!r}?); "
                        "the layouts {layouts} map fields of any name, or leave it out; `chimed "
                        "build --allow-empty` goes on without its records"
                    )
            said = said.format(
                meant=close[0] if close else "", given=name[1], layouts=_(", ").join(MAPPING)
            )
        return printable(said)


def fields_of(file: SourceFile) -> list[str]:
    """Return the names of the fields in the first row of a file; none where it has no rows."""
    name = inner(file.name).lower()
    try:
        if name.endswith((".parquet", ".pq")) and not compression(file.name):
            with file.open() as stream:
                return list(pq.read_schema(stream).names)
        if name.endswith((".csv", ".tsv", *WORKBOOKS)):
            begun = islice(table_rows(file, FileReport()), LOOKED_AT)
            named = next((row for row in begun if isinstance(row, tuple)), None)
            return list(map(str, named[1])) if named else []
        if name.endswith((".json", ".jsonl", ".ndjson")):
            first = next(json_rows(file, FileReport()), None)
        else:
            return []
    except (ChimedError, OSError, pa.ArrowException):
        return []
    return list(map(str, first[1])) if isinstance(first, tuple) else []
