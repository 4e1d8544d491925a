"""Mask personal data: numbers, ids and addresses of persons, each by a typed placeholder.

A span is the number itself with its country code, area code, brackets and extension. The words
that announce it (电话, QQ, 住院号) stay. Names and postal addresses are taken behind the word that
announces them (姓名：, 联系人：, 现住址：); in free prose they stay. Authors, physicians of the
past, drugs, public short numbers (120, 12320, 12345, 96xxx), helplines, public accounts
(微信公众号), numbers of trials and numbers that are masked already (138****1234) stay, too.

Numbers are told from other digits by a structure of their own where they have one (numbering
plan, check digit, calendar date). Behind a word that announces it, the form of a number is enough:
people mistype. Without such a word digits are left alone inside a longer number, before a unit
(13812345678 IU/ml) and after the name of another kind of number (批号13812345678). All decimal
digits of any script, circled and spelt ones are read as digits. docs/reference/mask.md lists the
rules, type by type.

Measured on 656 labelled sentences with 393 such numbers (:mod:`chimed_datasets.stages.mask_eval`
prints the table by type; a match has the right type and both ends):

    all 656 sentences                            precision 0.995, recall 0.995
    the 331 that were written before a first run precision 0.991, recall 0.991
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import did_you_mean
from ..lang import _
from ..records import Batch, Codepoints, codepoints, ledger
from .personal import contacts, ids, names, net, numbers, phones, records
from .personal.folding import (
    ALL_HINTS,
    AT,
    BLANK,
    DIGITS,
    DOT,
    LONG,
    MAIL,
    NAMES,
    NUMBER,
    OTHER_DIGITS,
    PROSE,
    SPELT,
    WECHAT_ID,
    WIDE,
    Spans,
    Windows,
    blank,
    spelt,
    with_marks,
)
from .personal.folding import fold as fold
from .personal.hints import hints as hints_of
from .personal.hints import windows as windows_of
from .personal.numbers import id_checksum as id_checksum
from .personal.numbers import luhn as luhn
from .text.patterns import pattern
from .text.spans import Span as Span  # `stages.mask.Span`, as it was
from .text.spans import replaced

Type = Literal[
    "email",
    "url",
    "resident_id",
    "bank_card",
    "mobile",
    "landline",
    "qq",
    "wechat",
    "record_number",
    "passport",
    "other_id",
    "licence_plate",
    "person_name",
    "postal_address",
]
TYPES: tuple[Type, ...] = get_args(Type)
"""All types."""

PLACEHOLDERS: dict[str, str] = {
    "email": "[邮箱]",
    "url": "[网址]",
    "resident_id": "[身份证号]",
    "bank_card": "[银行卡号]",
    "mobile": "[手机号]",
    "landline": "[电话]",
    "qq": "[QQ]",
    "wechat": "[微信]",
    "record_number": "[病历号]",
    "passport": "[护照号]",
    "other_id": "[证件号]",
    "licence_plate": "[车牌号]",
    "person_name": "[姓名]",
    "postal_address": "[地址]",
}

NAMED_IN_PROSE = "names_left_in_prose"
"""The count of texts with a phrase such as 我叫 or 患者…，男 and what may be a name behind it. They
are counted, not changed: a stage of your own can mask them."""

_PLACED = pattern("|".join(map(re.escape, sorted(set(PLACEHOLDERS.values())))))
MAX_ROUNDS = 8


@dataclass(frozen=True)
class Mask:
    """Replace personal data by placeholders, in bodies, titles, labels and metadata values.

    types: what to mask, any of :data:`TYPES`; their order does not matter.

    Drops nothing. ``counts`` holds the number of spans masked per type, and under
    :data:`NAMED_IN_PROSE` the texts that may name a person in prose, where "person_name" is masked.
    Masking a masked text changes nothing. Raises ``ValueError`` for an unknown type.
    """

    types: tuple[Type, ...] = TYPES
    name: ClassVar[str] = "mask"

    def __post_init__(self) -> None:
        for type_ in self.types:
            if type_ not in TYPES:
                said = _("types: unknown type {type!r}.{known}")
                raise ValueError(said.format(type=type_, known=did_you_mean(type_, TYPES)))

    def __call__(self, batch: Batch) -> ledger.Result:
        masked, counts = self.masked(batch.leaves.texts, batch.points)
        if any(counts[type_] for type_ in TYPES):
            batch = batch.with_texts(masked)
        told = {key: counts[key] for key in (*TYPES, NAMED_IN_PROSE) if counts[key]}
        return ledger.part(batch, self.name, {}, told)

    def masked(
        self, texts: pa.StringArray, points: Codepoints | None = None
    ) -> tuple[pa.StringArray, Counter[str]]:
        """Return ``texts`` with placeholders, and the counts of :meth:`__call__`.

        points: the code points of ``texts``, where they are known.
        """
        text = points or codepoints(texts)
        hints, places = hints_of(text)
        where = windows_of(text, places)
        told = hints & ~np.uint16(WIDE | OTHER_DIGITS) > 0
        for row in np.flatnonzero(hints == DIGITS).tolist():
            told[row] = _may_announce(text, row, where[row][DIGITS], self.types)
        rows = np.flatnonzero(told)
        counts: Counter[str] = Counter()
        changed = np.zeros(len(texts), bool)
        values = []
        bodies = texts.take(pa.array(rows)).to_pylist()
        for row, known, body in zip(rows.tolist(), hints[rows].tolist(), bodies, strict=True):
            masked, found = mask_text(body, self.types, known, where[row])
            if found:
                changed[row] = True
                values.append(masked)
                counts.update(found)
            if known & PROSE and "person_name" in self.types and names.may_name_a_person(masked):
                counts[NAMED_IN_PROSE] += 1
        if values:
            texts = pc.replace_with_mask(texts, pa.array(changed), pa.array(values, pa.string()))
        return texts, counts


def _may_announce(text: Codepoints, row: int, windows: Windows, types: tuple[str, ...]) -> bool:
    """Tell whether a text of which no more is known than :data:`.folding.DIGITS` has a cue of any
    finder; most have none, and need not be a string."""
    first, last = text.offsets[row : row + 2].tolist()
    parts = [text.points[first + start : min(first + end, last)] for start, end in windows]
    excerpt = "\n".join([part.tobytes().decode("utf-32-le") for part in parts])
    return any(
        any(map(excerpt.__contains__, finder.cues))
        and (finder.always is None or finder.always.search(excerpt) is not None)
        for finder in _finders(types, DIGITS)
    )


def mask_text(
    text: str,
    types: tuple[str, ...] = TYPES,
    hints: int = ALL_HINTS,
    windows: dict[int, Windows] | None = None,
) -> tuple[str, Counter[str]]:
    """Return ``text`` with placeholders, and the number of spans masked per type.

    A placeholder may free a number that was hidden by its neighbour, so the search is repeated
    until nothing is found: masking a masked text changes nothing. :data:`MAX_ROUNDS` keeps the time
    linear where a hostile text frees one number in each round; real text needs one or two.
    """
    counts: Counter[str] = Counter()
    for __ in range(MAX_ROUNDS):
        spans = find(text, types, hints, windows)
        if not spans:
            break
        windows = None  # of the text as it was
        text = replaced(text, spans, PLACEHOLDERS)
        counts.update(span.type for span in spans)
    return text, counts


def find(
    text: str,
    types: tuple[str, ...] = TYPES,
    hints: int = ALL_HINTS,
    windows: dict[int, Windows] | None = None,
) -> list[Span]:
    """Return the spans of personal data in ``text``, in order, without overlaps.

    hints:   bits of :func:`.personal.hints.hints`; what cannot occur is not searched.
    windows: where a hint's signs stand; None: anywhere.
    """
    finders = _finders(types, hints)
    if not finders:
        return []
    found: list[Span] = []
    folded = fold(text, hints)
    if "[" in folded:  # what was masked before announces nothing: [电话] is no word of the text
        folded = _PLACED.sub(lambda placed: BLANK * len(placed[0]), folded)
    whole: Windows = [(0, len(text))]
    searched = {} if windows is None or hints & SPELT else windows
    excerpts: dict[int, str] = {}
    for finder in finders:
        hint = finder.needs & ~SPELT
        where = searched.get(hint, whole)
        if finder.cues:
            if hint not in excerpts:
                excerpts[hint] = "\n".join([folded[start:end] for start, end in where])
            if not any(map(excerpts[hint].__contains__, finder.cues)):
                continue
        if claimed := with_marks(folded, finder.spans(folded, where)):
            found += [Span(*span, finder.type) for span in claimed]
            folded = blank(folded, claimed)
        if not (finder.reads_spelt and hints & SPELT):
            continue
        if claimed := with_marks(folded, finder.spans(spelt(folded), where)):
            found += [Span(*span, finder.type) for span in claimed]
            folded = blank(folded, claimed)
    return sorted(found)


class Finder(NamedTuple):
    """``spans`` is called where a text has one of the hints in ``needs`` and one of the cues (if
    there are any), with the windows of the hint. One that reads spelt digits gets them as
    digits, too. ``always``: what stands in a window beside a cue, where anything is found."""

    type: Type
    spans: Callable[[str, Windows], Spans]
    needs: int
    cues: tuple[str, ...] = ()
    reads_spelt: bool = False
    always: re.Pattern[str] | None = None


FINDERS = (  # the order is that of their claims: an address may hold a number
    Finder("email", net.emails, AT | MAIL, ("@", "at", "AT")),
    Finder("email", net.spelt_emails, AT, net.SPELT_CUES),
    Finder("url", net.urls, DOT),
    Finder("resident_id", numbers.resident_ids, LONG),
    Finder("resident_id", numbers.announced_resident_ids, NUMBER | SPELT, numbers.ID_CUES, True),
    Finder("bank_card", numbers.bank_cards, LONG),
    Finder("landline", phones.phones_abroad, DIGITS, phones.CODE_CUES),
    Finder("mobile", phones.mobiles, NUMBER),
    Finder("bank_card", numbers.announced_bank_cards, NUMBER | SPELT, numbers.CARD_CUES, True),
    Finder("mobile", phones.spelt_mobiles, SPELT),
    Finder("landline", phones.landlines, NUMBER),
    Finder("mobile", phones.parted_mobiles, NUMBER),
    Finder("landline", phones.announced_landlines, DIGITS | SPELT, phones.LANDLINE_CUES, True),
    Finder("qq", contacts.qqs, DIGITS | SPELT, contacts.QQ_CUES, True),
    Finder("wechat", contacts.wechats, WECHAT_ID),
    Finder("record_number", records.record_numbers, DIGITS | SPELT, records.RECORD_CUES, True),
    Finder("passport", ids.passports, DIGITS, ids.PASSPORT_CUES),
    Finder("other_id", ids.other_ids, DIGITS, ids.OTHER_ID_CUES, always=ids.OTHER_ID_CUE),
    Finder("licence_plate", ids.licence_plates, NAMES, ("牌", "车号")),
    Finder("person_name", names.person_names, NAMES),
    Finder("postal_address", names.postal_addresses, NAMES),
)


@lru_cache(maxsize=4096)
def _finders(types: tuple[str, ...], hints: int) -> tuple[Finder, ...]:
    return tuple(f for f in FINDERS if f.type in types and f.needs & hints)
