"""A record that shares something with an item, as it is and as it is compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from ...records import compared_columns
from ..text import exam_forms
from .compared import simplified, string_of

_WITHIN_SENTENCE = "，,、"


@dataclass(frozen=True)
class Record:
    """One text: its points as they are and as they are compared; the batch and row it is of."""

    points: np.ndarray
    folded: np.ndarray
    table: np.ndarray
    batch: pa.RecordBatch
    row: int

    @cached_property
    def text(self) -> str:
        """The text in simplified characters, as long as it is."""
        return simplified(self.points, self.table)

    @cached_property
    def parts(self) -> list[tuple[int, int, bool]]:
        """Where each part of the text begins and ends, and whether it is a question's: title and
        question of a thread, what the user says in a dialogue, the stems of an exam item."""
        out, at = [], 0
        record = self.batch.slice(self.row, 1)
        for name in compared_columns(self.batch):
            value = record.column(name)[0].as_py()
            for one in value if isinstance(value, list) else [value]:
                said = one.get("content", one.get("text")) if isinstance(one, dict) else one
                if said is not None:
                    asked = name in ("title", "question", "shared_stem", "stem") or (
                        isinstance(one, dict) and one.get("role") == "user"
                    )
                    out.append((at, at + len(said), asked))
                    at += len(said) + 1
        if at <= len(self.points):
            out.append((at, len(self.points), False))  # reasoning, an explanation
        return out

    def asked(self, words: str) -> np.ndarray:
        """Return int64: where in the compared form of its questions ``words`` stand."""
        found = []
        for first, last, asked in self.parts:
            start, end = self.compared_places(first, last)
            said = self.compared(start, end) if asked else ""
            found += [start + at.start() for at in re.finditer(re.escape(words), said)]
        return np.array(found, np.int64)

    def part_of(self, at: int) -> tuple[int, int, bool]:
        """Return the part that a place of the text lies in."""
        return next((part for part in self.parts if at < part[1]), self.parts[-1])

    def places(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the text the compared form ``start:end`` stands."""
        return int(self._kept[start]), int(self._kept[end - 1]) + 1

    def is_all(self, start: int, end: int) -> bool:
        """Is the compared passage a part of the record by itself, a question's number aside?"""
        here, (first, last, _) = self.around(start, end)
        rest = self.text[first : here.before] + self.text[here.after : last]
        return here.begins and not here.worded and not any(map(str.isalnum, rest))

    def around(self, start: int, end: int) -> tuple[exam_forms.Around, tuple[int, int, bool]]:
        """Return what stands around a passage, and the part it is in."""
        first, last = self.places(start, end)
        part = self.part_of(first)
        return exam_forms.around(self.text, first, last, part[0], max(part[1], last)), part

    def compared(self, start: int, end: int) -> str:
        return string_of(self.folded[max(start, 0) : max(end, 0)])

    @cached_property
    def _kept(self) -> np.ndarray:
        return np.flatnonzero(np.take(self.table, self.points))

    def sentence(self, start: int, end: int, most: int) -> str:
        """Return the text of a passage and what its sentences have around it, ``most`` compared
        characters on either side."""
        first, last = self.places(start, end)
        begin, _ = self.places(max(start - most, 0), end)
        _, finish = self.places(start, min(end + most, len(self.folded)))
        before, after = self.text[begin:first], self.text[last:finish]
        before = before[exam_forms.last_end(before) :]
        return before + self.text[first:last] + after[: exam_forms.first_end(after)]

    def compared_places(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the compared form ``start:end`` of the text stands."""
        first, last = np.searchsorted(self._kept, (start, end)).tolist()
        return first, last

    def original(self, start: int, end: int) -> str:
        """Return the text whose compared form is ``start:end``."""
        return string_of(self.points[self._kept[start] : self._kept[end - 1] + 1])

    def place_of(self, words: str, near: int, reach: int) -> int | None:
        """Return where ``words`` stand last up to ``near``, or first after it, within ``reach``."""
        before = self.compared(near - reach, near).rfind(words)
        if before >= 0:
            return max(near - reach, 0) + before
        after = self.compared(near, near + reach).find(words)
        return near + after if after >= 0 else None

    def stands_alone(self, start: int, end: int) -> bool:
        """Is the passage a sentence or line of its own, not part of one?"""
        before = self._kept[start] - 1
        after = self._kept[end - 1] + 1
        around = [self.points[i] for i in (before, after) if 0 <= i < len(self.points)]
        return not any(self.table[p] or chr(p) in _WITHIN_SENTENCE for p in around)
