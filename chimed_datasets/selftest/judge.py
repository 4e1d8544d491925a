"""Labelled rows: what each asks of a build, and whether a build gives it.

A set is a JSON Lines file. Its name says what its rows ask for:

    mask_KIND.jsonl     text, hide    what `hide` lists cannot be read any more, and the Chinese
                                      words round it stay; where `hide` is empty, nothing changes
    clean*.jsonl        text, want    the text becomes `want`, or one of `also`
    simplify*.jsonl     text, want    the same
    filter_keep*.jsonl  text, or question and answer    the record stays
    filter_drop*.jsonl  the same      the record is dropped; `why` is its kind
    decontaminate*.jsonl  text, or question and answer, or turns (the user's first); want, kind
                                      the record must "drop", since it holds an item of
                                      decontaminate_items.jsonl beside the set, or it must "keep"
    deduplicate*.jsonl  one, other, want, kind    two records, each a text or [question, answer]:
                                      "both" must stay, or "one"; nothing else may drop one

Any other key, such as `note`, is for readers. Beside the sets ABOUT files may say how they were
made; a line "| NAME | ..." in one that has a date such as 2026-11-29 dates the set NAME.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..lang import _
from ..stages.mask import PLACEHOLDERS

STAGES = ("clean", "simplify", "filter", "mask", "decontaminate", "deduplicate")
"""What can be measured, in the order of a build."""
SETS = Path(__file__).with_name("sets")
"""The sets of the package: a record a row."""
PAIRS = SETS.with_name("pairs")
"""The sets of the package for what compares a record with another, or with a benchmark."""
ITEMS = "decontaminate_items"
"""The file of a folder of sets that is none: the benchmark (question, options, answer)."""
_WANTED = {"decontaminate": ("drop", "keep"), "deduplicate": ("both", "one")}
"""Of a stage whose rows say themselves what must happen: how."""
_FORMS = {
    "mask": "text and hide, a list of pieces of it",
    "clean": "text and want, two texts; also, a list of texts, may follow",
    "filter": "text, or question and answer",
    "decontaminate": 'text, question and answer, or turns; want, "drop" or "keep"; kind',
    "deduplicate": 'one and other, each a text or [question, answer]; want, "both" or "one"; kind',
}
_FORMS["simplify"] = _FORMS["clean"]


@dataclass(frozen=True)
class Labelled:
    """A labelled row.

    set, number: the file without its suffix, the line from 1.
    given:       the record: {"text": ...}, {"question": ..., "answer": ...} or {"turns": [...]}; of
                 a pair {"one": ..., "other": ...}, each a text or [question, answer].
    hide, want:  what must not be readable; the right outcomes. Each is empty where the set asks for
                 something else.
    why:         why the record must go, or what is hard about the row; "" where it is not said.
    """

    set: str
    number: int
    given: dict[str, Any]
    hide: tuple[str, ...] = ()
    want: tuple[str, ...] = ()
    why: str = ""

    @property
    def stage(self) -> str:
        return self.set.partition("_")[0]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records that are built: the one, or both of a pair."""
        if "turns" in self.given:
            turns = enumerate(self.given["turns"])
            said = [{"role": _ROLES[i % 2], "content": text} for i, text in turns]
            return [{"messages": said}]
        if "one" not in self.given:
            return [self.given]
        sides = (self.given["one"], self.given["other"])
        return [
            {"text": side} if isinstance(side, str) else dict(zip(_THREAD, side, strict=True))
            for side in sides
        ]

    @property
    def kind(self) -> str:
        """What the table calls the row: the set's name behind the stage, or what is to happen."""
        more = self.set.partition("_")[2]
        if self.stage in _WANTED:
            # The table has 80 columns: "sex_age_pregnancy" is too long, words apart are wrapped.
            kind = self.why.split("_")[0] if self.stage == "deduplicate" else self.why
            return ": ".join([*([more] if more else []), self.want[0], kind])
        if self.stage == "mask":
            return more or "all"
        if self.stage == "filter":
            return f"{more}: {self.why}" if self.why else more
        happens = "must stay" if self.given["text"].strip() in self.want else "must change"
        return f"{more}: {happens}" if more else happens


_THREAD = ("question", "answer")
_ROLES = ("user", "assistant")


def load(folder: Path, stages: Sequence[str] = STAGES, names: str = "*") -> list[Labelled]:
    """Return the labelled rows of a folder, for the stages that are asked for.

    names: a pattern of the names of the files, without their suffix.

    Raises :class:`SourceError` that names the file and the line where a row has not the form that
    its set asks for, and where there is no set.
    """
    found = (path for path in folder.glob(f"{names}.jsonl") if path.stem != ITEMS)
    paths = sorted(found, key=lambda path: (_place(path), path.stem))
    if not paths:
        raise SourceError(
            _("{folder}: no file *.jsonl is there; each set of rows is one.").format(folder=folder)
        )
    return [row for path in paths if STAGES[_place(path)] in stages for row in _rows(path)]


def dates(folder: Path) -> dict[str, str]:
    """Return set -> the day it was made, as an ABOUT file of the folder says; see the module."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("ABOUT*.md")):
        text = path.read_text("utf-8")
        day = re.search(r"\b\d{4}-\d\d-\d\d\b", text)
        for name in re.findall(r"^\| `?(\w+?)(?:\.jsonl)?`? \|", text, re.M):
            found.setdefault(name, day[0] if day else "")
    return found


def _place(path: Path) -> int:
    stage, __, more = path.stem.partition("_")
    if stage not in STAGES or (stage == "filter" and not more.startswith(("keep", "drop"))):
        raise SourceError(
            _(
                "{path}: its name does not say what it measures. Names begin with mask_, "
                "clean, simplify, filter_keep, filter_drop, decontaminate or deduplicate."
            ).format(path=path)
        )
    return STAGES.index(stage)


def _rows(path: Path) -> Iterator[Labelled]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _row(path.stem, number, json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            form = _FORMS[STAGES[_place(path)]]
            raise SourceError(
                _(
                    "{path}, line {number}: it is no row of this set ({reason}). A row is "
                    "a JSON object with {form}."
                ).format(path=path, number=number, reason=_reason(error), form=form)
            ) from error


def _reason(error: Exception) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)


def _row(name: str, number: int, row: Any) -> Labelled:
    if not isinstance(row, dict):
        raise TypeError("no object")
    if (stage := name.partition("_")[0]) in _WANTED:
        return _row_that_wants(name, number, row, stage)
    keys = _THREAD if "question" in row and "text" not in row else ("text",)
    if "question" in keys and not name.startswith("filter"):
        raise KeyError("text")
    given = {key: _text(key, row[key]) for key in keys}
    if name.startswith("mask"):
        hide = tuple(_text("hide", one) for one in row["hide"])
        for one in hide:
            if not _signs(one) or one not in given["text"]:
                raise ValueError(f"hide: {one!r} does not stand in the text")
        return Labelled(name, number, given, hide=hide)
    if name.startswith("filter"):
        return Labelled(name, number, given, why=_text("why", row.get("why", "")))
    want = (row["want"], *row.get("also", ()))
    return Labelled(name, number, given, want=tuple(_text("want", one).strip() for one in want))


def _row_that_wants(name: str, number: int, row: dict[str, Any], stage: str) -> Labelled:
    if row["want"] not in _WANTED[stage]:
        raise ValueError(f"want: {row['want']!r} is none of {', '.join(_WANTED[stage])}")
    given: dict[str, Any]
    if stage == "deduplicate":
        given = {key: _side(key, row[key]) for key in ("one", "other")}
    elif "turns" in row:
        given = {"turns": [_text("turns", turn) for turn in row["turns"]]}
    else:
        keys = _THREAD if "question" in row else ("text",)
        given = {key: _text(key, row[key]) for key in keys}
    why = _text("kind", row["kind"])
    if stage == "decontaminate":
        why = why.replace("_", " ")
    return Labelled(name, number, given, want=(row["want"],), why=why)


def _side(key: str, value: Any) -> Any:
    if isinstance(value, list) and len(value) == len(_THREAD):
        return [_text(key, part) for part in value]
    return _text(key, value)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key}: {value!r} is no text")
    return value


# --- whether a row came out right ----------------------------------------------------------------


def complaint(row: Labelled, got: str | None, before: str, by: str = "") -> str:
    """Return what is wrong with the outcome of a row, in one line; "" where it is right.

    got:    the text of the row that the build wrote; None where it dropped the record, of a pair
            where it dropped one.
    before: for the set of a mask, the text as the same build writes it without masking.
    by:     the stage that dropped the record.
    """
    if row.stage in _WANTED and by not in ("", row.stage):
        return f"{by} dropped it"
    if row.stage == "decontaminate":
        drop = row.want[0] == "drop"
        return ("it stayed" if drop else "it was dropped") if drop == (got is not None) else ""
    if row.stage == "deduplicate":
        if (got is None) == (row.want[0] == "one"):
            return ""
        return "one was dropped" if got is None else "both stayed"
    if row.stage == "filter":
        drop = row.set.startswith("filter_drop")
        return ("it stayed" if drop else "it was dropped") if drop == (got is not None) else ""
    if got is None:
        return "it was dropped"
    if row.stage != "mask":
        return "" if got.strip() in row.want else f"wanted: {row.want[0]}"
    if not row.hide:
        return "" if got == before else "it changed"
    readable = ", ".join(one for one in row.hide if can_be_read(one, row, got))
    if readable:
        return f"can be read: {readable}"
    return "" if _words_stay(row, got) else "words round it went, too"


def can_be_read(one: str, row: Labelled, got: str) -> bool:
    """Tell whether ``one`` of what ``row`` hides can be read in the text ``got``.

    Full-width and circled signs, Chinese numerals and letters of any case are folded first, and
    what is neither letter, digit nor Chinese character is left out. Then something can be read
    where a run of it stands there more often than it does outside of what is to be hidden:

    - of digits, where they are half of its signs or 5 and more: 5 of them, with 4 other signs at
      most between two;
    - of a number (half of its signs are digits): 5 signs;
    - of a Chinese name (4 characters at most): 2 characters;
    - of anything else (an address, an id of letters, an English name): 4 signs.

    Of what is shorter all must stand there. A Chinese numeral may be a digit (一三八), or part of
    a word between digits (1零距离3): digits are looked for in both readings.
    """
    outside = _without(row.given["text"], row.hide)
    inside = _without(got, PLACEHOLDERS.values())
    is_number = False
    for numerals in (True, False):
        signs = _signs(one, numerals)
        digits = "".join(filter(str.isdigit, signs))
        is_half = 2 * len(digits) >= len(signs)
        is_number |= is_half
        if (is_half or len(digits) >= 5) and _stands(
            digits, 5, _digits(inside, numerals), _digits(outside, numerals)
        ):
            return True
    least = 5 if is_number else 2 if len(signs) <= 4 and all(map(_is_han, signs)) else 4
    here, there = (list(map(_signs, text.split(_BARRIER))) for text in (inside, outside))
    return _stands(signs, least, here, there)


def _stands(seq: str, least: int, inside: list[str], outside: list[str]) -> bool:
    """Tell whether a run of ``least`` signs of ``seq`` is more often inside than outside."""
    least = min(least, len(seq))
    here, there = _runs(inside, least), _runs(outside, least)
    return any(here[run] > there[run] for run in _runs([seq], least))


def _digits(text: str, numerals: bool) -> list[str]:
    """Return the digits of each stretch of a text in which they stand near each other."""
    return [
        "".join(filter(str.isdigit, stretch))
        for part in text.split(_BARRIER)
        for stretch in re.findall(r"\d(?:\D{0,4}\d)*", _fold(part, numerals))
    ]


_BARRIER = "\0"
_JOINT = re.compile(r"\0[^\d\0]{1,2}(?=[\d\0])|(?<=\d)[^\d\0]{1,2}(?=\0)")
"""What joins a hidden number to more of it: 转8016, 158空3120."""


def _runs(texts: Sequence[str], width: int) -> Counter[str]:
    return Counter(text[at : at + width] for text in texts for at in range(len(text) - width + 1))


def _without(text: str, pieces: Any) -> str:
    """Return a text with a barrier in the place of each piece."""
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, _BARRIER)
    return text


def _words_stay(row: Labelled, got: str) -> bool:
    """Tell whether the Chinese characters outside of what is hidden are in ``got``, in order.

    Numerals do not count, nor do two characters at most that join a number to more digits.
    """
    marks = PLACEHOLDERS.values()
    rest = iter(filter(_is_han, _fold(_without(got, marks), numerals=True)))
    outside = _without(_without(row.given["text"], row.hide), marks)
    outside = _JOINT.sub(_BARRIER, _fold(outside, numerals=True))
    return all(sign in rest for sign in filter(_is_han, outside))


def _is_han(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff" or "\u3400" <= sign <= "\u4dbf" or sign == "〇"


def _signs(text: str, numerals: bool = False) -> str:
    return "".join(filter(str.isalnum, _fold(text, numerals)))


def _fold(text: str, numerals: bool = False) -> str:
    """Return a text with the usual form of each sign; with ``numerals`` all digits as 0 to 9."""
    if numerals:
        text = "".join(map(_digit, text))
    return unicodedata.normalize("NFKC", text).casefold()


def _digit(sign: str) -> str:
    """Return "7" for 7, ７, ⑦, ❼, 七 and 柒, "0" also for ○; else the sign itself."""
    value = 0 if sign == "○" else unicodedata.numeric(sign, -1)
    return str(int(value)) if value in range(10) else sign
