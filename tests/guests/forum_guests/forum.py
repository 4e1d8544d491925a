"""Threads of a forum as plain text: a line "# title", a question, then answers after "> "."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chimed_datasets.sources import (
    Answer,
    FileReport,
    Malformed,
    QAThread,
    Record,
    SourceFile,
    read_text,
)

SUFFIXES = (".forum",)


@dataclass(frozen=True)
class Options:
    """department: of every thread."""

    department: str | None = None


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a QAThread for each thread."""
    for file in files:
        for number, thread in enumerate(read_text(file, report).strip().split("\n\n")):
            key = f"{file.name}#{number}"
            title, question, *answers = thread.split("\n")
            if not answers:
                yield Malformed(key, "no_answer", thread[:80])
                continue
            said = [Answer(line.removeprefix("> ")) for line in answers]
            yield QAThread(
                key, question, said, title=title.removeprefix("# "), department=options.department
            )
