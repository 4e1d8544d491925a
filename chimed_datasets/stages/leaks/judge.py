"""Does a record hold an item? Judged as a whole: one shared n-gram is most often common prose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from ..text import exam_forms
from .compared import SURE, total, worth_of
from .items import ANCHOR, Entry, telling
from .record import Record

_FILLING = 20
"""What fills a blank has at most so many characters, where the right answer is not known."""
_ENDING, _ANSWER = 6, 20
"""A question may end with so many characters more than its stem (在哪个部位); a right answer is
looked for in twice so many at the beginning of a reply."""
_CASE = 40
"""A stem with so many characters of its own is a case history."""
_NEAR = 100
"""Options are looked for this many characters around a stem, and twice their own length."""


class Limits(Protocol):
    """What :class:`Decontaminate` sets."""

    @property
    def ngram(self) -> int:
        """The shortest run of characters that counts as shared."""

    @property
    def coverage(self) -> float:
        """The share of a stem's own characters that must be found."""


Leak = tuple[str, int, int]


def judge(
    entry: Entry,
    record: Record,
    part: np.ndarray,
    offset: np.ndarray,
    at: np.ndarray,
    settings: Limits,
) -> Leak | None:
    """Decide whether a record holds an item, from the grams that they share.

    part, offset: where in the item; at: where in the record's compared text, ascending in each
    part. Returns the rule, and start and end in the compared text:

    "stem":    ``coverage`` of the stem's own characters stand in one place, and at least 20. A
               stem with fewer must be whole, and either a sentence of its own or followed by one
               of the options: "the treatment of X" alone occurs in any text on X. Stock phrases
               are nobody's own; a stem with less than an n-gram of its own is not judged so.
    "choices": ``coverage`` of the stem (of one shorter than an n-gram: all), stock phrases
               included, and more than half of the options around it, in any order. Around a stem
               of a word ("鼓室") they must have 20 characters.
    "options": ``coverage`` of more than half of the options, each of at least 20 characters.
    "question", "answer", "filled": see :func:`_whole` and :func:`_by_gaps`.
    """
    stem = part == -1
    if len(entry.stem) >= settings.ngram:
        found = _by_stem(entry, record, offset[stem], at[stem], settings)
    elif len(entry.stem) >= ANCHOR:
        found = by_short_stem(entry, record, np.unique(at[stem] - offset[stem]), settings)
    else:
        found = _by_word(entry, record, np.unique((at - offset)[part >= 0]))
        starts = np.unique((at - offset)[stem])
        found = found or by_short_stem(entry, record, starts, settings)
    return (
        found
        or _by_options(entry, part, offset, at, settings)
        or _by_gaps(entry, record, part, at - offset, settings)
    )


def _by_stem(
    entry: Entry, record: Record, offset: np.ndarray, at: np.ndarray, settings: Limits
) -> Leak | None:
    n, own, worth = settings.ngram, entry.own, worth_of(entry.stem)
    for places, starts in _clusters(offset, at, 2 * len(worth) + _NEAR):
        start, end = int(starts[0]), int(starts[-1]) + n
        covered = _cover(len(worth), places, n)
        if own.sum() >= n:
            if own[covered].sum() >= max(settings.coverage * own.sum(), SURE) and (
                covered.all() or not _asks_other(entry, record, start, end)
            ):
                return "stem", start, end
            if covered.all() and (record.stands_alone(start, end) or _answered(entry, record, end)):
                return "stem", start, end
        if worth[covered].sum() >= settings.coverage * worth.sum() and _chosen_from(
            entry, record, start, end
        ):
            return "choices", start, end
    return by_short_stem(entry, record, at[offset == 0], settings)


def _asks_other(entry: Entry, record: Record, start: int, end: int) -> bool:
    """Does a question that shares most of a stem ask of another drug, side or number? A case
    history is told at length, and is the item's whatever was changed in it."""
    if entry.own.sum() >= _CASE or not record.part_of(record.places(start, end)[0])[2]:
        return False
    passage = record.sentence(start, end, len(entry.stem))
    from ..near.weigh import difference  # loaded by the workers alone

    return difference(entry.text, passage) is not None


def by_short_stem(
    entry: Entry, record: Record, starts: np.ndarray, settings: Limits
) -> Leak | None:
    for start in starts.tolist():
        end = start + len(entry.stem)
        if record.compared(start, end) != entry.stem:
            continue
        if _chosen_from(entry, record, start, end):
            return "choices", start, end
        if leak := _whole(entry, record, start, end, settings):
            return leak
    return None


def _whole(entry: Entry, record: Record, start: int, end: int, settings: Limits) -> Leak | None:
    """Return the rule by which a whole stem at ``start:end`` is a leak, and these; None for none:

    "question": it is what a question asks, at any length; or it is a line or sentence of its own
                that looks like one of an exam: a number before it, a blank, the letter of an option
                or 答案 behind it. A stem that does not say what it is about (下列说法正确的是) is
                nothing by itself.
    "choices":  its short options follow, with letters or in a row.
    "answer":   the right answer follows at once: behind a question mark, in brackets, where nothing
                else is said, or where both have an n-gram's worth of characters.
    """
    here, part = record.around(start, end)
    if not here.begins and entry.own.sum() < settings.ngram:
        return None
    if _short_options(entry, record, end):
        return "choices", start, end
    ends = here.ends and (part[2] or not here.worded)
    if here.begins and ends and entry.subject and _is_asked(entry, record, here, part):
        return "question", start, end
    if here.begins and part[2] and _replied(entry, record, end, part[1]):
        return "answer", start, end
    for answer, answer_end in _answers_behind(entry, record, end):
        begin = answer_end - len(answer)
        worth = total(entry.stem) + total(answer)
        if entry.subject and record.is_all(start, answer_end):
            return "answer", start, end
        if entry.subject and (here.asked or here.blank or here.numbered):
            return "answer", start, end
        if entry.subject and exam_forms.bracketed(record.text, *record.places(begin, answer_end)):
            return "answer", start, end
        if worth >= settings.ngram and (entry.subject or total(answer) >= ANCHOR):
            return "answer", start, end
    return None


def _is_asked(
    entry: Entry, record: Record, here: exam_forms.Around, part: tuple[int, int, bool]
) -> bool:
    """Is a whole stem the question of a thread or of a dialogue's user, or one of an exam?"""
    first, last, asked = part
    long_enough = entry.asks or len(entry.stem) > ANCHOR
    if not asked:
        if here.alone and here.asked and entry.asks:
            return True
        return here.of_an_exam and entry.asks
    if here.of_an_exam and long_enough:
        return True
    before, after = record.text[first : here.before], record.text[here.after : last]
    rest = "" if exam_forms.only_polite(before) else before
    rest += "" if exam_forms.only_polite(after) else after
    return long_enough and sum(map(str.isalnum, rest)) <= len(entry.stem) / 2


def _short_options(entry: Entry, record: Record, end: int) -> bool:
    """Do the options come next, with their letters, or all of them in a row?"""
    options = [option for option in entry.options if option]
    if len(options) < 2:
        return False
    size = sum(map(len, options))
    after = record.compared(end, end + size + 3 * len(options) + 4)
    if sorted(after[:size]) == sorted("".join(options)):
        return True
    lettered = [o for o in set(options) if re.search(f"[a-j1-9①-⑩]{re.escape(o)}", after)]
    return len(lettered) > max(len(set(options)) / 2, 1)


def _replied(entry: Entry, record: Record, end: int, last: int) -> bool:
    """Does a question that says little more than a stem get the right answer as its reply?"""
    reply = record.compared_places(last, last)[0]
    if reply - end > _ENDING or not entry.subject:
        return False
    said = record.compared(reply, reply + 2 * _ANSWER)
    return any(
        exam_forms.leads_to_answer(said[: said.find(answer)])
        for answer in entry.answers
        if total(answer) >= 1 and answer in said
    )


def _answers_behind(entry: Entry, record: Record, end: int) -> Iterator[tuple[str, int]]:
    """Yield each right answer that comes next, and where it ends; where the right one is not
    told, each option that tells something."""
    for answer in entry.answers or sorted(telling(entry)):
        at = record.compared(end, end + len(answer) + 8).find(answer)
        if at >= 0 and exam_forms.leads_to_answer(record.compared(end, end + at)):
            yield answer, end + at + len(answer)


def _by_gaps(
    entry: Entry, record: Record, part: np.ndarray, begin: np.ndarray, settings: Limits
) -> Leak | None:
    """Find a stem with its gap filled in: "filled", where pieces and filling have an n-gram's worth
    of characters or are all that is said. A blank may hold anything short; what stands for 哪种 or
    什么 is the right answer."""
    hits = sorted(
        {(-2 - p, b) for p, b in zip(part.tolist(), begin.tolist(), strict=True) if p < -1}
    )
    for gap, start in hits:
        parts = entry.gaps[gap]
        longest = max(range(len(parts)), key=lambda i: len(parts[i]))
        if record.compared(start, start + len(parts[longest])) != parts[longest]:
            continue
        span = _filled(entry, record, parts, longest, start)
        if not span:
            continue
        if record.is_all(*span):
            return "filled", span[0], span[1]
        if total(record.compared(*span)) >= settings.ngram and (
            entry.own.sum() >= settings.ngram or record.around(*span)[0].begins
        ):
            return "filled", span[0], span[1]
    return None


def _filled(
    entry: Entry, record: Record, parts: Sequence[str], longest: int, start: int
) -> tuple[int, int] | None:
    """Return where a stem with its gaps filled stands, around its longest piece at ``start``."""
    answers = entry.answers or sorted(telling(entry))
    right = 0
    first, end = start, start + len(parts[longest])
    for piece in parts[longest + 1 :]:
        found = _next(
            record.compared(end, end + _FILLING + len(piece) + 2), piece, answers, entry.blank
        )
        if found is None:
            return None
        size, hit = found
        end, right = end + size, right + hit
    for piece in reversed(parts[:longest]):
        text = record.compared(first - _FILLING - len(piece) - 2, first)
        found = _next(text[::-1], piece[::-1], [a[::-1] for a in answers], entry.blank)
        if found is None:
            return None
        size, hit = found
        first, right = first - size, right + hit
    return (first, end) if right or entry.blank else None


def _next(text: str, piece: str, answers: Sequence[str], blank: bool) -> tuple[int, bool] | None:
    """Return how much of ``text`` is a filling and ``piece`` behind it, and whether the filling is
    a right answer; None where neither a right answer nor, for a blank, anything short is there."""
    for answer in answers:
        at = text.find(answer)
        if 0 <= at <= 2:
            rest = text[at + len(answer) :]
            if (more := rest.find(piece)) in (0, 1, 2):
                return at + len(answer) + more + len(piece), True
    if blank and piece and 0 < (at := text.find(piece)) <= _FILLING:
        return at + len(piece), False
    if blank and not piece:
        return 0, False
    return None


def _by_word(entry: Entry, record: Record, options: np.ndarray) -> Leak | None:
    for option in options.tolist():
        start = record.place_of(entry.stem, option, _reach(entry))
        if start is not None:
            end = start + len(entry.stem)
            if _chosen_from(entry, record, start, end, SURE):
                return "choices", start, end
    return None


def _by_options(
    entry: Entry, part: np.ndarray, offset: np.ndarray, at: np.ndarray, settings: Limits
) -> Leak | None:
    n, spans = settings.ngram, []
    for number in np.unique(part[part >= 0]):
        mine, worth = part == number, worth_of(entry.options[number])
        if len(worth) < n or worth.sum() < SURE:
            continue
        if worth[_cover(len(worth), offset[mine], n)].sum() >= settings.coverage * worth.sum():
            spans.append((int(at[mine].min()), int(at[mine].max()) + n))
    if len(spans) > len(entry.options) / 2:
        return "options", min(start for start, _ in spans), max(end for _, end in spans)
    return None


def _clusters(
    offset: np.ndarray, at: np.ndarray, gap: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Part places in a record that lie more than ``gap`` from one another."""
    if len(at):
        cuts = np.flatnonzero(np.diff(at) > gap) + 1
        yield from zip(np.split(offset, cuts), np.split(at, cuts), strict=True)


def _cover(length: int, offset: np.ndarray, n: int) -> np.ndarray:
    covered = np.zeros(length, bool)
    for start in np.unique(offset):
        covered[start : start + n] = True
    return covered


def _reach(entry: Entry) -> int:
    return _NEAR + 2 * sum(map(len, entry.options))


def _chosen_from(entry: Entry, record: Record, start: int, end: int, least: int = 0) -> bool:
    """Do more than half of the options, of ``least`` characters, stand around the stem?"""
    options, reach = telling(entry), _reach(entry)
    around = record.compared(start - reach, start) + "\n" + record.compared(end, end + reach)
    found = [option for option in options if option in around]
    return (
        len(options) > 1
        and len(found) > len(options) / 2
        and sum(worth_of(option).sum() for option in found) >= least
    )


def _answered(entry: Entry, record: Record, end: int) -> bool:
    """Does one of the options come next (a letter or two may stand before it)?"""
    return any(o in record.compared(end, end + len(o) + 2) for o in telling(entry))
