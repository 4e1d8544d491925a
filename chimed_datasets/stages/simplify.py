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

Nor does t2s know the characters that Taiwan and Hong Kong write otherwise (``region``). What stands
for one character alone goes everywhere: 麻痺, 睪丸, 衞生, 敍述. 著 and 沈 depend on what is beside
them: in a record of traditional script 著 becomes 着 (看著, 附著, 著涼) but for what somebody wrote
or is known for (張仲景著, 著作, 著名, 顯著), and 沈 becomes 沉 beside what is deep (沈而細, 血沈)
but not in a name (沈括). OpenCC's tw2s takes the authors along, and hk2s leaves 看著.

Japanese and Korean have characters of their own: a text of which a fifth is kana or hangul stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ..records import Batch, Codepoints, codepoints, from_codepoints, ledger, places_of, sums
from ..records.points import joined, only, spliced
from .text.characters import texts_at
from .text.scraps import is_foreign

if TYPE_CHECKING:
    import opencc

LAWFUL = "乾吒夥徵拚捱摺榘菸薹袷醣昇甦陞"
"""What t2s changes though simplified text may have it: of GB 2312, and of the names that the
standard of 2013 gave back their characters."""
REGIONS = {
    "none": {},
    "tw": {"痺": "痹", "睪": "睾", "簷": "檐", "痲": "麻"},
    "hk": {"敍": "叙", "枱": "台", "粧": "妆", "糭": "粽", "衞": "卫"},
}
REGIONS["auto"] = REGIONS["tw"] | REGIONS["hk"]
"""What is written otherwise there and t2s leaves, with the character of the mainland."""
Region = Literal["auto", "tw", "hk", "none"]


@dataclass(frozen=True)
class Simplify:
    """Convert traditional script; see the module. Drops nothing.

    share: the part of traditional characters among all characters of a record from which on it is
           taken for traditional script. Of 3,639 passages of a traditional Shanghanlun 99 % have
           5.4 % or more; of simplified question-answer pairs with stray ones 99 % have 4.6 % or
           less, of sections of simplified classics 2.6 %.

    region: whose characters are known as well: ``tw`` Taiwan's, ``hk`` Hong Kong's, ``auto`` both,
           or ``none``.
    classics: turn variants of old books into the usual characters (欬 咳, 蚘 蛔, 脇 胁), by the
           list classical_variants.txt, in either script.
    words: turn Taiwan's words of medicine into those of the mainland (攝護腺 前列腺), by the list
           taiwan_words.txt, in traditional script alone.

    ``counts``: converted (texts), characters (changed), words (changed), other_language (texts in
    Japanese or Korean, left as they are), protected (places where a term kept what
    t2s would have changed, in texts with traditional characters). Simplifying a text that was
    simplified changes nothing.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 0.05
    region: Region = "auto"
    classics: bool = False
    words: bool = False
    name: ClassVar[str] = "simplify"

    def __call__(self, batch: Batch) -> ledger.Result:
        leaf, text = batch.leaves, batch.points
        at, classes = places_of(text.points, _signs(self.region, self.classics))
        of = texts_at(at, text.offsets)
        found = of[classes & (_TRADITIONAL | _VARIANT) > 0]
        if not len(found):
            return ledger.part(batch, self.name, {})
        sizes = np.diff(text.offsets)
        concerned = np.isin(leaf.row, leaf.row[found]) & (sizes > 0)
        kana = np.unique(of[classes & _KANA > 0])
        kana = kana[concerned[kana]]
        foreign = [is_foreign(text) for text in leaf.texts.take(pa.array(kana)).to_pylist()]
        concerned[kana[np.array(foreign, bool)]] = False
        counts = {"other_language": sum(foreign)}
        if concerned.any():
            # A record that may be of traditional script is looked at whole.
            signs = np.bincount(of[classes & _TRADITIONAL > 0], minlength=len(sizes))
            row = leaf.row[concerned]
            signs, sizes = (np.bincount(row, numbers[concerned]) for numbers in (signs, sizes))
            whole = np.zeros(batch.num_rows, bool)
            whole[: len(signs)] = (signs > 0) & (signs >= self.share * sizes)
            seen = whole[leaf.row]
            seen[of[classes & ~np.uint8(_KANA) > 0]] = True
            rows = np.flatnonzero(concerned & seen)
            old = only(text, concerned & seen)
            new, changed = self._converted(old, leaf.row[rows], whole)
            differs = _differ(old, new)
            if differs.any():
                batch = batch.with_leaves(rows[differs], only(new, differs))
            counts |= changed | {"converted": int(differs.sum())}
        return ledger.part(batch, self.name, {}, {rule: n for rule, n in counts.items() if n})

    def _converted(
        self, text: Codepoints, row: np.ndarray, whole: np.ndarray
    ) -> tuple[Codepoints, dict[str, int]]:
        """Return the texts as they are to be, and counts of characters.

        row: their records. whole: bool[records], which may be of traditional script; of any other
        the clauses alone that hold a sign are looked at.
        """
        bounds, looked = _clauses(text, whole[row], _signs(self.region, self.classics))
        clauses = Codepoints(text.points, bounds)
        row = row[texts_at(bounds[:-1][looked], text.offsets)]
        new, counts = self._mapped(only(clauses, looked), row, whole)
        points, ends = spliced(clauses, np.flatnonzero(looked), new)
        return Codepoints(points, ends[np.searchsorted(bounds, text.offsets)]), counts

    def _mapped(
        self, text: Codepoints, row: np.ndarray, may: np.ndarray
    ) -> tuple[Codepoints, dict[str, int]]:
        """Return the clauses, or texts, as they are to be, and counts; see :meth:`_converted`."""
        script = script_tables(self.region)
        old, offsets = text
        new = _t2s(text, script)
        np.copyto(new, old, where=(new > 0xFFFF) & (old <= 0xFFFF))
        at, right = _protected(text, script)
        masses = _masses(text, row, at[right == _MASS])
        at, right = np.append(at, masses), np.append(right, np.full(len(masses), _MASS, np.uint32))
        spared = at[new[at] != right]
        new[at] = right
        stray = script.traditional[old] & (new != old)
        signs = np.bincount(row, sums(stray, offsets), len(may))
        sizes = np.bincount(row, np.diff(offsets), len(may))
        whole = may & (signs > 0) & (signs >= self.share * sizes)
        in_whole = np.repeat(whole[row], np.diff(offsets))
        if self.region != "none":
            neighbours = (old == _AUTHOR) | (old == _DEEP)
            _by_neighbours(new, text, np.flatnonzero(in_whole & neighbours))
        np.copyto(new, old, where=~(stray | in_whole))
        if self.classics:
            new = classical_variants()[new]
        kept = script.traditional[old[spared]] | in_whole[spared]
        counts = {"characters": int((new != old).sum()), "protected": int(kept.sum())}
        done = Codepoints(new, offsets)
        if self.words and whole.any():
            done, counts["words"] = _in_other_words(done, np.flatnonzero(whole[row]))
        return done, counts


def _differ(old: Codepoints, new: Codepoints) -> np.ndarray:
    """Return bool[m]: which texts became others."""
    if np.array_equal(old.offsets, new.offsets):
        return sums(old.points != new.points, old.offsets) > 0
    texts = (from_codepoints(text) for text in (old, new))
    differs: np.ndarray = pc.not_equal(*texts).to_numpy(zero_copy_only=False)
    return differs


_TRADITIONAL, _VARIANT, _KANA, _PIVOT = 1, 2, 4, 8
"""Signs that :func:`_signs` tells."""


@lru_cache(maxsize=2 * len(REGIONS))
def _signs(region: Region, classics: bool) -> np.ndarray:
    """Return uint8[0x110000]: which signs each character is, by bits. Not to be written to."""
    script = script_tables(region)
    table = _TRADITIONAL * script.traditional.astype(np.uint8)
    if classics:
        table[classical_variants() != np.arange(len(table))] |= _VARIANT
    for first, last in ((0x3041, 0x3096), (0x30A1, 0x30FA), (0xAC00, 0xD7A3)):
        table[first : last + 1] |= _KANA
    table[script.pivots] |= _PIVOT
    return table


@lru_cache(maxsize=1)
def clause_ends() -> np.ndarray:
    """Return bool[0x110000]: characters that are in no phrase of OpenCC's and in no term."""
    table = np.zeros(0x110000, bool)
    table[:0x2E80] = table[0x3000:0x3004] = table[0x3008:0x3020] = table[0xFF00:0xFFF0] = True
    return table


def _clauses(
    text: Codepoints, whole: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[n + 1], where ``text`` is cut, and bool[n], which pieces are to be looked at:
    the texts ``whole`` (bool), and of others the clauses that hold a sign."""
    points, offsets = text
    at, _ = places_of(points, signs)
    of = texts_at(at, offsets)
    at, of = at[~whole[of]], of[~whole[of]]
    ends, _ = places_of(points, clause_ends())
    edges = np.concatenate([[-1], ends, [len(points)]])
    place = np.searchsorted(edges, at)
    begins = np.maximum(edges[place - 1] + 1, offsets[of])
    bounds = np.unique(np.concatenate([offsets, begins, np.minimum(edges[place], offsets[of + 1])]))
    looked = whole[texts_at(bounds[:-1], offsets)]
    looked[np.searchsorted(bounds, begins)] = True
    return bounds, looked


def _t2s(text: Codepoints, script: Script) -> np.ndarray:
    """Return uint32[k]: the reading of each character, in its sentence."""
    points, offsets = text
    count = len(offsets) - 1
    lines = joined(text, np.arange(count), np.array([0, count])).points.astype("<u4", copy=False)
    made = script.converter.convert(lines.tobytes().decode("utf-32-le"))
    read = np.frombuffer(made.encode("utf-32-le"), np.uint32)
    if len(read) != len(lines):  # no phrase of OpenCC's does that today
        simplified: np.ndarray = script.simplified[points]
        return simplified
    read = np.delete(read, offsets[1:-1] + np.arange(count - 1))
    return np.where(read == points, script.simplified[points], read)


# --- characters that depend on their neighbours --------------------------------------------------

_AUTHOR, _DEEP = ord("著"), ord("沈")
_WRITTEN = re.compile(
    "(?:[名显顯卓昭编編原论論专專合拙遗遺译譯巨新土所撰较較鉅共主等丰豐自力]|[^著]{2}氏)$"
)
"""Before 著: what somebody wrote, or is known for. 力著 is a work of weight."""
_SET_FORTH = re.compile("[既更申復复故而特備备詳详]$")
_TOUCHED = "于於在床地手眼席衣落涼凉急火"
"""A commentator sets forth (此條更著其未然之治), unless something is touched behind it."""
_WORK = re.compile("[名作述者书書有称稱录錄誉譽成录][^著]?|《|〈|「|『")
"""Behind it."""
_HELD = re.compile(
    "[接望想撑撐守陪忍盯张張闭閉睁睜关關连連背拉推按蹲跪趴"
    "泡笑哭照藏悬懸朝亮裹敷吊睡躺坐站看听聽活执執沉附跟等拿带帶放开開醒热熱烧燒穿"
    "戴挂掛留染内內先定焦不得空忙爱愛贴貼含抱扶靠粘黏顺順随隨]$"
)
"""Before 著 at the end of a clause: what goes on or holds fast."""
_SURNAME = re.compile(
    "(?:^|[，。、：:（(《\\s為为是名叫師师])[李王張"
    "张劉刘陳陈楊杨趙赵周吳吴徐孫孙朱馬马胡郭林何梁鄭郑羅罗宋謝谢唐韓韩曹許许鄧邓蕭萧馮冯"
    "程蔡彭潘袁田董余葉叶杜蘇苏魏呂吕丁盧卢姚鐘钟姜崔譚谭范"
    "汪廖賈贾韋韦傅鄒邹孟秦邱尹薛閻阎侯龍龙史陶黎賀贺顧顾郝龔龚邵錢钱嚴严]$"
)
"""Before the 著 of a given name."""
_CLAUSE_ENDS = "，。、；：！？,;）)\n"
_SUNK_BEFORE = re.compile("[浮血下低昏脉脈阴陰消气氣深六尿]$")
_SUNK_BEHIND = re.compile(
    "[渣澱淀积積降默重著着迟遲细細紧緊弱伏数數涩澀痾疴寒思"
    "没沒溺睡迷浸闷悶实實滑弦濡微而缓緩结結牢滞滯沦淪浮取]"
)


def _by_neighbours(new: np.ndarray, text: Codepoints, at: np.ndarray) -> None:
    """Write 着 for 著, 沉 for 沈 into ``new`` at those of ``at`` whose neighbours say so."""
    leaf = texts_at(at, text.offsets)
    begins, ends = text.offsets[leaf], text.offsets[leaf + 1]
    for i, begin, end in zip(at.tolist(), begins.tolist(), ends.tolist(), strict=True):
        before = "".join(map(chr, text.points[max(begin, i - 3) : i].tolist()))
        behind = "".join(map(chr, text.points[i + 1 : min(end, i + 3)].tolist()))
        if text.points[i] == _DEEP:
            if _SUNK_BEFORE.search(before) or _SUNK_BEHIND.match(behind):
                new[i] = ord("沉")
        elif not _is_written(before, behind):
            new[i] = ord("着")


def _is_written(before: str, behind: str) -> bool:
    if _WRITTEN.search(before) or _WORK.match(behind) or _SURNAME.search(before):
        return True
    if _SET_FORTH.search(before) and behind and behind[0] not in _TOUCHED:
        return True
    return (not behind or behind[0] in _CLAUSE_ENDS) and not _HELD.search(before)


# --- options -------------------------------------------------------------------------------------


def _pairs_of(name: str) -> list[tuple[str, str]]:
    """Return the pairs of a list: what stands there, a blank, and what it becomes."""
    lines = files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return [(a, b) for a, b in (line.split() for line in lines if line and line[0] != "#")]


@lru_cache(maxsize=1)
def classical_variants() -> np.ndarray:
    """Return uint32[0x110000]: the usual character for each, by classical_variants.txt."""
    usual = np.arange(0x110000, dtype=np.uint32)
    for variant, character in _pairs_of("classical_variants.txt"):
        usual[ord(variant)] = ord(character)
    return usual


@lru_cache(maxsize=1)
def _words() -> tuple[re.Pattern[str], dict[str, str]]:
    words = dict(_pairs_of("taiwan_words.txt"))
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), words


def _in_other_words(text: Codepoints, at: np.ndarray) -> tuple[Codepoints, int]:
    """Return the texts, those ``at`` these places with the mainland's words; and how many words."""
    pattern, words = _words()
    values, changed = from_codepoints(text).to_pylist(), 0
    for i in at.tolist():
        values[i], n = pattern.subn(lambda match: words[match[0]], values[i])
        changed += n
    return codepoints(pa.array(values, pa.string())), changed


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


def _protected(text: Codepoints, script: Script) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of protected terms, and the character that belongs at each."""
    points, offsets = text
    places, _ = places_of(points, script.pivots)
    here = points[places]
    folded = script.simplified[here]
    found: dict[int, int] = {}
    there = {*here.tolist(), *folded.tolist()}
    for term in script.terms:
        if int(term.spelling[term.pivot]) not in there:
            continue
        at = places[term.found(here, term.pivot, folded)] - term.pivot
        at = at[(at >= 0) & (at + len(term.spelling) <= len(points))]
        for i in range(len(term.spelling)):
            beside = points[at + i]
            at = at[term.found(beside, i, script.simplified[beside])]
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
    _signs("auto", False)
    clause_ends()


@lru_cache(maxsize=len(REGIONS))
def script_tables(region: Region = "auto") -> Script:
    """Built once a process: some 80 ms."""
    import opencc

    converter = opencc.OpenCC("t2s")
    simplified = np.arange(0x110000, dtype=np.uint32)
    asked = np.r_[0x2E80:0xD800, 0xF900:0xFB00, 0x20000:0x32000].astype(np.uint32)
    converted = converter.convert("\n".join(map(chr, asked.tolist()))).split("\n")
    simplified[asked] = [
        ord(c) if len(c) == 1 else a for c, a in zip(converted, asked, strict=True)
    ]
    for variant, character in REGIONS[region].items():
        simplified[ord(variant)] = ord(character)
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
