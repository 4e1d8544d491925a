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
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from ..building import build
from ..built.dataset import open_built
from ..built.figures import Figure
from ..errors import ReportError, SourceError, did_you_mean
from ..lang import _
from ..recipe import Recipe
from .apart import apart
from .judge import ITEMS, PAIRS, SETS, STAGES, Labelled, complaint, dates, load

_OFF: dict[str, dict[str, Any]] = {
    "clean": {"simplify": False, "filter": False, "mask": False},
    "simplify": {"filter": False, "mask": False},
    "filter": {"mask": False},
    "mask": {"clean": {"adverts": []}, "simplify": False, "filter": False},
    "decontaminate": {"clean": {"adverts": []}, "filter": False},
    "deduplicate": {"clean": {"adverts": []}, "filter": False, "deduplicate": {}},
}
"""What a stage's recipe says of other stages. Adverts hold the numbers that are to be masked."""
_ALWAYS = {"deduplicate": False, "split": {"validation": 0, "test": 0}}


@dataclass(frozen=True)
class Wrong:
    """A row that did not come out right.

    row:  the labelled row.
    got:  the text that the build wrote; None where it dropped the record, or one of a pair.
    why:  what is wrong, in one line.
    """

    row: Labelled
    got: str | None
    why: str

    def told(self) -> str:
        """Return what a reader needs to see: where the row stands, what is wrong, both texts."""
        shown = self.row.given | ({"got": self.got} if self.got else {})
        texts = [(name, v if isinstance(v, str) else " / ".join(v)) for name, v in shown.items()]
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
            raise ReportError(
                _("stage {stage!r} is not measured.{did_you_mean}").format(
                    stage=stage, did_you_mean=did_you_mean(stage, STAGES)
                )
            )
    wanted = stages or STAGES
    if sets:
        rows, made = load(sets, wanted), dates(sets)
    else:
        rows = load(SETS, wanted) + load(PAIRS, wanted)
        made = dates(SETS) | dates(PAIRS)
    if not rows:
        raise ReportError(
            _("{value} has no rows for {value_2}.").format(
                value=sets or SETS, value_2=", ".join(stages) or "any stage"
            )
        )
    kinds: dict[tuple[str, str, str], list[tuple[Labelled, str | None, str]]] = {}
    for stage in STAGES:
        mine = [row for row in rows if row.stage == stage]
        if not mine:
            continue
        items = _items(sets or PAIRS) if stage == "decontaminate" else None
        got = _built(mine, _OFF[stage], items)
        before = _built(mine, _OFF[stage] | {"mask": False}) if stage == "mask" else got
        for row, new, old in zip(mine, got, before, strict=True):
            why = complaint(row, new.text, old.text or "", new.by)
            kinds.setdefault((stage, row.kind, row.set), []).append((row, new.text, why))
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


class _Fate(NamedTuple):
    """What a build made of a row: its text ("" for a thread or dialogue), or None and the stage
    that dropped it (of a pair: one of its records)."""

    text: str | None
    by: str = ""


def _items(folder: Path) -> Path:
    """Return the benchmark of a folder of sets. Raises :class:`SourceError` where it has none."""
    path = folder / f"{ITEMS}.jsonl"
    if not path.exists():
        raise SourceError(
            _(
                "{path} is not there: it holds the items (question, options, answer) that "
                "the sets decontaminate*.jsonl are about."
            ).format(path=path)
        )
    return path


def _built(rows: list[Labelled], stages: dict[str, Any], items: Path | None = None) -> list[_Fate]:
    """Return what a build makes of each row. Rows that are like each other are built apart, where
    records are compared with each other."""
    fates = [_Fate(None)] * len(rows)
    parts = apart(rows) if any(len(row.records) > 1 for row in rows) else [[*range(len(rows))]]
    for part in parts:
        records = {
            f"{number}-{which}": record
            for number in part
            for which, record in enumerate(rows[number].records)
        }
        found = _build(records, stages, items)
        for number in part:
            mine = [found[f"{number}-{which}"] for which in range(len(rows[number].records))]
            gone = (fate for fate in mine if fate.text is None)
            fates[number] = next(gone, mine[0])
    return fates


def _build(
    records: dict[str, dict[str, Any]], stages: dict[str, Any], items: Path | None
) -> dict[str, _Fate]:
    """Build records; return what became of each, by its key. items: the benchmark, if any."""
    with TemporaryDirectory(prefix="chimed-selftest-") as name:
        folder = Path(name)
        path = folder / "one.jsonl"
        path.write_text(json.dumps({"id": "one", "text": _STAYS}, ensure_ascii=False), "utf-8")
        sources = [_source("one", path, "document", {"text": "text"})]
        for source, kind, fields in _SHAPES:
            lines = [
                json.dumps({"id": key} | record, ensure_ascii=False)
                for key, record in records.items()
                if fields.keys() == record.keys()
            ]
            if lines:
                path = folder / f"{source}.jsonl"
                path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
                sources.append(_source(source, path, kind, fields))
        benchmarks = _benchmarks(items, folder) if items else []
        made = {"name": "selftest", "sources": sources, "benchmarks": benchmarks}
        recipe = Recipe.model_validate(made | {"stages": _ALWAYS | stages})
        build(recipe, folder / "built")
        return _read(folder / "built")


def _source(name: str, path: Path, kind: str, fields: dict[str, str]) -> dict[str, Any]:
    where = {"name": name, "layout": "jsonl", "path": str(path), "license": "apache-2.0"}
    return where | {"kind": kind, "fields": fields}


def _benchmarks(items: Path, folder: Path) -> list[dict[str, str]]:
    """Part a file of items into those with options and those without; return their entries."""
    parts: dict[str, list[str]] = {"mcq": [], "questions": []}
    for number, line in enumerate(items.read_text("utf-8").splitlines(), 1):
        try:
            parts["mcq" if json.loads(line).get("options") else "questions"].append(line)
        except (ValueError, AttributeError):
            raise SourceError(
                _("{items}, line {number}: it is no JSON object.").format(
                    items=items, number=number
                )
            ) from None
    for layout, lines in parts.items():
        (folder / f"{layout}.jsonl").write_text("\n".join(lines), "utf-8")
    return [
        {"name": layout, "layout": layout, "path": str(folder / f"{layout}.jsonl")}
        for layout, lines in parts.items()
        if lines
    ]


_STAYS = "感冒是常见的急性上呼吸道感染，多数人一周左右自行好转。"
"""A build in which every record is dropped is none; this one stays."""
_SHAPES = (
    ("documents", "document", {"text": "text"}),
    ("threads", "thread", {"question": "question", "answer": "answer"}),
    ("dialogues", "dialogue", {"messages": "messages"}),
)
"""Source, kind of its records, fields."""


def _read(folder: Path) -> dict[str, _Fate]:
    """Return the key of each record -> what became of it."""
    built = open_built(folder)
    texts: dict[str, str] = {}
    for config, __, entry in built.files():
        if config == "pretrain":
            table = pq.read_table(folder / entry["file"], columns=["id", "text"])
            texts |= zip(*table.to_pydict().values(), strict=True)
    kept = built.ledger("kept", ["id", "key"]).to_pydict()
    fates = {_name(key): _Fate(texts.get(id_, "")) for id_, key in zip(*kept.values(), strict=True)}
    dropped = built.ledger("dropped", ["key", "stage"]).to_pydict()
    return fates | {_name(key): _Fate(None, by) for key, by in zip(*dropped.values(), strict=True)}


def _name(key: str) -> str:
    """Return the id in the file: 17-0 of documents.jsonl#17-0."""
    return key.rpartition("#")[2]
