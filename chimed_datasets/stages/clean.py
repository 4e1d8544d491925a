"""Clean: encoding, HTML, characters and blanks of every text; junk of sites in bodies.

In this order: text decoded with the wrong encoding is put right, what stands for lost characters
(锟斤拷, ï¿½) becomes U+FFFD, memory that a program never set (烫烫烫) goes, blanks read as 聽聽聽
are one, escapes that were spelt out (``\\n``, ``\\u3000``) become what they stand for, HTML
entities and tags go, then control and zero-width characters; full-width letters and digits become
half-width while Chinese punctuation stays Chinese; runs of blanks become one, but tabs that part
columns on lines one under the other stay. A picture amid a value leaves its words (``alt``) or
[图]. A single space between Chinese characters stays: in the classics (449,000 of them in 60 M
characters) it parts drugs and verses. A text that changed is looked at again until nothing
changes: cleaning a cleaned text changes nothing.

What a site put round a text goes from bodies: everything from a marker on (``cuts``), and badges
at the ends (``badges``). Lines of the page at the end of a document or an answer go too
(``page_lines``), and adverts that are a line by themselves there; where nothing would be left, the
text stays whole and is judged. In a question and in a user's message the marker of what was added
to it (问题补充：) goes alone, with the page's date, and what follows stays. Documents are neither
cut nor rid of badges. An advert (``adverts``) in a document, title, question or message drops the
record; in an answer or a candidate reply it removes that answer, and drops the record where none
remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..records import Batch, Codepoints, TextField, codepoints, from_codepoints, ledger
from .text.answers import Reason, without_bad, without_explanations
from .text.characters import OTHER, look, normalise, tables
from .text.cues import BIT, RARE, cues_of
from .text.escapes import SIGNS, may_be_spelt, unescaped
from .text.leftovers import (
    LOST_SIGNS,
    MARK,
    MEMORY_SIGNS,
    is_nothing,
    marked_lost,
    without_memory,
)
from .text.markup import FENCE, PICTURE, strip_tags, unescape
from .text.mojibake import GBK_SIGNS, WESTERN_SIGNS, repair
from .text.page_lines import without_page_lines
from .text.site import ADDED, ADVERT_CUE, CUTS, advert, cut, joined, strip_badges

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

    mojibake: read text back that was decoded with the wrong encoding; mark what was lost by it.
    escapes:  undo escapes that were spelt out (``\\n``, ``\\u4e2d``). Code, LaTeX and paths stay.
    html:     turn entities into characters and take tags out. Texts with a Markdown code block
              (```) keep theirs, and their blanks.
    width:    map full-width letters and digits, and compatibility forms, to the ordinary ones.
    cuts:     which markers end an answer, or go from a question, by name (:data:`Cut`).
    badges:   strip marks such as 已采纳 and 医生回复： from the ends of a text.
    page_lines: take lines of the page (责任编辑：…, 查看更多, 转载请注明出处) from the end of
              documents and answers, where something is left.
    adverts:  which adverts are refused, by name (:data:`Advert`).

    Drops under the name of an advert rule, under ``empty_after_cut`` where a cut leaves nothing, or
    under ``lost_characters`` where a body holds nothing but lost characters or unset memory.
    ``counts``: the texts that each rule changed (``lost`` and ``memory`` belong to ``mojibake``);
    answers removed from records that go on, under ``advert_answer``, ``empty_answer`` and
    ``lost_answer``; explanations taken from exam items, under ``explanation``.
    """

    mojibake: bool = True
    escapes: bool = True
    html: bool = True
    width: bool = True
    cuts: tuple[Cut, ...] = get_args(Cut)
    badges: bool = True
    page_lines: bool = True
    adverts: tuple[Advert, ...] = get_args(Advert)
    name: ClassVar[str] = "clean"

    def __call__(self, batch: Batch) -> ledger.Result:
        leaf = batch.leaves
        counts: Counter[str] = Counter()
        texts, cues, broken = self._mended(leaf.texts, batch.points, counts)
        bad: dict[int, Reason] = {}
        for row in broken[leaf.body[broken]].tolist():
            if is_nothing(texts[row].as_py()):
                bad[row] = ("lost_characters", leaf.texts[row].as_py())
        site = (leaf.body | (leaf.field == TextField.TITLE)) & ~np.isin(leaf.field, _EXAM)
        rows = np.flatnonzero((cues > 0) & site)
        cues = cues[rows]
        for _ in range(MAX_ROUNDS):
            shorter = self._judge(batch, texts, rows, cues, bad, counts)
            if not shorter:
                break
            rows = np.array(list(shorter))  # what is left may be seen in another light
            cut_texts = pa.array(shorter.values(), pa.string())
            part, cues, _ = self._mended(cut_texts, codepoints(cut_texts), counts)
            texts = _replace(texts, rows, part)
            rows, cues = rows[cues > 0], cues[cues > 0]
        if texts is not leaf.texts:
            batch = batch.with_texts(texts)
        refused: dict[int, Reason] = {}
        batch, bad, explained = without_explanations(batch, bad)
        counts["explanation"] += sum(explained.values())
        batch, removed = without_bad(batch, bad, refused)
        for rule, n in removed.items():
            counts[_REMOVED.get(rule, "advert_answer")] += n
        return ledger.part(batch, self.name, refused, {r: n for r, n in counts.items() if n})

    # --- every text ----------------------------------------------------------------------------

    def _mended(
        self, texts: pa.StringArray, points: Codepoints, counts: Counter[str]
    ) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
        """Return the texts in order; uint16[m]: junk of which rules they may hold, by bits; and
        which of them held lost characters or unset memory, or mostly question marks.

        points: the code points of ``texts``.
        """
        cues = np.zeros(len(texts), np.uint16)
        changed = {rule: np.zeros(len(texts), bool) for rule in _RULES}
        index, current = np.arange(len(texts)), texts
        marked = np.zeros(len(texts), bool)
        for number in range(MAX_ROUNDS):
            seen = self._look(points)
            cues[index] = seen.cues
            if self.mojibake and not number:
                marked = (seen.marks >= 3) & (2 * seen.marks >= np.diff(points.offsets))
            work = np.flatnonzero(seen.amiss | (seen.todo > 0))
            if not len(work):
                break
            index, current = index[work], current.take(pa.array(work))
            new, rules = self._mend(current, seen.todo[work])
            differs = pc.not_equal(new, current).to_numpy(zero_copy_only=False)
            index, current = index[differs], new.filter(pa.array(differs))
            if not len(index):
                break
            points = codepoints(current)
            for rule, which in rules.items():
                changed[rule][index] |= which[differs]
            texts = _replace(texts, index, current)
        counts.update({rule: int(which.sum()) for rule, which in changed.items()})
        return texts, cues, np.flatnonzero(marked | changed["lost"] | changed["memory"])

    def _look(self, text: Codepoints) -> _Seen:
        """One look at all characters: which texts need what."""
        points, offsets = text
        at, classes, which, amiss = look(text, _table())
        todo = np.zeros(len(offsets) - 1, np.uint8)

        def after(signs: np.ndarray, number: int = 1) -> np.ndarray:
            behind: np.ndarray = points[np.minimum(signs + number, len(points) - 1)]
            return behind

        ours = np.flatnonzero(classes > OTHER)  # most are blanks
        at, classes, which = at[ours], classes[ours], which[ours]

        def found(*kinds: int) -> np.ndarray:
            return np.flatnonzero(np.isin(classes, kinds) if kinds[1:] else classes == kinds[0])

        if self.html:
            these = found(_MARKUP)
            signs = at[these]
            bracket = (points[signs] == ord("[")) & ~np.isin(after(signs), [ord(c) for c in "sS/"])
            todo[which[these[~bracket]]] |= _HTML
        if self.mojibake:
            garbled = np.zeros(len(todo), bool)
            garbled[which[found(_WESTERN, _LOST)]] = True
            count = np.bincount(which[found(_GBK)], minlength=len(todo))
            garbled |= (count >= 2) & (count * 8 >= np.diff(offsets))
            todo[garbled] |= _GARBLED
            these = found(_MEMORY)
            signs = at[these]
            thrice = (points[signs] == after(signs)) & (points[signs] == after(signs, 2))
            todo[which[these[thrice]]] |= _UNSET
        if self.escapes:
            these = found(_ESCAPE)
            signs = at[these]
            spelt = may_be_spelt(points[signs], *(after(signs, number) for number in (1, 2, 5)))
            todo[which[these[spelt]]] |= _SPELT
        marks = np.bincount(which[found(_MARK)], minlength=len(todo))
        return _Seen(amiss, todo, cues_of(text, at[found(_CUE)]), marks)

    def _mend(
        self, texts: pa.StringArray, todo: np.ndarray
    ) -> tuple[pa.StringArray, dict[str, np.ndarray]]:
        """Return the texts after one round, and which of them each rule changed.

        todo: uint8[m], what each is to be searched for, by bits.
        """
        changed = {rule: np.zeros(len(texts), bool) for rule in _RULES}
        rows = np.flatnonzero(todo)
        values = texts.take(pa.array(rows)).to_pylist()
        steps = [_steps(bits) for bits in range(2 * _HTML)]
        for i, (row, bits) in enumerate(zip(rows.tolist(), todo[rows].tolist(), strict=True)):
            value = values[i]
            if bits & _MARKED and FENCE in value:
                bits &= ~_MARKED
            for rule, step in steps[bits]:
                new = step(value)
                if new != value:
                    changed[rule][row] = True
                    if rule == "tags" and new.count(PICTURE) > value.count(PICTURE):
                        changed["pictures"][row] = True
                    value = new
            values[i] = value
        done = normalise(codepoints(_replace(texts, rows, values)), self.width)
        changed |= {rule: getattr(done, rule) for rule in ("control", "width", "spaces")}
        return from_codepoints(done.text), changed

    # --- junk of sites -------------------------------------------------------------------------

    def _judge(
        self,
        batch: Batch,
        texts: pa.StringArray,
        rows: np.ndarray,
        cues: np.ndarray,
        bad: dict[int, Reason],
        counts: Counter[str],
    ) -> dict[int, str]:
        """Return what is left of the texts that a site put something round; note the bad ones.

        cues: for each of ``rows``, which rules may match; no other is tried.
        """
        leaf = batch.leaves
        shorter: dict[int, str] = {}
        trimmed = sum(BIT[name] for name in ("badge", *self.cuts))
        ending = BIT["page_lines"] if self.page_lines else 0
        by_who = ending | sum(BIT[name] for name in ADDED)
        asked = _asked(batch) if (cues & by_who).any() else np.zeros(len(leaf.field), bool)
        asked, field = asked[rows], leaf.field[rows]
        trim = (cues & trimmed > 0) & ~np.isin(field, _UNTOUCHED)
        end = (cues & ending > 0) & ~asked & (field != TextField.TITLE)
        adverts = cues & sum(BIT[name] for name in self.adverts)
        work = np.flatnonzero(trim | end | (adverts > 0))
        names = {
            bits: [name for name in self.adverts if bits & BIT[name]]
            for bits in np.unique(adverts[work]).tolist()
        }
        columns = (a[work].tolist() for a in (rows, cues, asked, trim, end, adverts))
        found_in = texts.take(pa.array(rows[work])).to_pylist()
        for text, row, bits, is_asked, may_trim, may_end, selling in zip(
            found_in, *columns, strict=True
        ):
            new = text
            if may_trim:
                new, rules = self._trimmed(text, bits, is_asked)
                counts.update(rules)
            if may_end:
                kept = without_page_lines(new, self._is_advert)
                counts["page_lines"] += kept != new
                new = kept
            if new is not text and new != text:
                shorter[row] = new
            if not new:
                bad[row] = ("empty_after_cut", text)
            elif selling and (found := advert(new, names[selling])):
                bad[row] = found
        return shorter

    def _is_advert(self, line: str) -> bool:
        return bool(ADVERT_CUE.search(line)) and advert(line, self.adverts) is not None

    def _trimmed(self, text: str, bits: int, asked: bool) -> tuple[str, set[str]]:
        """Return a text without its apparatus and badges, and the rules that shortened it.

        asked: it is the asker's; what was added to it stays.
        """
        rules: set[str] = set()
        cuts = [name for name in self.cuts if bits & BIT[name]]
        for _ in range(MAX_ROUNDS):
            before = text
            for name in cuts:
                added = asked and name in ADDED
                if (shorter := joined(text, name) if added else cut(text, CUTS[name])) != text:
                    text = shorter
                    rules.add(name)
            if self.badges and bits & BIT["badge"] and (shorter := strip_badges(text)) != text:
                text = shorter
                rules.add("badge")
            if text == before:
                break
        return text, rules


class _Seen(NamedTuple):
    """amiss: bool[m], texts with characters amiss. todo: uint8[m], what they are searched for, by
    bits. cues: uint16[m], of which rules of :mod:`.text.site` there are cues. marks:
    int64[m], how many question marks each has."""

    amiss: np.ndarray
    todo: np.ndarray
    cues: np.ndarray
    marks: np.ndarray


_EXAM = (TextField.SHARED_STEM, TextField.STEM, TextField.OPTIONS)
_UNTOUCHED = (TextField.TEXT, TextField.TITLE, TextField.REASONING, *_EXAM, TextField.EXPLANATION)
"""Fields that no site puts something round."""
_REMOVED = {"empty_after_cut": "empty_answer", "lost_characters": "lost_answer"}
_GARBLED, _UNSET, _SPELT, _HTML = 1, 2, 4, 8
_STEPS = (
    (_GARBLED, "mojibake", repair),
    (_GARBLED, "lost", marked_lost),
    (_UNSET, "memory", without_memory),
    (_SPELT, "escapes", unescaped),
    (_HTML, "entities", unescape),
    (_HTML, "tags", strip_tags),
)
"""What is done to a text, in this order: for which bit, under which name, how."""
_MARKED = _SPELT | _HTML
"""What a Markdown code block may show."""
_RULES = (*(name for _, name, _ in _STEPS), "pictures", "control", "width", "spaces")
_MARKUP, _WESTERN, _GBK, _CUE, _LOST, _MEMORY, _ESCAPE, _MARK = range(OTHER + 1, OTHER + 9)


def _steps(bits: int) -> list[tuple[str, Callable[[str], str]]]:
    """Return (rule, step) of what ``bits`` ask for."""
    return [(rule, step) for bit, rule, step in _STEPS if bits & bit]


def _asked(batch: Batch) -> np.ndarray:
    """Return bool[m]: texts of who asks, questions and messages that are not an assistant's."""
    leaf = batch.leaves
    asked: np.ndarray = np.isin(leaf.field, (TextField.QUESTION, *_EXAM))
    messages = np.flatnonzero(leaf.field == TextField.MESSAGES)
    if len(messages):
        roles = batch.table.column("messages").flatten().field("role")
        asked[messages] = pc.not_equal(roles, "assistant").to_numpy(zero_copy_only=False)
    return asked


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """Return uint8[0x110000]: the classes of characters, with what starts markup, mojibake and
    junk."""
    table = tables()[0].copy()
    for class_, points in (
        (_GBK, GBK_SIGNS),
        (_WESTERN, WESTERN_SIGNS),
        (_CUE, RARE),
        (_MARKUP, map(ord, "&<[")),
        (_LOST, [ord(c) for c in LOST_SIGNS if ord(c) not in WESTERN_SIGNS]),
        (_MEMORY, map(ord, MEMORY_SIGNS)),
        (_ESCAPE, map(ord, SIGNS)),
        (_MARK, [ord(MARK)]),
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
