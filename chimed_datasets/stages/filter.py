"""Filter: refuse texts that are empty, too short, not Chinese, repetition, symbols, or say nothing.

Every figure is taken over the code points of a whole batch; only texts that a first look suspects
are measured one by one. Lengths count characters that are no blanks.

A document, question or message that fails drops its record. An answer or candidate reply that
fails goes alone, and its record with the last one; so does an explanation of an exam item, and the
item stays. Of its options none is too short, and none counts for the language.

The share of Chinese is judged over all that is left of a record's body: an answer of drug names and
doses stays beside its Chinese question.
Figures, units, abbreviations and the signs of a table do not count against a text, a name in Latin
letters counts half, and a rule of ==== or a cry of 呀呀呀 counts as one sign.

Texts that say nothing are refused by rules of their own (``no_content``), and where none of them
judges, by a classifier (:mod:`.text.no_content`). Such a text holds nothing else: advice behind a
refusal, or a word of the law within an article, keeps it. In a talk of several replies only a
refusal, a deleted text, lost characters and another language count, since 收到 and 请描述症状 are
part of a talk.

Thresholds were set so as to spare what a reader would keep of 111,933 sections of classics, 38,975
encyclopedia entries, 33,315 question-answer pairs, dialogues and commentaries, and 1,575 general
prompts with 5,574 rival replies. They drop there
    too_short    1,705 sections (headings, 见肺寒。), 8 commentaries, 3 pairs
    low_chinese  25 general prompts (code, English)
    symbols      1 section (lost glyphs), 1 prompt
    repetition   1 prompt
    cut_off      1 pair (一、药物治疗：)
    template     2 prompts
    refusal      1 prompt
no other record, and 50 or so of the rival replies (19 refusals, 9 too short, 7 templates).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ..loops import compiled
from ..records import Batch, Codepoints, Leaves, TextField, counts_of, ledger, look_up, sums
from .text import empty_talk, no_content, scraps
from .text.answers import Reason, without_bad, without_explanations
from .text.characters import NEWLINE, texts_at
from .text.figures import chinese_share, without_rules
from .text.grams import gram_hashes, select, taken
from .text.patterns import pattern

Share = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[int, Field(ge=0)]
NoContent = Literal[
    "refusal",
    "deleted",
    "pointer",
    "echo",
    "template",
    "cut_off",
    "navigation",
    "legal",
    "keywords",
    "lost_characters",
    "other_language",
    "advert",
    "spam",
]

NGRAM, MIN_CHARS = 8, 50
MIN_RUN = 10
MIN_LINES = 4
_BLOCK = 1 << 15
"""Characters looked at at a time, so that they stay in a core's own cache."""


@dataclass(frozen=True)
class Filter:
    """Refuse texts by measured figures; see the module. A threshold of 0 (or 1 for a ``max_``)
    switches a rule off.

    min_document_chars, min_question_chars, min_answer_chars, min_message_chars
        Fewest characters (``too_short``; ``empty`` where there are none). A thread's title counts
        with its question; candidates are answers. 好的。, 是的 and 不用谢 pass. Of the classics'
        sections with 10 to 19 characters most are whole (阳明之为病，胃家实是也); shorter ones
        mostly point elsewhere (见肝散。).
    max_chars
        Most characters of any text (``too_long``), reasoning included; the other rules leave that
        out.
    min_chinese_ratio
        Fewest Chinese characters among those, letters and digits, over a record's body
        (``low_chinese``).
    max_symbol_ratio
        Most symbols (not letters, digits, blanks or punctuation) among a text's characters, from 20
        characters on (``symbols``).
    max_repetition
        Most 8-grams of characters (blanks left out) that stood in the text before, from 50
        characters on (``repetition``). A text written twice has about 0.5.
    max_line_repetition
        Most characters in lines that stood in the text before, from 4 lines on
        (``line_repetition``).
    max_run
        Most that one character repeated 10 times or more makes up of a text (``run``).

    no_content
        Which texts that say nothing are refused, by name: ``refusal`` (a model that declines),
        ``deleted`` (此回答已被删除), ``pointer`` (同上, 沙发), ``echo`` (a reply that repeats the
        question, or one word), ``template`` (您的提问已收到), ``cut_off`` (a reply that ends before
        it says anything), ``navigation`` (menus), ``legal`` (notices), ``keywords`` (search words),
        ``lost_characters``, ``other_language`` (Japanese, Korean), ``advert``, ``spam``. The
        evidence of the classifier is a score.

    A reply of one letter stays where the question has options, 对 and × where it asks to judge.
    A dialogue must have a turn of the user (``no_user_turn``) and end with the assistant unless
    candidates reply to it (``no_reply``); a thread must have an answer (``no_answer``).
    ``counts``: answers removed from records that go on, as ``too_short_answer``; explanations taken
    from exam items, as ``repetition_explanation``.
    """

    min_document_chars: Length = 10
    min_question_chars: Length = 2
    min_answer_chars: Length = 2
    min_message_chars: Length = 1
    max_chars: Annotated[int, Field(ge=1)] = 2_000_000
    min_chinese_ratio: Share = 0.3
    max_symbol_ratio: Share = 0.3
    max_repetition: Share = 0.6
    max_line_repetition: Share = 0.5
    max_run: Share = 0.5
    no_content: tuple[NoContent, ...] = get_args(NoContent)
    name: ClassVar[str] = "filter"

    def __call__(self, batch: Batch) -> ledger.Result:
        leaf = batch.leaves
        judged = int((leaf.field <= TextField.TITLE).sum())  # bodies stand first, then titles
        points, offsets = batch.points
        leaf = Leaves(leaf.texts.slice(0, judged), leaf.row[:judged], leaf.field[:judged])
        text = Codepoints(points[: offsets[judged]], offsets[: judged + 1])
        counts = counts_of(text, _counted())
        han, letters, symbols = (counts[:, kind] for kind in (HAN, LETTER, SYMBOL))
        line_ends = counts[:, _LINE_END]
        size = np.diff(text.offsets) - counts[:, BLANK] - line_ends
        asked = _Asked.of(batch, leaf)
        bad: dict[int, Reason] = {}
        for rule in (
            self._by_length(leaf, size, asked),
            self._by_symbols(leaf, size, symbols),
            self._by_runs(leaf, text, size),
            self._by_repetition(_without_blanks(text)),
            self._by_lines(leaf, text, line_ends),
            self._by_content(leaf, text, size, han, asked),
        ):
            for at, reason in rule:
                if _is_judged(int(leaf.field[at]), reason):
                    bad.setdefault(at, reason)
        refused = _broken(batch)
        self._judge_records(leaf, size, han, letters, bad, refused)
        batch, bad, explained = without_explanations(batch, bad)
        batch, removed = without_bad(batch, bad, refused)
        told = {f"{rule}_answer": n for rule, n in removed.items()}
        told |= {f"{rule}_explanation": n for rule, n in explained.items()}
        return ledger.part(batch, self.name, refused, told)

    # --- a record as a whole --------------------------------------------------------------------

    def _judge_records(
        self,
        leaf: Leaves,
        size: np.ndarray,
        han: np.ndarray,
        letters: np.ndarray,
        bad: dict[int, Reason],
        refused: dict[int, Reason],
    ) -> None:
        """Judge what will be left of each record; one without any text is empty, no more."""
        left = leaf.body & (size > 0) & ~np.isin(leaf.field, _NOT_SPOKEN)
        left[[at for at in bad if leaf.field[at] in _GOES_ALONE]] = False
        chinese = np.bincount(leaf.row[left], han[left])
        ratio = chinese / np.maximum(chinese + np.bincount(leaf.row[left], letters[left]), 1)
        written = np.bincount(leaf.row[left]) > 0
        for row in np.flatnonzero(written & (ratio < self.min_chinese_ratio)).tolist():
            texts = leaf.texts.take(pa.array(np.flatnonzero(left & (leaf.row == row))))
            if chinese_share(texts.to_pylist()) >= self.min_chinese_ratio:
                continue
            figure = f"chinese_ratio {ratio[row]:.2f} < {self.min_chinese_ratio:g}"
            refused.setdefault(row, ("low_chinese", figure))

    # --- a text by itself ------------------------------------------------------------------------

    def _by_length(self, leaf: Leaves, size: np.ndarray, asked: _Asked) -> Judged:
        bounds = {
            TextField.TEXT: self.min_document_chars,
            TextField.QUESTION: self.min_question_chars,
            TextField.ANSWERS: self.min_answer_chars,
            TextField.MESSAGES: self.min_message_chars,
            TextField.CANDIDATES: self.min_answer_chars,
            TextField.STEM: self.min_question_chars,
        }
        least = np.array([bounds.get(field, 0) for field in TextField])[leaf.field]
        titles = leaf.field == TextField.TITLE
        if titles.any():
            size = size.copy()
            questions = leaf.field == TextField.QUESTION
            if questions.any():  # a document's title does not count
                size[questions] += np.bincount(leaf.row[titles], size[titles]).astype(np.int64)
        optional = titles | np.isin(leaf.field, _OPTIONAL)
        for at in np.flatnonzero(((size < least) | (size == 0)) & ~optional).tolist():
            if size[at]:
                said = leaf.texts[at].as_py()
                if asked.by[at] >= 0 and is_choice(said, asked.text(at)):
                    continue
                yield at, ("too_short", f"{size[at]} characters < {least[at]}: {said}")
            else:
                name = TextField(leaf.field[at]).column.removesuffix("s")
                yield at, ("empty", f"no {name}")
        for at in np.flatnonzero(size > self.max_chars).tolist():
            yield at, ("too_long", f"{size[at]:,} characters > {self.max_chars:,}")

    def _by_symbols(self, leaf: Leaves, size: np.ndarray, symbols: np.ndarray) -> Judged:
        share = symbols / np.maximum(size, 1)
        for at in np.flatnonzero((size >= 20) & (share > self.max_symbol_ratio)).tolist():
            kinds = _kinds(without_rules(leaf.texts[at].as_py()))
            words = np.isin(kinds, (HAN, LETTER)).sum()
            if words and (kinds == SYMBOL).sum() <= self.max_symbol_ratio * (kinds != BLANK).sum():
                continue
            yield at, ("symbols", f"symbol_ratio {share[at]:.2f} > {self.max_symbol_ratio:g}")

    def _by_runs(self, leaf: Leaves, text: Codepoints, size: np.ndarray) -> Judged:
        for at in _suspected_runs(text).tolist():
            runs = [m[0] for m in _RUN.finditer(leaf.texts[at].as_py())]
            longest = max(runs, key=len, default="")
            share = len(longest) / max(size[at], 1)
            if share > self.max_run and not self._is_cry(leaf.texts[at].as_py(), longest):
                figure = f"{longest[0]} × {len(longest)}, {share:.2f} > {self.max_run:g}"
                yield at, ("run", figure)

    def _is_drawn_out(self, text: str) -> bool:
        run = _RUN.search(text)
        return bool(run and self._is_cry(text, run[0]))

    @staticmethod
    def _is_cry(text: str, run: str) -> bool:
        """Tell whether a run is drawn out (痒呀呀呀, ====) and something is said beside it. Letters
        and figures that repeat are leftovers of data."""
        kinds = _kinds(text)
        beside = (kinds == HAN).sum() - len(run) * (kind_table()[ord(run[0])] == HAN)
        return bool(kind_table()[ord(run[0])] != LETTER and beside >= LEAST_SAID)

    def _by_content(
        self, leaf: Leaves, points: Codepoints, size: np.ndarray, han: np.ndarray, asked: _Asked
    ) -> Judged:
        """Judge short texts by what they say."""
        if not self.no_content:
            return
        spoken = (asked.by >= 0) | (leaf.field == TextField.TEXT)
        short = leaf.body & (size > 0) & (size <= empty_talk.MOST)
        odd = counts_of(points, _odd_characters())[:, 1]
        for at in np.flatnonzero(short & (odd > scraps.LEAST_ODD * size)).tolist():
            text = leaf.texts[at].as_py()
            if "lost_characters" in self.no_content and (figure := scraps.lost_share(text)):
                yield at, ("lost_characters", f"{figure}: {text}")
            elif "other_language" in self.no_content and scraps.is_foreign(text):
                yield at, ("other_language", text)
        # In a talk of several replies, and of rival replies, one that says little has its place.
        weighed = asked.single & (leaf.field != TextField.CANDIDATES)
        for at, score, kind in _suspects(points, np.flatnonzero(short & spoken), asked.by >= 0):
            # kind: "" where the classifier only suspects that the text says nothing.
            text, question = leaf.texts[at].as_py(), asked.text(at)
            if (question and is_choice(text, question)) or self._is_drawn_out(text):
                continue
            if name := self._says_nothing(text, question, bool(asked.single[at])):
                yield at, (name, text)
            elif kind in self.no_content and weighed[at] and _may_be(kind, text.strip(), question):
                yield at, (kind, f"score {score:g}: {text}")
        replies = np.flatnonzero((asked.by >= 0) & asked.single & short)
        if "echo" in self.no_content:
            # What repeats a question has its characters, once or more.
            of = han[asked.by[replies]]
            again = (of > 0) & (han[replies] >= of) & (han[replies] <= 3 * of + 1)
            again &= han[replies] % np.maximum(of, 1) <= 1
            for at in replies[again | _said_twice(points, replies)].tolist():
                said = leaf.texts[at].as_py()
                if scraps.is_echo(said, asked.text(at)):
                    yield at, ("echo", said)
            documents = np.flatnonzero(short & (leaf.field == TextField.TEXT))
            for at in documents[_said_twice(points, documents)].tolist():
                said = leaf.texts[at].as_py()
                if scraps.is_one_word(said):
                    yield at, ("echo", said)
        if "cut_off" in self.no_content:
            short_ones = replies[size[replies] <= scraps.BROKEN_MOST]
            last = points.points[points.offsets[short_ones + 1] - 1]
            for at in short_ones[~np.isin(last, _CLOSED)].tolist():
                text = leaf.texts[at].as_py()
                if scraps.breaks_off(text):
                    yield at, ("cut_off", text)

    def _says_nothing(self, text: str, asked: str, single: bool) -> str | None:
        """Return the rule by which a text says nothing, of those that are switched on."""
        head = text[: empty_talk.HEAD]
        for name, cue in _CUES.items():
            is_on = name in self.no_content and (single or name in _ANYWHERE)
            if not is_on or not cue.search(head):
                continue
            if name == "keywords":
                if scraps.is_search_words(text):
                    return name
            elif name == "template" and empty_talk.is_greeting(asked):
                continue
            elif empty_talk.says_nothing(text, name, asked):
                return name
        return None

    def _by_repetition(self, text: Codepoints) -> Judged:
        suspected = suspected_repetition(text, self.max_repetition / 2)
        grams = np.diff(text.offsets)[suspected] - NGRAM + 1
        shares = 1 - different_grams(text, suspected) / grams
        for at, share in zip(suspected.tolist(), shares.tolist(), strict=True):
            if share > self.max_repetition:
                figure = f"repeated {NGRAM}-grams {share:.2f} > {self.max_repetition:g}"
                yield at, ("repetition", figure)

    def _by_lines(self, leaf: Leaves, text: Codepoints, line_ends: np.ndarray) -> Judged:
        written, new = line_sizes(leaf.texts, text, line_ends)
        share = 1 - new / np.maximum(written, 1)
        share[line_ends < MIN_LINES - 1] = 0
        for at in np.flatnonzero(share > self.max_line_repetition).tolist():
            figure = f"repeated lines {share[at]:.2f} > {self.max_line_repetition:g}"
            yield at, ("line_repetition", figure)


Judged = Iterator[tuple[int, Reason]]


def _is_judged(field: int, reason: Reason) -> bool:
    """A title is judged with its question. A trace may be in another language, or turn round: only
    its length is judged here, the rest becomes a flag of its row. An option of an exam may be a
    letter, a number or a name: it must only be there, and whole."""
    if field == TextField.OPTIONS:
        return reason[0] in ("empty", "too_long", "lost_characters")
    return field != TextField.TITLE and (field != TextField.REASONING or reason[0] == "too_long")


_NOT_SPOKEN = (TextField.REASONING, TextField.OPTIONS)
"""Fields that do not count for the language of a record."""
_OPTIONAL = (TextField.SHARED_STEM, TextField.EXPLANATION)
"""Fields that an exam item may do without."""
_GOES_ALONE = (TextField.ANSWERS, TextField.CANDIDATES)
_ANYWHERE = ("refusal", "deleted", "lost_characters", "other_language")
"""Rules that judge every reply of a dialogue; by the others a single reply alone is judged, since a
talk may well hold 收到, 谢谢 or 请描述症状."""
_CLOSED = np.array([ord(c) for c in '。！？!?~～…”"』」）)'], np.uint32)
"""What a whole sentence ends with."""
LEAST_SAID = 4
"""Chinese characters beside a run that make a text."""
_CUES = {name: pattern(rule.cues) for name, rule in empty_talk.RULES.items()}
_CUES["keywords"] = pattern(scraps.KEYWORD_CUES)


def _suspects(
    points: Codepoints, at: np.ndarray, reply: np.ndarray
) -> Iterator[tuple[int, float, str]]:
    """Yield the texts, of ``at``, that may say nothing: their place, score and kind, "" where the
    score is below that kind's cut."""
    if not len(at):
        return
    model = no_content.model()
    may = at[no_content.suspects(points, model, at)]
    least = model.cut.min() - _DOUBT
    verdicts = no_content.judge(no_content.fold(taken(points, may)), reply[may], least, model)
    for i, score, kind in zip(*(column.tolist() for column in verdicts), strict=True):
        yield int(may[i]), score, model.kinds[kind] if score >= model.cut[kind] else ""


def _may_be(kind: str, text: str, question: str) -> bool:
    """Tell whether a verdict of the classifier stands: not on a word or on more than it learned
    from, nor that a whole sentence or a table breaks off, that Chinese is lost characters, or that
    a greeting answers no greeting."""
    if not no_content.LEAST <= len(text) <= no_content.MOST:
        return False
    if kind == "legal" and not _CUES["legal"].search(text):
        return False  # a notice that tells people what to do
    if kind == "cut_off" and (ord(text[-1]) in _CLOSED or text[-1] in "|｜"):
        return False
    if kind == "lost_characters" and _han_share(text) > _READABLE:
        return False
    return not empty_talk.is_greeting(question)


def _han_share(text: str) -> float:
    kinds = _kinds(text)
    return float((kinds == HAN).sum() / max((kinds != SIGN).sum(), 1))


_READABLE = 0.8
"""With more Chinese characters than this a text may be of rare ones; misread ones have a rule."""
_DOUBT = 3.0
"""How far below the cut a text may be that a rule refuses."""


@lru_cache(maxsize=1)
def _counted() -> np.ndarray:
    """uint8[0x110000]: :func:`kind_table`, with a kind of its own for the end of a line."""
    kinds = kind_table().copy()
    kinds[NEWLINE] = _LINE_END
    return kinds


@lru_cache(maxsize=1)
def _no_blank() -> np.ndarray:
    """bool[0x110000], false for what counts as a blank."""
    table: np.ndarray = kind_table() != BLANK
    return table


def _without_blanks(text: Codepoints) -> Codepoints:
    if loops := compiled():
        return Codepoints(*loops.left(*text, _no_blank()))
    return select(text, look_up(_no_blank(), text.points))


@lru_cache(maxsize=1)
def _odd_characters() -> np.ndarray:
    """uint8[0x110000]: 1 for what lost or misread characters, or kana and hangul, look like."""
    table = np.zeros(0x110000, np.uint8)
    table[[*map(ord, scraps.ODD)]] = 1
    for first, last in scraps.KANA_AND_HANGUL:
        table[first : last + 1] = 1
    return table


class _Asked(NamedTuple):
    """What each text replies to.

    texts:  all texts.
    by:     int64[m], the text that a reply answers; -1 where a text is no reply.
    single: bool[m], false for the replies of a dialogue that has several.
    """

    texts: pa.StringArray
    by: np.ndarray
    single: np.ndarray

    @classmethod
    def of(cls, batch: Batch, leaf: Leaves) -> _Asked:
        by = np.full(len(leaf.row), -1, np.int64)
        single = np.ones(len(leaf.row), bool)
        last = np.full(batch.num_rows, -1, np.int64)
        asks = TextField.MESSAGES if batch.kind == "dialogue" else TextField.QUESTION
        asking = np.flatnonzero(leaf.field == asks)
        if batch.kind == "dialogue" and len(asking):
            roles = pc.struct_field(batch.table["messages"].flatten(), "role")
            answers = _equal(roles, "assistant")
            after = answers.copy()
            after[0] = False
            after[1:] &= leaf.row[asking[1:]] == leaf.row[asking[:-1]]
            replies = asking[after]
            by[replies] = replies - 1
            # Rival replies go on with the talk: they are one reply more.
            rivals = leaf.row[leaf.field == TextField.CANDIDATES]
            replied = np.bincount(leaf.row[asking[answers]], minlength=batch.num_rows)
            many = replied + (np.bincount(rivals, minlength=batch.num_rows) > 0) > 1
            single[asking] = ~many[leaf.row[asking]]
        last[leaf.row[asking]] = asking  # the last of a record stays
        replies = np.flatnonzero(np.isin(leaf.field, _GOES_ALONE))
        by[replies] = last[leaf.row[replies]]
        return cls(leaf.texts, by, single)

    def text(self, at: int) -> str:
        """Return what the text ``at`` replies to; empty where it is no reply."""
        return self.texts[int(self.by[at])].as_py() if self.by[at] >= 0 else ""


_OPTION = re.compile(
    r"(?<![A-Za-z0-9])[A-Ha-h](?=\s*[.．、:：)）\u4e00-\u9fff0-9])|[①②③④⑤⑥]"
    r"|(?<![0-9])[1-9](?=[.．、)）])"
)
_TO_JUDGE = re.compile(
    r"判断|对错|是否|正误|正确|错误|[对是]还是|吗|么(?=[?？]|$)|[是能会可有要用]不[是能会可要用]"
    r"|有没有|[（(]\s*[)）]|[√×]"
)
_CHOICE = re.compile(r"[A-Ha-h]{1,6}|[①②③④⑤⑥]{1,5}|[1-9]{1,5}")
_VERDICT = re.compile(r"[对错是否能会有无可行要别没不忌禁宜×√✓✗✔✘TF]")


def is_choice(said: str, asked: str) -> bool:
    """Tell whether a reply names an option of a question, or judges what it states."""
    said = "".join(c for c in said if c.isalnum() or c in "×√✓✗✔✘")
    if _CHOICE.fullmatch(said):
        return len(set(_OPTION.findall(asked))) > 1
    return bool(_VERDICT.fullmatch(said) and _TO_JUDGE.search(asked))


HAN, BLANK, LETTER, SYMBOL, SIGN, _LINE_END = range(6)


_ASSIGNED = ((0, 0x20000), (0x2F800, 0x2FA20), (0xE0000, 0xE0200))
"""Where there are characters other than those set by hand; the rest is empty or private."""


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    _counted()
    _no_blank()
    _odd_characters()
    no_content.warm()


@lru_cache(maxsize=1)
def kind_table() -> np.ndarray:
    """uint8[0x110000]: blank, Chinese character, letter or digit, symbol, punctuation.

    By Unicode's general categories; what is unassigned, private or a control counts as a symbol.
    """
    of_category = {"L": LETTER, "M": LETTER, "N": LETTER, "P": SIGN, "Z": BLANK}
    kinds = np.full(0x110000, SYMBOL, np.uint8)
    for first, last in _ASSIGNED:
        category = map(unicodedata.category, map(chr, range(first, last)))
        kinds[first:last] = [of_category.get(c[0], SYMBOL) for c in category]
    kinds[0x3400:0x4DC0] = kinds[0x4E00:0xA000] = kinds[0xF900:0xFB00] = HAN
    kinds[0x20000:0x40000] = HAN
    kinds[ord("〇")] = HAN
    kinds[[0x09, 0x0A, 0x0D]] = BLANK
    return kinds


# --- a first look at all texts -------------------------------------------------------------------

_RUN = re.compile(rf"(\S)\1{{{MIN_RUN - 1},}}")


def _kinds(text: str) -> np.ndarray:
    """Return the kind of each character of a text, by :func:`kind_table`."""
    points: np.ndarray = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    kinds: np.ndarray = kind_table()[points]
    return kinds


def _said_twice(text: Codepoints, which: np.ndarray) -> np.ndarray:
    """Return bool: which of the texts ``which`` begin with a phrase said twice."""
    points, offsets = text
    begin, size = offsets[which], np.diff(offsets)[which]
    found = np.zeros(len(which), bool)
    long = np.flatnonzero(size > scraps.LEAST_AGAIN)
    first = begin[long]
    for length in range(1, scraps.LEAST_AGAIN):
        same = points[first] == points[first + length]
        found[long] |= same & (points[first + 1] == points[first + 1 + length])
    return found


def _suspected_runs(text: Codepoints) -> np.ndarray:
    """Return the texts that may hold one character 9 times in a row."""
    if loops := compiled():
        return np.flatnonzero(loops.runs(*text, MIN_RUN - 1))
    # Two in a row, then of two such neighbours three, of two such five, of two such nine.
    same = text.points[1:] == text.points[:-1]
    for step in (1, 2, 4):
        same = same[step:] & same[:-step]
    return np.unique(texts_at(np.flatnonzero(same), text.offsets))


def suspected_repetition(text: Codepoints, share: float) -> np.ndarray:
    """Return the texts of 50 characters or more in which more than ``share`` of a sample of 8-grams
    repeats, or any of it in a short text, whose sample is small.

    The sample is every 8-gram whose hash is the least within 7 places on either side: wherever a
    passage comes again, so do its samples. The 7 windows across the end of a text hold no hash, so
    what stands beside a text in the batch has no say.
    """
    samples, again = _repeats(text)
    allowed = share * samples
    allowed[np.diff(text.offsets) < 8 * MIN_CHARS] = 0
    return np.flatnonzero(again > allowed)


def _repeats(text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[m] twice: the size of each text's sample, and how much of it repeats; of a text
    below 50 characters 0."""
    points, offsets = text
    if loops := compiled():
        return loops.repeats(points, offsets, MIN_CHARS)
    if len(points) < NGRAM:
        nothing = np.zeros(len(offsets) - 1, np.int64)
        return nothing, nothing
    # ``hashes`` has ``reach`` empty places before and after ``grams``, which is a view of it.
    none, reach = np.uint32(0xFFFFFFFF), NGRAM - 1
    hashes = np.full(len(points) + reach, none)
    grams = hashes[reach:-reach]
    grams[:] = gram_hashes(points, NGRAM)
    crossing = offsets[1:-1, None] - np.arange(1, NGRAM)
    grams[crossing[(crossing >= 0) & (crossing < len(grams))]] = none
    found = [np.zeros(0, np.int64)]
    for begin in range(0, len(grams), _BLOCK):
        # The least of a window of 2 * reach + 1 = 15 by doubling: 2, 4, 8, then 8 + 7.
        least = hashes[begin : begin + _BLOCK + 2 * reach]
        for step in (1, 2, 4, 7):
            least = np.minimum(least[step:], least[:-step])
        here = grams[begin : begin + _BLOCK]
        found.append(begin + np.flatnonzero((here == least) & (here != none)))
    at = np.concatenate(found)
    of, size = texts_at(at, offsets), np.diff(offsets)
    long = (size >= MIN_CHARS)[of]
    # Text and hash in one number: in sorted order what comes again stands beside its twin.
    keys = np.sort(of[long] << 32 | grams[at[long]])
    again = keys[1:][keys[1:] == keys[:-1]] >> 32
    return np.bincount(of[long], minlength=len(size)), np.bincount(again, minlength=len(size))


def different_grams(text: Codepoints, at: np.ndarray) -> np.ndarray:
    """Return int64: how many different 8-grams the texts ``at`` (int64) have, by their hashes."""
    if loops := compiled():
        return loops.different(*text, at, NGRAM)
    starts, ends = text.offsets[at].tolist(), text.offsets[at + 1].tolist()
    hashes = [
        gram_hashes(text.points[start:end], NGRAM, np.uint64)
        for start, end in zip(starts, ends, strict=True)
    ]
    return np.array([len(np.unique(some)) for some in hashes], np.int64)


def line_sizes(
    texts: pa.StringArray, text: Codepoints, line_ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[m] twice: how many characters the lines of each text of 4 lines or more have,
    and how many those that did not stand in it before; 0 of another.

    text: the characters of ``texts``. line_ends: int64[m], how many lines end in each.
    """
    if loops := compiled():
        most = int(line_ends.max(initial=0)) + 1
        return loops.lines(*text, NEWLINE, MIN_LINES, most)
    many = np.flatnonzero(line_ends >= MIN_LINES - 1)
    lines = pc.split_pattern(texts.take(pa.array(many)), "\n")
    written = lines.flatten()
    # Equal lines have equal codes: of each text and code the first is new, others repeat it.
    code = written.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    of = many[np.repeat(np.arange(len(many)), pc.list_value_length(lines))]
    chars = pc.utf8_length(written).to_numpy(zero_copy_only=False)
    _, first = np.unique(of << 32 | code, return_index=True)
    total = np.bincount(of, chars, len(texts)).astype(np.int64)
    return total, np.bincount(of[first], chars[first], len(texts)).astype(np.int64)


# --- what becomes of a record --------------------------------------------------------------------


def _broken(batch: Batch) -> dict[int, Reason]:
    """Return the records that lack a part: row -> reason."""
    refused: dict[int, Reason] = {}
    table = batch.table
    if batch.kind == "thread":
        answers = pc.list_value_length(table["answers"]).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(answers == 0).tolist():
            refused[row] = ("no_answer", "0 answers")
    elif batch.kind == "dialogue":
        counts, rivals = (
            pc.list_value_length(table[name]).to_numpy(zero_copy_only=False)
            for name in ("messages", "candidates")
        )
        roles = pc.struct_field(table["messages"].flatten(), "role")
        ends = np.cumsum(counts)
        users = sums(_equal(roles, "user"), np.append(0, ends))
        for row in np.flatnonzero(users == 0).tolist():
            refused[row] = ("no_user_turn", f"{counts[row]} messages, none of the user's")
        replied = np.ones(batch.num_rows, bool)
        replied[counts > 0] = _equal(roles, "assistant")[ends[counts > 0] - 1]
        for row in np.flatnonzero(~replied & (rivals == 0)).tolist():
            last = roles[ends[row] - 1]
            refused.setdefault(row, ("no_reply", f"the last message is the {last}'s"))
    return refused


def _equal(values: pa.Array, to: str) -> np.ndarray:
    equal: np.ndarray = pc.equal(values, to).to_numpy(zero_copy_only=False)
    return equal
