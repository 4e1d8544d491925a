"""Clean: encoding, HTML, characters and blanks of every text; junk of sites in bodies.

In this order: text decoded with the wrong encoding is put right, HTML entities and tags go, then
control and zero-width characters; full-width letters and digits become half-width while Chinese
punctuation stays Chinese; runs of blanks become one. A single space between Chinese characters
stays: in the classics (449,000 of them in 60 M characters) it parts drugs and verses. A text that
changed is looked at again until nothing changes: cleaning a cleaned text changes nothing.

What a site put round a text goes from bodies: everything from a marker on (``cuts``), and badges
at the ends (``badges``). Documents are no pages of a site: they are neither cut nor stripped. An
advert (``adverts``) in a document, title, question or message drops the record; in an answer or a
candidate reply it removes that answer, and drops the record where none remains.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..records import Batch, Codepoints, Leaves, TextField, codepoints, from_codepoints, ledger
from .text.answers import Reason, without_bad
from .text.characters import OTHER, look, normalise, tables
from .text.markup import FENCE, strip_tags, unescape
from .text.mojibake import GBK_SIGNS, WESTERN_SIGNS, repair
from .text.site import BIT, CUTS, RARE, advert, cues_of, cut, strip_badges

Cut = Literal["answer_rating", "supplement", "follow_up"]
Advert = Literal[
    "advert_contact",
    "advert_hotline",
    "advert_click",
    "advert_consult",
    "advert_sale",
    "advert_hospital",
]
MAX_ROUNDS = 8
"""Looks at one text. Real ones need one or two; a hostile one could hide an entity in another."""


@dataclass(frozen=True)
class Clean:
    """Clean the texts of a batch; see the module.

    mojibake: read text back that was decoded with the wrong encoding.
    html:     turn entities into characters and take tags out. Texts with a Markdown code block
              (```) keep theirs, and their blanks.
    width:    map full-width letters and digits, and compatibility forms, to the ordinary ones.
    cuts:     which markers end a text, by name (:data:`Cut`).
    badges:   strip marks such as 已采纳 and 医生回复： from the ends of a text.
    adverts:  which adverts are refused, by name (:data:`Advert`).

    Drops under the name of an advert rule, or under ``empty_after_cut`` where a cut leaves nothing.
    ``counts``: the texts that each rule changed; answers removed from records that go on, under
    ``advert_answer`` and ``empty_answer``.
    """

    mojibake: bool = True
    html: bool = True
    width: bool = True
    cuts: tuple[Cut, ...] = get_args(Cut)
    badges: bool = True
    adverts: tuple[Advert, ...] = get_args(Advert)
    name: ClassVar[str] = "clean"

    def __call__(self, batch: Batch) -> ledger.Result:
        leaf = batch.leaves
        counts: Counter[str] = Counter()
        texts, cues = self._mended(leaf.texts, batch.points, counts)
        bad: dict[int, Reason] = {}
        rows = np.flatnonzero((cues > 0) & (leaf.body | (leaf.field == TextField.TITLE)))
        cues = cues[rows]
        for _ in range(MAX_ROUNDS):
            shorter = self._judge(leaf, texts, rows, cues, bad, counts)
            if not shorter:
                break
            rows = np.array(list(shorter))  # what is left may be seen in another light
            cut_texts = pa.array(shorter.values(), pa.string())
            part, cues = self._mended(cut_texts, codepoints(cut_texts), counts)
            texts = _replace(texts, rows, part)
            rows, cues = rows[cues > 0], cues[cues > 0]
        if texts is not leaf.texts:
            batch = batch.with_texts(texts)
        refused: dict[int, Reason] = {}
        batch, removed = without_bad(batch, bad, refused)
        for rule, n in removed.items():
            counts["empty_answer" if rule == "empty_after_cut" else "advert_answer"] += n
        return ledger.part(batch, self.name, refused, {r: n for r, n in counts.items() if n})

    # --- every text ----------------------------------------------------------------------------

    def _mended(
        self, texts: pa.StringArray, points: Codepoints, counts: Counter[str]
    ) -> tuple[pa.StringArray, np.ndarray]:
        """Return the texts in order, and uint16[m]: junk of which rules they may hold, by bits.

        points: the code points of ``texts``.
        """
        cues = np.zeros(len(texts), np.uint16)
        changed = {rule: np.zeros(len(texts), bool) for rule in _RULES}
        index, current = np.arange(len(texts)), texts
        for _ in range(MAX_ROUNDS):
            seen = self._look(points)
            cues[index] = seen.cues
            work = np.flatnonzero(seen.amiss | seen.markup | seen.garbled)
            if not len(work):
                break
            index, current = index[work], current.take(pa.array(work))
            new, rules = self._mend(current, seen.markup[work], seen.garbled[work])
            differs = pc.not_equal(new, current).to_numpy(zero_copy_only=False)
            index, current = index[differs], new.filter(pa.array(differs))
            if not len(index):
                break
            points = codepoints(current)
            for rule, which in rules.items():
                changed[rule][index] |= which[differs]
            texts = _replace(texts, index, current)
        counts.update({rule: int(which.sum()) for rule, which in changed.items()})
        return texts, cues

    def _look(self, text: Codepoints) -> _Seen:
        """One look at all characters: which texts need what."""
        points, offsets = text
        at, classes, which, amiss = look(text, _table())
        markup, garbled = np.zeros((2, len(offsets) - 1), bool)
        if self.html:
            signs = at[classes == _MARKUP]
            after = points[np.minimum(signs + 1, len(points) - 1)]
            bracket = (points[signs] == ord("[")) & ~np.isin(after, [ord(c) for c in "sS/"])
            markup[which[classes == _MARKUP][~bracket]] = True
        if self.mojibake:
            garbled[which[classes == _WESTERN]] = True
            signs = np.bincount(which[classes == _GBK], minlength=len(garbled))
            garbled |= (signs >= 2) & (signs * 8 >= np.diff(offsets))
        return _Seen(amiss, markup, garbled, cues_of(text, at[classes == _CUE]))

    def _mend(
        self, texts: pa.StringArray, markup: np.ndarray, garbled: np.ndarray
    ) -> tuple[pa.StringArray, dict[str, np.ndarray]]:
        """Return the texts after one round, and which of them each rule changed."""
        changed = {rule: np.zeros(len(texts), bool) for rule in _RULES}
        rows = np.flatnonzero(markup | garbled)
        values = texts.take(pa.array(rows)).to_pylist()
        for i, row in enumerate(rows.tolist()):
            steps = [("mojibake", repair)] if garbled[row] else []
            if markup[row] and FENCE not in values[i]:
                steps += [("entities", unescape), ("tags", strip_tags)]
            for rule, step in steps:
                new = step(values[i])
                changed[rule][row] = new != values[i]
                values[i] = new
        done = normalise(codepoints(_replace(texts, rows, values)), self.width)
        changed |= {rule: getattr(done, rule) for rule in ("control", "width", "spaces")}
        return from_codepoints(done.text), changed

    # --- junk of sites -------------------------------------------------------------------------

    def _judge(
        self,
        leaf: Leaves,
        texts: pa.StringArray,
        rows: np.ndarray,
        cues: np.ndarray,
        bad: dict[int, Reason],
        counts: Counter[str],
    ) -> dict[int, str]:
        """Return what is left of the texts that a site put something round; note the bad ones.

        cues: for each of ``rows``, which rules may match; no other is tried.
        """
        shorter: dict[int, str] = {}
        found_in = texts.take(pa.array(rows)).to_pylist()
        trimmed = sum(BIT[name] for name in ("badge", *self.cuts))
        for row, text, bits in zip(rows.tolist(), found_in, cues.tolist(), strict=True):
            new = text
            if bits & trimmed and int(leaf.field[row]) not in _UNTOUCHED:
                new, rules = self._trimmed(text, bits)
                counts.update(rules)
            if new != text:
                shorter[row] = new
            if not new:
                bad[row] = ("empty_after_cut", text)
            elif found := advert(new, [name for name in self.adverts if bits & BIT[name]]):
                bad[row] = found
        return shorter

    def _trimmed(self, text: str, bits: int) -> tuple[str, set[str]]:
        """Return a text without its apparatus and badges, and the rules that shortened it."""
        rules: set[str] = set()
        for _ in range(MAX_ROUNDS):
            before = text
            for name in self.cuts:
                if bits & BIT[name] and (shorter := cut(text, CUTS[name])) != text:
                    text = shorter
                    rules.add(name)
            if self.badges and bits & BIT["badge"] and (shorter := strip_badges(text)) != text:
                text = shorter
                rules.add("badge")
            if text == before:
                break
        return text, rules


class _Seen(NamedTuple):
    """bool[m] each: texts with characters amiss, perhaps markup, perhaps mojibake. cues: uint16[m],
    of which rules of :mod:`._site` there are cues."""

    amiss: np.ndarray
    markup: np.ndarray
    garbled: np.ndarray
    cues: np.ndarray


_UNTOUCHED = (TextField.TEXT, TextField.TITLE, TextField.REASONING)
"""Fields that no site puts something round."""
_RULES = ("mojibake", "entities", "tags", "control", "width", "spaces")
_MARKUP, _WESTERN, _GBK, _CUE = range(OTHER + 1, OTHER + 5)


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """Return uint8[0x110000]: the classes of characters, with what starts markup, mojibake and
    junk."""
    table = tables()[0].copy()
    for class_, points in (
        (_GBK, GBK_SIGNS),
        (_WESTERN, WESTERN_SIGNS),
        (_CUE, RARE),
        (_MARKUP, [ord(c) for c in "&<["]),
    ):
        table[list(points)] = class_
    return table


def warm() -> None:
    """Make the tables that are made once in a process."""
    _table()


def _replace(
    texts: pa.StringArray, rows: np.ndarray, values: list[str] | pa.Array
) -> pa.StringArray:
    """Return ``texts`` with ``values`` at ``rows`` (ascending)."""
    if not len(rows):
        return texts
    mask = np.zeros(len(texts), bool)
    mask[rows] = True
    if isinstance(values, list):
        values = pa.array(values, pa.string())
    return pc.replace_with_mask(texts, pa.array(mask), values)
