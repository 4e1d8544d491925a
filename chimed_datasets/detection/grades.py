"""How sure it is that a layout is right, and what speaks against it.

Sure is only a layout of a form of its own, with enough rows, that leaves no text out and has no
rival. One doubt makes it likely, and what only a reader can decide makes it a guess.
"""

from __future__ import annotations

import re
from statistics import median
from typing import NamedTuple

from ..lang import N_
from ..records import Dialogue, Document, QAThread
from .columns import asks
from .fits import Fit
from .forms import Form, chinese

_SPEAKER = re.compile(
    r"(?:问|答|患者|病人|医生|医师|用户|助手|客服|家属|[QA]|User|Assistant|Human|Doctor|Patient)"
    r"\s?\d{0,3}\s?[:：]",
    re.I,
)
_STOP = re.compile(r"[。！？；;!?]")
_CODE = re.compile(
    r"^[^\S\n]*(?:def |class |import |from \S+ import|#include|function |\{|\}|<\w+|//)", re.M
)
_CHOICE = re.compile(r"^[^\S\n]*[(（]?[A-E][)）]?[^\S\n]*[.、．:：]", re.M)
_NAMED = re.compile(r"^[^\S\n]*[\w\u4e00-\u9fff]{1,12}[^\S\n]*[:：=][^\S\n]*\S", re.M)
_ENTRY = re.compile(r"""['"]\s?:\s?['"\[{\d]""")
_PARTED = re.compile(r"\t|[|｜]|\S {3,}\S")
_LOG = re.compile(r"^[^\S\n]*\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d", re.M)


_OF_BOOKS = ("text", "tcm_classics", "docx", "epub", "mediawiki")
"""Layouts in which a file may be one record."""


class Against(NamedTuple):
    """What speaks against a fit: what makes it a guess, and what makes it no more than likely."""

    guesses: list[str]
    doubts: list[str]


def grade_of(best: Fit, second: Fit | None, form: Form) -> tuple[str, str]:
    """Return how sure the best fit is ("sure", "likely" or "guess"), and why."""
    said = N_("it reads {kept:,} of {read:,} rows looked at").format(kept=best.kept, read=best.read)
    if best.kept == best.read:
        said = N_("it reads all {read:,} rows looked at").format(read=best.read)
    if best.read == best.kept == 1:
        said = N_("it reads the beginning")
    parts = [
        _of_pairs(best, form),
        _of_share(best, said),
        _of_columns(best, form),
        _of_rivals(best, second),
    ]
    if form.family == ".txt" and best.layout != "tcm_classics":
        parts.append(_of_text(best, form))
    guesses = [one for part in parts for one in part.guesses]
    doubts = [one for part in parts for one in part.doubts]
    if guesses:
        return "guess", guesses[0]
    if doubts:
        return "likely", doubts[0] if doubts[0] == said else f"{said}; {doubts[0]}"
    if form.rows and best.covered > 0.99:
        said = N_("{said}, with all their text").format(said=said)
    return "sure", said


def _of_share(fit: Fit, said: str) -> Against:
    """said: how many rows it reads."""
    guesses = [said] if fit.share < 0.8 else []
    doubts = [said] if 0.8 <= fit.share < 0.95 else []
    if fit.layout not in _OF_BOOKS:
        if fit.read < 2:
            guesses.append(N_("there is one row to judge by"))
        elif fit.read < 5:
            doubts.append(N_("there are {read} rows to judge by").format(read=fit.read))
    return Against(guesses, doubts)


def _of_columns(fit: Fit, form: Form) -> Against:
    """What is not read, cannot be decoded, or is mapped by a guess."""
    guesses, doubts = [], []
    lost = N_("{covered:.0%} of the text is not read").format(covered=1 - fit.covered)
    if fit.covered < 0.6 and form.rows:
        guesses.append(lost)
    elif fit.unread:
        doubts.append(N_("the column {unread!r} is not read").format(unread=fit.unread[0]))
    elif fit.covered < 0.9 and form.rows:
        doubts.append(lost)
    if form.replaced * 200 > len(form.text):
        doubts.append(N_("{replaced:,} bytes cannot be decoded").format(replaced=form.replaced))
    if fit.mapping is not None:
        guesses += fit.mapping.doubts
        if fit.mapping.named:
            doubts.append(N_("its columns are guessed by their names"))
        else:
            guesses.append(N_("its columns are guessed by what stands in them"))
    return Against(guesses, doubts)


def _of_rivals(best: Fit, second: Fit | None) -> Against:
    if best.benchmark:
        told = N_(
            "questions with choices are an exam: as a benchmark they stay out of the data;"
            " to train on them: a source with `layout: exam`"
        )
        return Against([], [told])
    if best.layout == "ranked":
        told = N_("its lists may be replies, best first, or the lines of one: `instruction`")
        return Against([], [told])
    if second is not None and not second.mapping and second.worth > 0.93 * best.worth:
        return Against([N_("layout {layout} reads as much").format(layout=second.layout)], [])
    return Against([], [])


_SAYS_WHICH = re.compile(
    r"(?:is_?)?(?:label|score|rating|correct|right|adopted|accepted|best|relevant|relevance|rank|quality"
    r"|helpful)s?|.{0,4}(?:采纳|评分|得分|标签|质量|正确|排名)",
    re.I,
)
_PAIR = ["user", "assistant"]
_READ_MARKS = ("scored", "ranked", "chimed_pages", "generated", "preference_pairs", "entities")


def _of_pairs(fit: Fit, form: Form) -> Against:
    """What the questions and answers look like that it read."""
    pairs = []
    for one in fit.records:
        if isinstance(one, QAThread):
            pairs += [(one.question, answer.text) for answer in one.answers]
        elif isinstance(one, Dialogue) and [m.role for m in one.messages] == _PAIR:
            pairs.append((one.messages[0].content, one.messages[1].content))
    if len(pairs) < 5:
        return Against([], [])
    guesses, doubts = [], []
    questions, answers = [q for q, _ in pairs], [a for _, a in pairs]
    if 0.5 < asks(answers) > asks(questions) + 0.3:
        guesses.append(N_("its answers ask more than its questions: are they swapped?"))
    if median(map(len, answers)) < 5:
        guesses.append(N_("most of its answers are a word: labels, or an exam?"))
    marks = [name for name in form.columns if _SAYS_WHICH.fullmatch(name)]
    if marks and fit.layout not in _READ_MARKS:
        guesses.append(
            N_("{marks!r} may say which answers are right, and is not read").format(marks=marks[0])
        )
    if len(set(questions)) < 0.7 * len(questions) and fit.layout not in _READ_MARKS:
        doubts.append(N_("its questions come again"))
    return Against(guesses, doubts)


_BEGINNING = 50_000


def _of_text(fit: Fit, form: Form) -> Against:
    """What plain text looks like that may be something else."""
    text = form.text[:_BEGINNING]
    lines = [line for line in text.split("\n") if line.strip()]
    guesses, doubts = [], []

    def most(count: int, one_in: int, what: str) -> None:
        if count * one_in > len(lines) and count > 1:
            guesses.append(what)

    most(
        sum(bool(_SPEAKER.match(line.lstrip())) for line in lines), 5,
        N_("its lines begin with speakers (问：, 答：), which are read as text"),
    )  # fmt: skip
    share = chinese([text])
    if share < 0.5:
        guesses.append(N_("less than half of its letters are Chinese"))
    elif share < 0.8:
        doubts.append(N_("{share:.0%} of its letters are Chinese").format(share=share))
    most(len(_CHOICE.findall(text)), 4, N_("its lines begin with the letters of choices: an exam?"))
    most(len(_NAMED.findall(text)), 2, N_("its lines are names and values"))
    if fit.layout == "qa_blocks":
        if fit.covered < 0.5:
            doubts.append(N_("few of its questions have a title"))
        return Against(guesses, doubts)
    most(len(_CODE.findall(text)), 3, N_("it looks like code or data rather than text"))
    if len(_ENTRY.findall(text)) * 200 > len(text):
        guesses.append(N_("it looks like data ('name': 'value') rather than text"))
    if asks(lines) > 0.4:
        guesses.append(N_("many of its lines are questions"))
    most(len(_LOG.findall(text)), 3, N_("its lines begin with times, as of a log"))
    if sum(bool(_STOP.search(line)) for line in lines) * 4 < len(lines):
        guesses.append(N_("hardly a line holds a sentence"))
    if sum(len(one.text) for one in fit.records if isinstance(one, Document)) < 200:
        doubts.append(N_("it is short"))
    commas = [line.count(",") for line in lines]
    if len(lines) > 3 and commas[0] and commas.count(commas[0]) * 10 >= 9 * len(commas):
        guesses.append(N_("its lines may be rows of a table without a line of names"))
    parted = sum(bool(_PARTED.search(line.strip())) for line in lines)
    most(parted, 2, N_("its lines look like rows of a table"))
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]
    if len(blocks) > 4 and asks([block.partition("\n")[0] for block in blocks]) > 0.4:
        guesses.append(N_("many of its blocks begin with a question"))
    return Against(guesses, doubts)
