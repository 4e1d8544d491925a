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
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..records import Batch, Codepoints, TextField, codepoints, from_codepoints, ledger
from ..records.points import only, put, spliced
from .text.answers import Reason, good_answers, with_answers, without_explanations
from .text.characters import normalise
from .text.cues import BIT, OF_ADVERTS
from .text.escapes import unescaped
from .text.leftovers import is_nothing, marked_lost, without_memory
from .text.markup import FENCE, PICTURE, strip_tags, unescape
from .text.mojibake import repair, reread
from .text.page_lines import without_page_lines
from .text.seen import AS_GBK, GARBLED, HTML, SPELT, UNSET, seen, table
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
        rows, mended, cues, broken = self._mended(batch.points, counts)
        changed = _Changed(leaf.texts, rows, mended)
        bad: dict[int, Reason] = {}
        broken = broken[leaf.body[broken]]
        for row, text in zip(broken.tolist(), changed.texts(broken), strict=True):
            if is_nothing(text):
                bad[row] = ("lost_characters", leaf.texts[row].as_py())
        site = (leaf.body | (leaf.field == TextField.TITLE)) & ~np.isin(leaf.field, _EXAM)
        rows = np.flatnonzero((cues > 0) & site)
        cues = cues[rows]
        for _ in range(MAX_ROUNDS):
            shorter = self._judge(batch, changed, rows, cues, bad, counts)
            if not shorter:
                break
            rows = np.array(list(shorter))  # what is left may be seen in another light
            left = codepoints(pa.array(shorter.values(), pa.string()))
            at, mended, cues, _ = self._mended(left, counts)
            changed = changed.also(rows, spliced(left, at, mended))
            rows, cues = rows[cues > 0], cues[cues > 0]
        refused: dict[int, Reason] = {}
        explanations = leaf.field[list(bad)] == TextField.EXPLANATION
        waits = len(changed.rows) > 0  # what goes is not copied
        if waits and explanations.any():
            batch, waits = batch.with_leaves(changed.rows, changed.new), False
        batch, bad, explained = without_explanations(batch, bad)
        counts["explanation"] += sum(explained.values())
        stay, removed = good_answers(batch, bad, refused)
        if waits and stay:
            batch, waits = batch.with_leaves(changed.rows, changed.new), False
        batch = with_answers(batch, stay)
        for rule, n in removed.items():
            counts[_REMOVED.get(rule, "advert_answer")] += n
        told = {rule: n for rule, n in counts.items() if n}
        if not waits:
            return ledger.part(batch, self.name, refused, told)
        drops = ledger.rows(batch.table, self.name, refused)
        batch = batch.with_leaves(changed.rows, changed.new, refused)
        return ledger.Result(batch, drops, told)

    # --- every text ----------------------------------------------------------------------------

    def _mended(
        self, text: Codepoints, counts: Counter[str]
    ) -> tuple[np.ndarray, Codepoints, np.ndarray, np.ndarray]:
        """Return which of m texts are to be changed and what they become; uint16[m]: junk of which
        rules they may hold then, by bits; and which of them held lost characters or unset memory,
        or mostly question marks."""
        looks = seen(text)
        cues = looks.cues
        changed = {rule: np.zeros(len(cues), bool) for rule in _RULES}
        marked = np.zeros(len(cues), bool)
        if self.mojibake:
            marked = (looks.marks >= 3) & (2 * looks.marks >= np.diff(text.offsets))
        index, rounds = np.arange(len(cues)), []
        for number in range(MAX_ROUNDS):
            todo = looks.todo & self._bits
            work = looks.amiss | (todo > 0)
            if not work.any():
                break
            index = index[work]
            text, rules, differs = self._mend(only(text, work), todo[work])
            index, text = index[differs], only(text, differs)
            if not len(index):
                break
            rounds.append((index, text))
            for rule, which in rules.items():
                changed[rule][index] |= which[differs]
            if number + 1 < MAX_ROUNDS:
                looks = seen(text)
                cues[index] = looks.cues
        counts.update({rule: int(which.sum()) for rule, which in changed.items()})
        broken = np.flatnonzero(marked | changed["lost"] | changed["memory"])
        return *_last(rounds), cues, broken

    @property
    def _bits(self) -> np.uint8:
        """What texts are searched for."""
        mojibake, escapes, html = self.mojibake, self.escapes, self.html
        return np.uint8((GARBLED | AS_GBK | UNSET) * mojibake + SPELT * escapes + HTML * html)

    def _mend(
        self, text: Codepoints, todo: np.ndarray
    ) -> tuple[Codepoints, dict[str, np.ndarray], np.ndarray]:
        """Return the texts after one round, which of them each rule changed, and bool[m]: which
        became others by all of them.

        todo: uint8[m], what each is to be searched for, by bits.
        """
        changed = {rule: np.zeros(len(todo), bool) for rule in _RULES}
        rows = np.flatnonzero(todo)
        values = from_codepoints(only(text, todo > 0)).to_pylist()
        steps = [_steps(bits) for bits in range(2 * AS_GBK)]
        old, new = {}, {}
        for row, bits, before in zip(rows.tolist(), todo[rows].tolist(), values, strict=True):
            value = before
            if bits & _MARKED and FENCE in value:
                bits &= ~_MARKED
            for rule, step in steps[bits]:
                done = step(value)
                if done != value:
                    changed[rule][row] = True
                    if rule == "tags" and done.count(PICTURE) > value.count(PICTURE):
                        changed["pictures"][row] = True
                    value = done
            if value != before:
                old[row], new[row] = before, value
        rows = np.array(list(new), np.int64)
        if len(rows):
            text = spliced(text, rows, codepoints(pa.array(new.values(), pa.string())))
        text, *by_characters = normalise(text, self.width)
        differs = np.logical_or.reduce(by_characters)
        own = np.zeros(len(todo), bool)
        own[rows] = True
        for row, value in zip(old, from_codepoints(only(text, own)).to_pylist(), strict=True):
            differs[row] = value != old[row]
        return text, changed | dict(zip(_BY_CHARACTERS, by_characters, strict=True)), differs

    # --- junk of sites -------------------------------------------------------------------------

    def _judge(
        self,
        batch: Batch,
        changed: _Changed,
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
        for text, row, bits, is_asked, may_trim, may_end, selling in zip(
            changed.texts(rows[work]), *columns, strict=True
        ):
            new = text
            if may_trim:
                new, rules = self._trimmed(text, bits, is_asked)
                counts.update(rules)
            if may_end:
                sells = self._is_advert if bits & OF_ADVERTS else _is_none
                kept = without_page_lines(new, sells)
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


class _Changed(NamedTuple):
    """The texts ``old``, of which those at ``rows`` (int64, ascending) became ``new``."""

    old: pa.StringArray
    rows: np.ndarray
    new: Codepoints

    def texts(self, rows: np.ndarray) -> list[str]:
        """Return what the texts at ``rows`` (ascending, none null) are now."""
        found = self.old.take(pa.array(rows))
        own = np.flatnonzero(np.isin(rows, self.rows))
        if not len(own):
            return found.to_pylist()  # type: ignore[no-any-return]
        new = from_codepoints(only(self.new, np.isin(self.rows, rows)))
        texts: list[str] = put(found, own, new).to_pylist()
        return texts

    def also(self, rows: np.ndarray, new: Codepoints) -> _Changed:
        """Return the same with the texts ``new`` at ``rows`` (ascending)."""
        every = np.union1d(self.rows, rows)
        text = Codepoints(new.points[:0], np.zeros(len(every) + 1, np.int64))
        for some, texts in ((self.rows, self.new), (rows, new)):
            text = spliced(text, np.searchsorted(every, some), texts)
        return self._replace(rows=every, new=text)


def _is_none(line: str) -> bool:
    """Whether a line of a text without a cue of adverts is one."""
    return False


def _last(rounds: list[tuple[np.ndarray, Codepoints]]) -> tuple[np.ndarray, Codepoints]:
    """Return the texts of the first of ``rounds``, each as it was in its last one."""
    if not rounds:
        return np.zeros(0, np.int64), Codepoints(np.zeros(0, np.uint32), np.zeros(1, np.int64))
    index, text = rounds[-1]
    for before, earlier in reversed(rounds[:-1]):
        index, text = before, spliced(earlier, np.searchsorted(before, index), text)
    return index, text


_EXAM = (TextField.SHARED_STEM, TextField.STEM, TextField.OPTIONS)
_UNTOUCHED = (TextField.TEXT, TextField.TITLE, TextField.REASONING, *_EXAM, TextField.EXPLANATION)
"""Fields that no site puts something round."""
_REMOVED = {"empty_after_cut": "empty_answer", "lost_characters": "lost_answer"}
_STEPS = (
    (GARBLED, "mojibake", repair),
    (AS_GBK, "mojibake", reread),
    (GARBLED | AS_GBK, "lost", marked_lost),
    (UNSET, "memory", without_memory),
    (SPELT, "escapes", unescaped),
    (HTML, "entities", unescape),
    (HTML, "tags", strip_tags),
)
"""What is done to a text, in this order: for which bit, under which name, how."""
_MARKED = SPELT | HTML
"""What a Markdown code block may show."""
_BY_CHARACTERS = ("control", "width", "spaces")
_RULES = (*dict.fromkeys(name for _, name, _ in _STEPS), "pictures", *_BY_CHARACTERS)


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


def warm() -> None:
    """Make the tables that are made once in a process."""
    table()
