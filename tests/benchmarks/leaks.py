"""How many leaks of a real benchmark are found, by disguise and by length of stem; and how many real
texts are taken for one.

    python tests/benchmarks/leaks.py [--items 400] [--texts 10000] [--data ../shared/data] [--show 5]

The items are drawn from CMMLU and C-Eval under --data, whose index holds all of theirs. Each is
planted in each disguise, as a record of its own; a line says how many of the records are dropped. A
disguise that needs the right answer is planted of items that tell it.

Then so many texts of the sources under --data are searched: threads, dialogues, entries of
encyclopedias, sections of classics, the same number of each source as far as it has them. What is
found there is printed, to be read: a leak, or a false alarm.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import opencc

from chimed_datasets import records
from chimed_datasets.records import Answer, Batch, Dialogue, Document, Malformed, Message, QAThread
from chimed_datasets.sources import FileReport, exams, layout
from chimed_datasets.sources.exams import ExamItem
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.stages.decontaminate import Against, Decontaminate, Index

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
BENCHMARKS = ("cmmlu", "ceval")
SOURCES = {  # folder or file: layout, options
    "qa_csv/internal_medicine_sample.csv": ("qa_csv", {}),
    "llm_generated/huatuo_llama_med.jsonl": ("instruction", {}),
    "qa_csv/internal_medicine_blocks.txt": ("qa_blocks", {}),
    "dialogue/cmtmedqa_test.json": ("instruction", {}),
    "remedi": ("entities", {}),
    "cmekg": ("entities", {}),
    "tcm_classics": ("tcm_classics", {}),
}
LENGTHS = (9, 13, 20, 40, 10_000)
TRADITIONAL = opencc.OpenCC("s2t").convert
PROSE = "平时饮食清淡，按时作息，适量活动。如有不适，及时到医院就诊，在医生指导下用药。"
_HAN = re.compile("[\u4e00-\u9fff]")


def items_of(data: Path) -> dict[str, list[ExamItem]]:
    return {
        name: exams.read(
            name, resolve(str(data / "benchmarks" / name), data, data, exams.SUFFIXES), FileReport()
        )
        for name in BENCHMARKS
    }


# --- planted leaks -----------------------------------------------------------------------------


def right(item: ExamItem) -> str:
    """Return the text of the right option; "" where it is not told."""
    letters = (item.answer or "").strip()
    return item.options["ABCD".index(letters)] if letters in tuple("ABCD") else ""


def listed(item: ExamItem, form: str = "{}. {}", turned: bool = False) -> str:
    options = item.options[::-1] if turned else item.options
    return "\n".join(form.format(a, o) for a, o in zip("ABCD", options, strict=False))


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def mistyped(text: str, draw: random.Random, share: float) -> str:
    """Return a text with a share of its characters left out, doubled or another."""
    out = []
    for char in text:
        way = draw.choice("-+x") if draw.random() < share else ""
        out.append(
            {"-": "", "+": char * 2, "x": draw.choice("的一是在有和人这中大")}.get(way, char)
        )
    return "".join(out)


def without_blank(stem: str) -> str:
    return re.sub(r"[（(]\s*[）)]|_{2,}", "", stem).rstrip("。.？?：: ")


def filled(item: ExamItem) -> str:
    """Return the stem with the right answer in its blank, or behind it."""
    parts = re.split(r"[（(]\s*[）)]|_{2,}", item.stem, maxsplit=1)
    return parts[0].rstrip("。.？?：: ") + right(item) + (parts[1] if len(parts) > 1 else "") + "。"


Disguise = Callable[[ExamItem, random.Random], records.Record]


def thread(question: str, answer: str = "请到医院面诊后再定。") -> QAThread:
    return QAThread("t", question, [Answer(answer)])


def page(item: ExamItem, others: Sequence[ExamItem]) -> Document:
    asked = [item.stem + "\n" + listed(item), *(one.stem for one in others)]
    return Document("d", "\n".join(f"{n}. {text}" for n, text in enumerate(asked, 1)))


PLAIN: dict[str, Disguise] = {
    "question, options": lambda i, _: thread(f"{i.stem}\n{listed(i)}", "选择哪一项要看具体情况。"),
    "options in another order": lambda i, _: thread(f"{i.stem}\n{listed(i, '（{}）{}', True)}"),
    "question alone": lambda i, _: thread(i.stem),
    "question with a number": lambda i, _: thread(f"第12题：{i.stem}"),
    "in traditional script": lambda i, _: thread(TRADITIONAL(i.stem)),
    "full width, blanks between": lambda i, _: thread(" ".join(wide(i.stem))),
    "in a dialogue": lambda i, _: Dialogue(
        "d", [Message("user", "你好"), Message("assistant", "你好。"), Message("user", i.stem)],
        [Answer("请稍等。")],
    ),
    "on a page, with options": lambda i, _: Document("d", f"{PROSE}\n7. {i.stem}\n{listed(i)}\n{PROSE}"),
    "stem in the midst of prose": lambda i, _: Document("d", PROSE + i.stem + PROSE),
}  # fmt: skip
WITH_ANSWER: dict[str, Disguise] = {
    "question and right answer": lambda i, _: thread(i.stem, right(i)),
    "filled in, by itself": lambda i, _: Document("d", filled(i)),
    "filled in, in prose": lambda i, _: Document("d", PROSE + filled(i) + PROSE),
}
HIDDEN: dict[str, Disguise] = {
    "3 % mistyped, options": lambda i, r: thread(mistyped(f"{i.stem}\n{listed(i)}", r, 0.03)),
    "8 % mistyped, options": lambda i, r: thread(mistyped(f"{i.stem}\n{listed(i)}", r, 0.08)),
    "3 % mistyped, alone": lambda i, r: thread(mistyped(i.stem, r, 0.03)),
    "8 % mistyped, alone": lambda i, r: thread(mistyped(i.stem, r, 0.08)),
    "first half": lambda i, _: thread(i.stem[: len(i.stem) // 2]),
    "second half": lambda i, _: thread(i.stem[len(i.stem) // 2 :]),
}


def is_found(record: records.Record, stage: Against) -> bool:
    (table,) = records.batches([record], source="s", license="l", domain="modern")
    return bool(stage(Batch(table)).matches)


def plant(items: Sequence[ExamItem], stage: Against) -> None:
    names = [f"<{LENGTHS[0]}", *(f"{a}-{b - 1}" for a, b in pairwise(LENGTHS[:-1]))]
    names.append(f">={LENGTHS[-2]}")
    print(f"{'planted; by Chinese characters of the stem':<44}{'all':>14}", end="")
    print("".join(f"{name:>14}" for name in names))
    for name, disguise in (PLAIN | WITH_ANSWER | HIDDEN).items():
        draw = random.Random(name)
        counts = [[0, 0] for _ in LENGTHS]
        for item in items:
            if name in WITH_ANSWER and not right(item):
                continue
            size = len(_HAN.findall(item.stem))
            count = counts[next(i for i, least in enumerate(LENGTHS) if size < least)]
            count[0] += is_found(disguise(item, draw), stage)
            count[1] += 1
        every = [sum(column) for column in zip(*counts, strict=True)]
        cells = [f"{a}/{b} {100 * a / b:.0f}%" if b else "-" for a, b in (every, *counts)]
        print(f"{name:<44}" + "".join(f"{cell:>14}" for cell in cells))


# --- real texts --------------------------------------------------------------------------------


def real(data: Path, texts: int) -> Iterator[tuple[str, list[records.Record]]]:
    """Yield each source and its records: as many of each as give ``texts`` in all."""
    left = texts
    for number, (path, (key, options)) in enumerate(SOURCES.items()):
        found = layout(key)
        with TemporaryDirectory() as staging:
            files = resolve(str(data / path), Path("/"), Path(staging), found.suffixes)
            given = found.read(files, found.options(options), FileReport())
            made = (one for one in given if not isinstance(one, Malformed))
            some = list(islice(made, -(-left // (len(SOURCES) - number))))
        left -= len(some)
        yield path, some


def alarms(data: Path, texts: int, stage: Against, show: int) -> None:
    every = hits = 0
    for path, some in real(data, texts):
        found = []
        for table in records.batches(some, source="s", license="l", domain="modern"):
            found += stage(Batch(table)).matches
        print(f"{path}: {len(some):,} texts, {len({one.record for one in found})} with an item")
        for one in found[:show]:
            print(f"    {one.benchmark} {one.item}: {one.text}")
        every, hits = every + len(some), hits + len({one.record for one in found})
    print(f"{every:,} real texts, {hits} with an item")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("--items", type=int, default=400)
    given.add_argument("--texts", type=int, default=10_000)
    given.add_argument("--data", type=Path, default=SHARED)
    given.add_argument(
        "--show", type=int, default=5, help="So many finds of each source are printed."
    )
    asked = given.parse_args()
    items = items_of(asked.data)
    settings = Decontaminate()
    index = Index.build(items, settings)
    stage = settings.against(index)
    for name, reach in index.reach().items():
        print(
            f"{name}: {len(items[name]):,} items, {reach.whole:,} as whole questions, {reach.never:,} never"
        )
    if asked.items:
        every = [item for some in items.values() for item in some]
        plant(random.Random(1).sample(every, min(asked.items, len(every))), stage)
    if asked.texts:
        alarms(asked.data, asked.texts, stage, asked.show)


if __name__ == "__main__":
    main()
