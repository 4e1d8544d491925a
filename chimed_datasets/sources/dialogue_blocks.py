"""Consultations in plain text: a block each, from id=… on (the raw files of MedDialog).

A block has these lines, each with what belongs to it below:
    id=…                        the key
    Doctor faculty              hospital and department
    Description                 疾病：, 病情描述：, 曾经治疗…：, 想得到…： and more
    Dialogue                    病人： and 医生： in turn, each before its text or above it
    Diagnosis and suggestions   what the doctor sums up; may be missing

Yields a dialogue a block. The description is the patient's first turn, what the doctor sums up the
doctor's last. The disease becomes metadata, a department of the faculty line the department. The
hospital, its last name in the description and the address of the page are not kept. Turns before
the first question or after the last reply are cut, and metadata's cut_turns counts them.

where  a condition on id, or on the lines of faculty, description, dialogue or summary; other blocks
       go to the ledger
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from ..records import Dialogue, Malformed, Record, excerpt
from .files.decoding import lines
from .files.opening import FileReport, SourceFile
from .parsing.messages import answered, message, ordered
from .parsing.ready import Ready, ready
from .parsing.row import KeyedRow, Keys, RowError
from .parsing.shape import HEAD, wrong_layout
from .parsing.speakers import speaker
from .parsing.traces import Spelt

SUFFIXES = (".txt",)


@dataclass(frozen=True)
class Options(Ready):
    """A condition may ask for the parts of a block; each but the id is a list of lines."""

    FIELDS = ("id", "faculty", "description", "dialogue", "summary")


_ID = re.compile(r"\ufeff?id\s{0,3}=\s{0,3}(\S{1,100})\s*", re.I)
_PARTS = {
    "doctor faculty": "faculty",
    "description": "description",
    "dialogue": "dialogue",
    "diagnosis and suggestions": "summary",
}
_HEADING = re.compile(r"([^\s，。；！？：:]{2,40})[：:](.*)")
_SPOKEN = re.compile(r"\s{0,8}([^\s：:]{1,16})\s{0,3}[：:](.*)")
_BARE = ("病情描述", "曾经治疗", "想得到", "希望", "病情摘要", "总结建议", "初步印象")
"""Headings of what a patient or doctor writes: the text below them stands without."""
_NOT_KEPT = ("最后一次就诊的医院", "就诊医院", "所就诊医院")


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue for each block of each file."""
    for file in files:
        yield from ready(_blocks(file, report), partial(_dialogue, report.traces), options)


def _blocks(file: SourceFile, report: FileReport) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, {part: its lines}) for each block; what stands before the first is Malformed."""
    keys, ordinal = Keys(file.name), 0
    every = lines(file, report)
    head = list(islice(every, HEAD))
    if found := wrong_layout(line for _, line in head if isinstance(line, str)):
        yield Malformed(f"{file.name}#0", "wrong_layout", found)
        return
    block: dict[str, Any] = {}
    part = ""
    for _, line in chain(head, every):
        if isinstance(line, Malformed):
            yield line
        elif begun := _ID.fullmatch(line):
            if block:
                yield keys.key(ordinal, block.get("id")), block
                ordinal += 1
            block, part = {"id": begun[1]}, ""
        elif named := _PARTS.get(line.strip().lower().rstrip("：:")):
            part = named
            block.setdefault(part, [])
        elif part and line.strip():
            block[part].append(line.strip())
        elif line.strip() and not block:
            block = {"before": line}
    if block:
        yield keys.key(ordinal, block.get("id")), block


def _dialogue(spelt: Spelt, key: str, block: dict[str, Any]) -> Dialogue:
    if "before" in block:
        raise RowError("no_dialogue", f"no line id=…: {excerpt(block['before'])}")
    disease, description = _described(block.get("description", ()))
    said = [message("user", description, None, spelt)] if description else []
    for by, text in _spoken(block.get("dialogue", ())):
        if text:
            said.append(message(by, text, None, spelt))
    if summary := _described(block.get("summary", ()))[1]:
        said.append(message("assistant", summary, None, spelt))
    kept, cut = answered(ordered(said))
    if not kept:
        raise RowError("no_answer", excerpt(said[0].content) if said else "no turns")
    about = {"disease": disease, "cut_turns": str(cut) if cut else ""}
    return Dialogue(
        key,
        kept,
        department=_department(block.get("faculty", ())),
        metadata={name: text for name, text in about.items() if text},
    )


def _described(given: Sequence[str]) -> tuple[str, str]:
    """Return the disease, and what else the lines of a description say."""
    diseases: list[str] = []
    said: list[str] = []
    into = said
    for line in given:
        found = _HEADING.fullmatch(line)
        name = re.split("[（(]", found[1], maxsplit=1)[0] if found else ""
        if not found:
            into.append(line)
            continue
        into = said
        if name == "疾病":
            into, line = diseases, found[2].strip()
        elif name.startswith(_NOT_KEPT):
            into, line = [], ""
        elif name.startswith(_BARE):
            line = found[2].strip()
        if line:
            into.append(line)
    return "，".join(diseases), "\n".join(said)


def _spoken(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (role, text) of lines in which a speaker's name stands before a text or above it."""
    by, said = "", list[str]()
    for line in given:
        found = _SPOKEN.fullmatch(line)
        role = speaker(found[1]) if found else None
        if found is None or role not in ("user", "assistant"):
            said.append(line)
            continue
        if by:
            yield by, "\n".join(said)
        by, said = role, [text] if (text := found[2].strip()) else []
    if by:
        yield by, "\n".join(said)
    elif said:
        raise RowError("unknown_role", f"no speaker before {excerpt(said[0])}")


def _department(faculty: Sequence[str]) -> str | None:
    """Return the department, which stands behind the hospital."""
    words = " ".join(faculty).split()
    return words[-1] if len(words) > 1 and words[-1].endswith(("科", "门诊", "部")) else None
