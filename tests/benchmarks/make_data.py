"""Data of the size of ChiMed 2.0, made from real text by resampling with edits.

    python tests/benchmarks/make_data.py OUT [--scale 1] [--data ../shared/data]

At scale 1: 164,800 documents, 351,600 question-answer pairs, 41,700 preference tuples and about
204.4 M Chinese characters, as JSON Lines, the layout that most such data come in:

    OUT/documents/*.jsonl   id, title, book, text
    OUT/qa/*.jsonl          id, department, question, answer
    OUT/preference/*.jsonl  prompt, chosen, rejected
    OUT/benchmarks/         the exam questions to decontaminate against (links)
    OUT/recipe.yaml         a recipe over these
    OUT/truth.parquet       kind, copy, original, similarity of the planted copies

Every row is made of runs of sentences of real rows of its kind, so that no two rows are alike but
by nature (boilerplate, sentences met twice) or where a copy was planted: 3 % of rows are near
copies of another, at a Jaccard similarity of 0.8 to 1 of their sets of 5 characters, and 1 % look
alike but are not (0.55 to 0.75). Both are measured, over the text as it is and over its letters
and digits alone, and each has to lie in the range. In one row of 200 somebody left a phone number
or an account, in one of 200 a piece of HTML. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from chimed_datasets import records
from chimed_datasets.built.statistics import count_han
from chimed_datasets.recipe import load
from chimed_datasets.records import Document, QAThread
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.finding import resolve

HERE = Path(__file__).resolve()
SHARED = HERE.parents[3] / "shared" / "data"
DOCUMENTS, PAIRS, TUPLES, HAN = 164_800, 351_600, 41_700, 204_400_000
FILE_BYTES = 16 * 1024 * 1024
COPIES, LOOK_ALIKES = 0.03, 0.01
SHINGLE = 5

_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]+|[^。！？!?\n]+$")
_CONTACTS = (
    "有问题可以打我电话1{a}，加微信zhongyi{b}也行。",
    "我的QQ：{a}，谢谢大夫。",
    "联系电话：010-{c}。",
)
_LEFT_OVERS = ("<br/>", "&nbsp;&nbsp;", "<p>{s}</p>", "&ldquo;{s}&rdquo;", "<b>{s}</b>")


# --- real text ---------------------------------------------------------------------------------


class Pool(NamedTuple):
    """Texts of one kind as lists of sentences; ``about``: what is told of each."""

    sentences: list[list[str]]
    about: list[dict[str, str]]


def pools(data: Path) -> dict[str, Pool]:
    """Return the pools "document", "question", "answer", "prompt" and "reply"."""
    found = {name: Pool([], []) for name in ("document", "question", "answer", "prompt", "reply")}

    def add(name: str, text: str, **about: str | None) -> None:
        if sentences := _SENTENCE.findall(text):
            found[name].sentences.append(sentences)
            found[name].about.append({k: v for k, v in about.items() if v})

    for record in _records(data):
        if isinstance(record, Document):
            book = record.metadata.get("book") or record.key.partition("#")[0]
            add("document", record.text, title=record.title, book=book)
        elif isinstance(record, QAThread):
            add("question", record.question, department=record.department)
            add("answer", record.answers[0].text)
        elif record.candidates:
            add("prompt", record.messages[-1].content)
            for candidate in record.candidates:
                add("reply", candidate.text)
        else:
            for message in record.messages:
                name = "answer" if message.role == "assistant" else "question"
                add(name, message.content)
    return found


def _records(data: Path) -> Iterator[records.Record]:
    recipe = load(HERE.parents[1] / "recipes" / "everything.yaml")
    with TemporaryDirectory() as staging:
        for source in recipe.sources:
            path = data / source.path.partition("shared/data/")[2]
            found = layout(source.layout)
            files = resolve(str(path), Path("/"), Path(staging) / source.name, found.suffixes)
            for record in found.read(files, source.options, FileReport()):
                if not isinstance(record, records.Malformed):
                    yield record


# --- resampling ----------------------------------------------------------------------------------


class Maker:
    """Makes rows of runs of sentences; no text comes twice."""

    def __init__(self, found: dict[str, Pool], seed: int) -> None:
        self.pools, self.random = found, random.Random(seed)
        self.made: set[int] = set()

    def text(self, name: str, factor: float = 1.0, runs: int = 2) -> tuple[str, dict[str, str]]:
        """Return a text of about ``factor`` times the length of one of the pool, in ``runs``
        runs of sentences or more, and what the first of them is about."""
        sentences, about = self.pools[name]
        while True:
            first = self.random.randrange(len(sentences))
            wanted = int(factor * sum(map(len, sentences[first])))
            parts, size, run = [], 0, first
            while size < wanted or not parts:
                piece = sentences[run]
                start = self.random.randrange(len(piece))
                part = max(wanted // runs, 1)
                while start < len(piece) and part > 0 and size < wanted:
                    if self.random.random() > 0.1:  # a sentence in ten is left out
                        parts.append(piece[start])
                        size += len(piece[start])
                        part -= len(piece[start])
                    start += 1
                run = self.random.randrange(len(sentences))
            made = "".join(parts).strip()
            if made and hash(made) not in self.made:
                self.made.add(hash(made))
                return self._soiled(made), about[first]

    def _soiled(self, text: str) -> str:
        draw = self.random.random()
        if draw < 0.005:
            figures = {"a": 3_000_000_000, "b": 9_000, "c": 60_000_000}
            filled = {k: n + self.random.randrange(n // 10) for k, n in figures.items()}
            return text + self.random.choice(_CONTACTS).format(**filled)
        if draw < 0.01:
            at = self.random.randrange(len(text) + 1)
            left = self.random.choice(_LEFT_OVERS)
            return text[:at] + left.format(s=text[at : at + 8]) + text[at + 8 * ("{s}" in left) :]
        return text


# --- planted copies ------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def _counts(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN"


def shingles(text: str) -> set[str]:
    """Return the set of the runs of 5 characters of ``text``."""
    return {text[i : i + SHINGLE] for i in range(len(text) - SHINGLE + 1)}


def similarity(one: str, other: str) -> tuple[float, float]:
    """Return the Jaccard similarity of two texts: as they are, and by letters and digits alone."""
    found = []
    for a, b in ((one, other), tuple("".join(filter(_counts, t.lower())) for t in (one, other))):
        left, right = shingles(a), shingles(b)
        found.append(len(left & right) / max(len(left | right), 1))
    return found[0], found[1]


def edited(text: str, low: float, high: float, draw: random.Random) -> str | None:
    """Return ``text`` with characters replaced, put in and left out at random places."""
    size = len(text) - SHINGLE + 1
    wanted = draw.uniform(low, high)
    edits = max(1, round(size * (1 - wanted) / (1 + wanted) / SHINGLE))
    chars = list(text)
    for at in draw.sample(range(len(chars)), min(edits, len(chars))):
        other = text[draw.randrange(len(text))]
        chars[at] = draw.choice((other, other + chars[at], ""))
    return "".join(chars)


def planted(
    parts: Sequence[str], low: float, high: float, draw: random.Random
) -> tuple[list[str], float] | None:
    """Return a copy of the ``parts`` of a row whose similarity (both ways) is within the range, or
    None where the row is too short for one."""
    whole = "\n".join(parts)
    if len(whole) < 60:
        return None
    for _ in range(8):
        made = [edited(part, low, high, draw) if len(part) > 20 else part for part in parts]
        found = similarity(whole, "\n".join(made))
        if low <= min(found) and max(found) <= high:
            return made, min(found)
    return None


# --- files ---------------------------------------------------------------------------------------


class Rows:
    """Writes rows to JSON Lines files of about ``FILE_BYTES``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.held, self.size, self.number = folder, [], 0, 0
        self.count = self.han = 0

    def add(self, row: dict, texts: Sequence[str]) -> None:
        line = orjson.dumps(row)
        self.held.append(line)
        self.size += len(line)
        self.count += 1
        self.han += count_han("".join(texts))
        if self.size > FILE_BYTES:
            self.close()

    def close(self) -> None:
        if self.held:
            path = self.folder / f"{self.number:04d}.jsonl"
            path.write_bytes(b"\n".join(self.held) + b"\n")
        self.held, self.size, self.number = [], 0, self.number + 1


Make = Callable[[], tuple[list[str], dict[str, str]]]
"""Makes the texts of a row, and what is told about it."""


def write(
    kind: str, rows: Rows, count: int, make: Make, fields: Sequence[str], seed: int
) -> list[tuple[str, str, str, float]]:
    """Write ``count`` rows of a kind; return (kind, copy, original, similarity) of the planted."""
    draw = random.Random(seed)
    # Originals that wait for their copy: it comes some thousands of rows later, or in another file.
    waiting: list[tuple[str, list[str], dict[str, str]]] = []
    truth = []
    for number in range(count):
        ident = f"{kind}-{number:07d}"
        luck = draw.random()
        made = None
        if luck < COPIES + LOOK_ALIKES and waiting:
            place = draw.randrange(len(waiting))
            original, parts, about = waiting[place]
            copy = luck < COPIES
            made = planted(parts, *((0.8, 1.0) if copy else (0.55, 0.75)), draw)
            if made:
                waiting[place] = waiting[-1]
                waiting.pop()
                texts, alike = made
                truth.append((kind, ident, original, alike))
        if not made:
            texts, about = make()
            if draw.random() < 0.1:
                waiting.append((ident, texts, about))
        rows.add({"id": ident, **about, **dict(zip(fields, texts, strict=True))}, texts)
    rows.close()
    return truth


RECIPE = """\
name: chimed2
seed: 42
sources:
  - {name: documents, layout: jsonl, path: documents, license: apache-2.0, domain: tcm,
     fields: {title: title, book: book}}
  - {name: qa, layout: jsonl, path: qa, license: apache-2.0, domain: modern, kind: thread,
     fields: {department: department}}
  - {name: preference, layout: preference_pairs, path: preference, license: apache-2.0}
benchmarks:
  - {name: cmmlu, layout: cmmlu, path: benchmarks/cmmlu}
  - {name: ceval, layout: ceval, path: benchmarks/ceval}
"""


def make(out: Path, scale: float, data: Path, seed: int = 42) -> dict[str, int]:
    """Make the data in ``out`` (it must not exist); return rows and Chinese characters by kind."""
    maker = Maker(pools(data), seed)
    told, truth = {}, []

    def pair() -> tuple[list[str], dict[str, str]]:
        question, about = maker.text("question")
        return [question, maker.text("answer", runs=3)[0]], about

    def rivals() -> tuple[list[str], dict[str, str]]:
        return [maker.text("prompt")[0], maker.text("reply")[0], maker.text("reply")[0]], {}

    kinds = [
        ("qa", PAIRS, pair, ("question", "answer")),
        ("preference", TUPLES, rivals, ("prompt", "chosen", "rejected")),
    ]
    for number, (kind, count, one, fields) in enumerate(kinds):
        rows, n = Rows(out / kind), round(count * scale)
        truth += write(kind, rows, n, one, fields, seed + number)
        told |= {kind: n, f"{kind}_han": rows.han}

    rows, n = Rows(out / "documents"), round(DOCUMENTS * scale)
    wanted = (HAN * scale - told["qa_han"] - told["preference_han"]) / n

    def document() -> tuple[list[str], dict[str, str]]:
        # Short where the ones before were long: the mean comes out as wanted.
        factor = base * min(max(wanted * (rows.count + 1) / (rows.han + wanted), 0.8), 1.25) ** 8
        text, about = maker.text("document", factor)
        return [text], about

    lengths = [sum(map(len, sentences)) for sentences in maker.pools["document"].sentences]
    base = 1.15 * wanted / (sum(lengths) / len(lengths))
    truth += write("documents", rows, n, document, ("text",), seed + 9)
    told |= {"documents": n, "documents_han": rows.han}

    columns = zip(*truth, strict=True)
    names = ("kind", "copy", "original", "similarity")
    pq.write_table(
        pa.table(dict(zip(names, map(list, columns), strict=True))), out / "truth.parquet"
    )
    (out / "benchmarks").symlink_to((data / "benchmarks").resolve())
    (out / "recipe.yaml").write_text(RECIPE, "utf-8")
    told["han"] = sum(value for name, value in told.items() if name.endswith("_han"))
    told["planted"] = sum(alike >= 0.8 for *_, alike in truth)
    (out / "told.json").write_text(json.dumps({"scale": scale, **told}, indent=1) + "\n", "utf-8")
    return told


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("out", type=Path)
    given.add_argument("--scale", type=float, default=1.0)
    given.add_argument("--data", type=Path, default=SHARED)
    asked = given.parse_args()
    for name, value in make(asked.out, asked.scale, asked.data).items():
        print(f"{name:<16} {value:>13,}")


if __name__ == "__main__":
    main()
