"""Builds over labelled rows, and how many came out right.

Each stage is measured in a real build: a recipe over a JSON Lines file of the rows, whose Parquet
and ledger are read back. The recipe switches off what would disturb the look at one stage; the
stage itself has its default settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from ..building import build
from ..built.dataset import open_built
from ..built.figures import Figure
from ..errors import ReportError, did_you_mean
from ..recipe import Recipe
from .judge import SETS, STAGES, Labelled, complaint, dates, load

_OFF: dict[str, dict[str, Any]] = {
    "clean": {"simplify": False, "filter": False, "mask": False},
    "simplify": {"filter": False, "mask": False},
    "filter": {"mask": False},
    "mask": {"clean": {"adverts": []}, "simplify": False, "filter": False},
}
"""What a stage's recipe says of other stages. Adverts hold the numbers that are to be masked."""
_ALWAYS = {"deduplicate": False, "split": {"validation": 0, "test": 0}}


@dataclass(frozen=True)
class Wrong:
    """A row that did not come out right.

    row:  the labelled row.
    got:  the text that the build wrote; None where it dropped the record.
    why:  what is wrong, in one line.
    """

    row: Labelled
    got: str | None
    why: str

    def told(self) -> str:
        """Return what a reader needs to see: where the row stands, what is wrong, both texts."""
        texts = [*self.row.given.items(), *([("got", self.got)] if self.got else [])]
        lines = [f"{self.row.set}.jsonl, line {self.row.number}: {self.why}"]
        lines += [f"  {name + ':':10}{text}" for name, text in texts]
        return "\n".join(line.replace("\n", "\n" + " " * 12) for line in lines)


@dataclass(frozen=True)
class Result:
    """What came of the rows of one kind."""

    figure: Figure
    wrong: list[Wrong]

    def as_dict(self, show: int = 0) -> dict[str, Any]:
        """Return the figure with its share and interval, and the first ``show`` wrong rows."""
        low, high = (round(end, 6) for end in self.figure.interval)
        share = round(self.figure.share, 6)
        wrong = [
            {"line": one.row.number, **one.row.given, "got": one.got, "why": one.why}
            for one in self.wrong[:show]
        ]
        return {**self.figure._asdict(), "share": share, "low": low, "high": high, "wrong": wrong}


def measure(stages: Sequence[str] = (), sets: Path | None = None) -> list[Result]:
    """Build the labelled rows and return a result for each kind, in the order of stages and sets.

    stages: those to measure, of :data:`.judge.STAGES`; none stands for all that have rows.
    sets:   a folder of labelled rows (see :mod:`.judge`); None: those of the package.

    Raises :class:`ReportError` for an unknown stage or one without rows, :class:`SourceError` for
    rows that cannot be read.
    """
    for stage in stages:
        if stage not in STAGES:
            raise ReportError(f"stage {stage!r} is not measured.{did_you_mean(stage, STAGES)}")
    folder = sets or SETS
    rows = load(folder, stages or STAGES)
    if not rows:
        raise ReportError(f"{folder} has no rows for {', '.join(stages) or 'any stage'}.")
    made = dates(folder)
    kinds: dict[tuple[str, str, str], list[tuple[Labelled, str | None, str]]] = {}
    for stage in STAGES:
        mine = [row for row in rows if row.stage == stage]
        if not mine:
            continue
        got = _built(mine, _OFF[stage])
        before = _built(mine, _OFF[stage] | {"mask": False}) if stage == "mask" else got
        for row, new, old in zip(mine, got, before, strict=True):
            why = complaint(row, new, old or "")
            kinds.setdefault((stage, row.kind, row.set), []).append((row, new, why))
    results = []
    for (stage, kind, name), judged in kinds.items():
        wrong = [Wrong(row, got, why) for row, got, why in judged if why]
        right = len(judged) - len(wrong)
        figure = Figure(stage, kind, name, made.get(name, ""), right, len(judged))
        results.append(Result(figure, wrong))
    return results


def below(results: Iterable[Result], floor: Iterable[Figure]) -> list[tuple[Figure, Figure]]:
    """Return (figure, floor) for each kind that is right less often than its floor says."""
    floors = {(one.stage, one.kind): one for one in floor}
    pairs = ((r.figure, floors.get((r.figure.stage, r.figure.kind))) for r in results)
    return [(figure, least) for figure, least in pairs if least and figure.is_below(least)]


def _built(rows: list[Labelled], stages: dict[str, Any]) -> list[str | None]:
    """Return what a build makes of each row: its text ("" for a thread), or None if dropped."""
    with TemporaryDirectory(prefix="chimed-selftest-") as name:
        folder = Path(name)
        keys = list(map(str, range(len(rows))))
        path = folder / "one.jsonl"
        path.write_text(json.dumps({"id": "one", "text": _STAYS}, ensure_ascii=False), "utf-8")
        sources = [_source("one", path, "document", {"text": "text"})]
        for source, kind, fields in _SHAPES:
            lines = [
                json.dumps({"id": key} | row.given, ensure_ascii=False)
                for key, row in zip(keys, rows, strict=True)
                if fields.keys() == row.given.keys()
            ]
            if lines:
                path = folder / f"{source}.jsonl"
                path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
                sources.append(_source(source, path, kind, fields))
        recipe = Recipe.model_validate(
            {"name": "selftest", "sources": sources, "stages": _ALWAYS | stages}
        )
        build(recipe, folder / "built")
        found = _read(folder / "built")
    return [found.get(key) for key in keys]


def _source(name: str, path: Path, kind: str, fields: dict[str, str]) -> dict[str, Any]:
    where = {"name": name, "layout": "jsonl", "path": str(path), "license": "apache-2.0"}
    return where | {"kind": kind, "fields": fields}


_STAYS = "感冒是常见的急性上呼吸道感染，多数人一周左右自行好转。"
"""A build in which every record is dropped is none; this one stays."""
_SHAPES = (
    ("documents", "document", {"text": "text"}),
    ("threads", "thread", {"question": "question", "answer": "answer"}),
)
"""Source, kind of its records, fields."""


def _read(folder: Path) -> dict[str, str]:
    """Return the id of a row -> its text, or "" for a thread, of all records that were kept."""
    built = open_built(folder)
    texts: dict[str, str] = {}
    for config, _, entry in built.files():
        if config == "pretrain":
            table = pq.read_table(folder / entry["file"], columns=["id", "text"])
            texts |= zip(*table.to_pydict().values(), strict=True)
    kept = built.ledger("kept", ["id", "key"]).to_pydict()  # a key: documents.jsonl#17
    return {
        key.rpartition("#")[2]: texts.get(id_, "") for id_, key in zip(*kept.values(), strict=True)
    }
