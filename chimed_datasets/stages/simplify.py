"""Simplify: traditional script to simplified, by OpenCC's t2s, only where a text holds any.

Plain t2s has three faults here. It rewrites simplified text (数重覆 becomes 数重复, 土坏 becomes
土坯), it breaks terms of medicine (癥瘕, 太徵, 芸薹), and it writes characters beyond the Basic
Multilingual Plane that nobody in mainland China prints (𥆧 for 瞤, 𢙐 for 憹 of 心中懊憹). So

- a character counts as traditional only if t2s changes it and simplified text has no use for it;
  乾, 徵, 夥 and their like do not count;
- a record of traditional script (``share``) is converted as a whole; in any other, the stray
  traditional characters alone;
- the terms of protected_terms.txt keep their right spelling, and in a record that holds one of 癥,
  a mass in the belly, other 癥 stay as well (癥瘕… 癥者有形可征);
- a character whose simplified form lies beyond that plane stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ..records import Batch, Codepoints, codepoints, from_codepoints, ledger, look_up, sums
from .text.characters import texts_at

if TYPE_CHECKING:
    import opencc

LAWFUL = "乾吒夥徵拚捱摺榘菸薹袷醣昇甦陞"
"""What t2s changes though simplified text may have it: of GB 2312, and of the names that the
standard of 2013 gave back their characters."""


@dataclass(frozen=True)
class Simplify:
    """Convert traditional script; see the module. Drops nothing.

    share: the part of traditional characters among all characters of a record from which on it is
           taken for traditional script. Of 3,639 passages of a traditional Shanghanlun 99 % have
           5.4 % or more; of simplified question-answer pairs with stray ones 99 % have 4.6 % or
           less, of sections of simplified classics 2.6 %.

    ``counts``: converted (texts), characters (changed), protected (places where a term kept what
    t2s would have changed, in texts with traditional characters). Simplifying a text that was
    simplified changes nothing.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 0.05
    name: ClassVar[str] = "simplify"

    def __call__(self, batch: Batch) -> ledger.Result:
        leaf, text = batch.leaves, batch.points
        script = script_tables()
        found = texts_at(np.flatnonzero(look_up(script.traditional, text.points)), text.offsets)
        if not len(found):
            return ledger.part(batch, self.name, {})
        concerned = np.isin(leaf.row, leaf.row[found]) & (np.diff(text.offsets) > 0)
        index = np.flatnonzero(concerned)
        part = leaf.texts.take(pa.array(index))
        points, counts = self._converted(part, leaf.row[index])
        new = from_codepoints(points)
        differs = pc.not_equal(new, part).to_numpy(zero_copy_only=False)
        if differs.any():
            mask = np.zeros(len(leaf.texts), bool)
            mask[index[differs]] = True
            changed = new.filter(pa.array(differs))
            batch = batch.with_texts(pc.replace_with_mask(leaf.texts, pa.array(mask), changed))
        counts["converted"] = int(differs.sum())
        return ledger.part(batch, self.name, {}, {rule: n for rule, n in counts.items() if n})

    def _converted(
        self, texts: pa.StringArray, row: np.ndarray
    ) -> tuple[Codepoints, dict[str, int]]:
        """Return the texts as they are to be, and counts of characters. ``row``: their records."""
        script = script_tables()
        old, offsets = text = codepoints(texts)
        new = _t2s(texts, text)
        np.copyto(new, old, where=(new > 0xFFFF) & (old <= 0xFFFF))
        at, right = _protected(text)
        masses = _masses(text, row, at[right == _MASS])
        at, right = np.append(at, masses), np.append(right, np.full(len(masses), _MASS, np.uint32))
        spared = at[new[at] != right]
        new[at] = right
        stray = script.traditional[old] & (new != old)
        signs = np.bincount(row, sums(stray, offsets))
        whole = (signs > 0) & (signs >= self.share * np.bincount(row, np.diff(offsets)))
        in_whole = np.repeat(whole[row], np.diff(offsets))
        np.copyto(new, old, where=~(stray | in_whole))
        kept = script.traditional[old[spared]] | in_whole[spared]
        counts = {"characters": int((new != old).sum()), "protected": int(kept.sum())}
        return Codepoints(new, offsets), counts


def _t2s(texts: pa.StringArray, text: Codepoints) -> np.ndarray:
    """Return uint32[k]: OpenCC's reading of each character, in its sentence."""
    script = script_tables()
    joined = script.converter.convert("\n".join(texts.to_pylist()))
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    if len(points) != len(text.points) + len(texts) - 1:  # no phrase of OpenCC's does that today
        simplified: np.ndarray = script.simplified[text.points]
        return simplified
    return np.delete(points, text.offsets[1:-1] + np.arange(len(texts) - 1))


# --- protected terms -----------------------------------------------------------------------------


class _Term(NamedTuple):
    """``pivot``: the place of the character to look for first. ``exact``: in this spelling only."""

    spelling: np.ndarray
    right: np.ndarray
    pivot: int
    exact: bool

    def found(self, points: np.ndarray, place: int, folded: np.ndarray) -> np.ndarray:
        """Return where ``points`` (and their simplified forms ``folded``) are the character."""
        same = points == self.spelling[place]
        found: np.ndarray = same if self.exact else same | (folded == self.spelling[place])
        return found


def _protected(text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of protected terms, and the character that belongs at each."""
    script = script_tables()
    points, offsets = text
    places = np.flatnonzero(look_up(script.pivots, points))
    here = points[places]
    folded = script.simplified[here]
    found: dict[int, int] = {}
    for term in script.terms:
        at = places[term.found(here, term.pivot, folded)] - term.pivot
        at = at[(at >= 0) & (at + len(term.spelling) <= len(points))]
        for i in range(len(term.spelling)):
            there = points[at + i]
            at = at[term.found(there, i, script.simplified[there])]
        at = at[texts_at(at, offsets) == texts_at(at + len(term.spelling) - 1, offsets)]
        for i, sign in enumerate(term.right.tolist()):
            found |= dict.fromkeys((at + i).tolist(), sign)
    at = np.array(sorted(found), np.int64)
    return at, np.array([found[i] for i in at.tolist()], np.uint32)


_MASS = ord("癥")
_ILLNESS_BEFORE = np.array([ord(c) for c in "状狀候结結"], np.uint32)
_TAKEN_FOR_MASS = np.array([ord(c) for c in "状狀候"], np.uint32)


def _masses(text: Codepoints, row: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Return where else a record that holds a 癥 in one of its ``terms`` (positions) has a 癥.

    None of a record that has 癥狀 or 癥候: a conversion of simplified text put 癥 for every 症.
    癥结 is spelt 症结 by the standard.
    """
    points, offsets = text
    at = np.flatnonzero(points == _MASS)
    leaf = texts_at(at, offsets)
    after = np.where(at + 1 < offsets[leaf + 1], points[np.minimum(at + 1, len(points) - 1)], 0)
    record = row[leaf]
    knows = np.isin(record, row[texts_at(terms, offsets)])
    mistaken = np.isin(record, record[np.isin(after, _TAKEN_FOR_MASS)])
    lone = knows & ~mistaken & ~np.isin(after, _ILLNESS_BEFORE) & ~np.isin(at, terms)
    return at[lone]


# --- what OpenCC knows ---------------------------------------------------------------------------


class Script(NamedTuple):
    """converter:   OpenCC's t2s.
    simplified:  uint32[0x110000], what it makes of each character by itself.
    traditional: bool[0x110000], characters that tell traditional script.
    terms, pivots: the protected terms, and the characters by which they are found.
    """

    converter: opencc.OpenCC
    simplified: np.ndarray
    traditional: np.ndarray
    terms: list[_Term]
    pivots: np.ndarray


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    script_tables()


@lru_cache(maxsize=1)
def script_tables() -> Script:
    """Built once a process: some 80 ms."""
    import opencc

    converter = opencc.OpenCC("t2s")
    simplified = np.arange(0x110000, dtype=np.uint32)
    asked = np.r_[0x2E80:0xD800, 0xF900:0xFB00, 0x20000:0x32000].astype(np.uint32)
    converted = converter.convert("\n".join(map(chr, asked.tolist()))).split("\n")
    simplified[asked] = [
        ord(c) if len(c) == 1 else a for c, a in zip(converted, asked, strict=True)
    ]
    changed = np.flatnonzero(simplified != np.arange(0x110000))
    traditional = np.zeros(0x110000, bool)
    traditional[changed[simplified[changed] <= 0xFFFF]] = True
    traditional[simplified[changed]] = False  # 苧, the simplified form of another character
    traditional[[ord(c) for c in LAWFUL]] = False
    traditional[0xF900:0xFB00] = traditional[0x2F800:0x2FA20] = False  # cleaning sees to those
    terms = list(_terms(simplified))
    signs = np.array([term.spelling[term.pivot] for term in terms])
    return Script(
        converter, simplified, traditional, terms, np.isin(simplified, signs) | _only(signs)
    )


def _only(signs: np.ndarray) -> np.ndarray:
    table = np.zeros(0x110000, bool)
    table[signs] = True
    return table


def _terms(simplified: np.ndarray) -> Iterator[_Term]:
    lines = files(__package__).joinpath("protected_terms.txt").read_text("utf-8").splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            first, _, second = line.partition("\t")
            spellings = [np.array([ord(c) for c in s], np.uint32) for s in (first, second) if s]
            for spelling in spellings:
                changed = np.flatnonzero(simplified[spelling] != spelling)
                pivot = int(changed[0]) if len(changed) else len(spelling) // 2
                # 於术 with the right form of 於朮 is no spelling of 於術.
                exact = spelling is not spellings[0]
                yield _Term(spelling, spellings[-1], pivot, exact)
