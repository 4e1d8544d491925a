"""Texts in one script, width and case, without the marks of lists and of editions: many at once.

Of some thirty rules few change a text. So what stands beside each other is looked at in all texts
together, and a rule is tried where it may change something alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from ...records import Codepoints
from ..text.grams import fold
from .signs import Neighbours, points_of, strings

_OF_MARK = (
    r"(?:[#>*•·●○◆■-]+|\(?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[.、)](?!\d)"
    r"|第[一二三四五六七八九十\d]{1,2}[点条步]?[,、:]|(?:首先|其次|再次|最后)[,、:])"
)
_BEFORE_MARK = re.compile(rf"[。;:!?,\s](?=[^\S\n]|{_OF_MARK})")
_MARK = re.compile(rf"(?:(?<![^\S\n])[^\S\n]+)?(?:{_OF_MARK}\s*)+")
_CIRCLED = re.compile("[①-⒛⓪-⓿❶-➓]")
_RAISED = re.compile("(?=[⁰¹²³⁴-⁹])(?<=[0-9])[⁰¹²³⁴-⁹]+")
_VULGAR = re.compile("(?=[¼-¾⅐-⅞])(?<=[0-9])")
_SMALL = re.compile("[①-⒛⓪-⓿❶-➓⁰¹²³⁴-⁹¼-¾⅐-⅞]")
"""What of any of the three stands in a text: what it becomes depends on what is before it."""
_LINE = 24
"""A line that breaks off within a sentence has more characters."""
_TOE = re.compile("(?<=[足大小次中之])趾(?=[之端也者内外上下间本次节])")
"""Old books write 指 of a foot as well."""
_SPACES = re.compile(r"[^\S\n]+")
_FOLDED: dict[int, int | str | None] = {
    **str.maketrans("，。！？；：（）【】～〜∼－—–﹣−‐‒―─∶⁄∕", ",。!?;:()[]~~~---------://")
}
_FOLDED |= {ord("≥"): ">=", ord("≤"): "<="} | dict.fromkeys(map(ord, "“”‘’「」『』《》〈〉"))
_TO_FOLD = re.compile(f"[{re.escape(''.join(chr(p) for p in _FOLDED if _FOLDED[p] != p))}]")
_ALONE = (
    (0x1, 0x2FF), (0x370, 0x482), (0x48A, 0x52F), (0x2000, 0x20CF), (0x2100, 0x2FFF),
    (0x3000, 0x3029), (0x3041, 0x3096), (0x30A1, 0x30FA), (0xFF00, 0xFF65), (0xFFE0, 0xFFE6),
    (0x1F300, 0x1FAFF),
)  # fmt: skip
"""What, beside Han characters, no normal form joins with what stands before it or behind it."""
_SEVERAL, _ODD = 1 << 24, 1 << 25
"""Marks, in a table, of what becomes several characters, and of what does not stand alone."""

_Change = Callable[[str], str]
_Near = tuple[str, str, str]


class _Rule(NamedTuple):
    """What is written in several ways becomes one.

    near:   a text is changed only where a character of one class stands between two others; each
            class as within the brackets of a pattern, "" for any. The ends of a text are ends of
            lines. A rule may have several of these.
    change: what is done to the text.
    """

    near: tuple[_Near, ...]
    change: _Change


def _instead(pattern: str, instead: str | Callable[[re.Match[str]], str]) -> _Change:
    return partial(re.compile(pattern, re.M).sub, instead)


def _of_lines(pattern: str) -> _Change:
    """Return what leaves out the pattern at the begin of lines."""
    change = re.compile("\n" + pattern, re.M).sub  # a line end is found quicker than a begin
    return lambda text: change("\n", "\n" + text)[1:]


def _undoubled(needles: str) -> _Change:
    """Return what makes 能喝 of 能不能喝, in texts with one of some words at least."""
    doubled = _instead(r"(能|可|可以|是|要|会|有|用|该|应该)[不没](?=\1)", "")
    found = re.compile(needles).search
    return lambda text: doubled(text) if found(text) else text


_NUMERAL = "一二两三四五六七八九十百"
_POWER: dict[str, int] = {sign: value for value, sign in enumerate("一二三四五六七八九十", 1)} | {
    "十一": 11,
    "十二": 12,
}
_HAN = "\u4e00-\u9fff"
_TEMPERATURE = r"(?=\d+(?:\.\d+)? ?(?:°|度|摄氏))"
_PARTED = r"\s。;:!?,"
_COUNTS = r"\d一二三四五六七八九十"


def _unwrapped(text: str) -> str:
    """Return a text without the line ends that break off a sentence."""
    first, *lines = text.split("\n")
    made = [first]
    for before, line in zip([first, *lines], lines, strict=False):
        broken = len(before) > _LINE and _is_han(before[-1]) and _is_han(line[:1])
        made += "" if broken else "\n", line
    return "".join(made)


def _is_han(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff"


def _without_marks(text: str) -> str:
    """Return a text without the marks of lists, at its begin and behind a sign or a blank."""
    rest: list[str] = []
    taken = end = 0
    for at in chain((0,), [before.end() for before in _BEFORE_MARK.finditer(text)]):
        if at >= end and (match := _MARK.match(text, at)):
            end = match.end()
            if not _closes(match):
                rest.append(text[taken:at])
                taken = end
    return "".join(rest) + text[taken:] if taken else text


def _closes(match: re.Match[str]) -> bool:
    """Tell whether what looks like the mark of a list is the end of a bracket: (7:1)."""
    mark = match[0].strip()
    if not mark.endswith(")") or mark.startswith("("):
        return False
    before = match.string[max(0, match.start() - 40) : match.start()]
    return before.rfind("(") > before.rfind(")")


RULES = (
    _Rule((("", " ", " "),), partial(_SPACES.sub, " ")),
    _Rule((("", "病儿", "人友家"),), _instead("病人|病友|患儿(?=家)", "患者")),
    _Rule(
        (("能以可是要会有用该", "不", "能可是要会有用应该"),),
        _undoubled("能不能|可不可|可以不可以|是不是|要不要|会不会|用不用|该不该"),
    ),
    _Rule((("能以可是要会有用该", "没", "能可是要会有用应该"),), _undoubled("有没有")),
    # numbers: 10的9次方, 3×5, 3 - 5, -20度, .5g, 二○二三, 3次/日
    _Rule((("", "次", "方"),), _instead(r"的(\d{1,2})次方", r"^\1")),
    _Rule(
        (("", "次", "方"),),
        _instead(
            "的([二三四五六七八九]|十[一二]?)次方",
            lambda match: f"^{_POWER[match[1]]}",
        ),
    ),
    _Rule((("0", "(", r"\d"),), _instead(r"\((?<=10\()(\d{1,2})\)", r"^\1")),
    _Rule(((r"\dm米", " ", "-~/:×✕*x"),), _instead(r" (?<=[\dm米] )([-~/:×✕*x]) ?(?=\d)", r"\1")),
    _Rule(
        ((rf"\dm米{_NUMERAL}", "×✕╳*乘x", rf"\d以 {_NUMERAL}"),),
        _instead(rf"[×✕╳*乘x](?<=[\dm米{_NUMERAL}][×✕╳*乘x])以? ?(?=[\d{_NUMERAL}])", "*"),
    ),
    _Rule(
        (("-~/:", " ", r"\d"),),
        _instead(r"[-~/:] (?<=\d[-~/:] )(?=\d)", lambda match: match[0][0]),
    ),
    _Rule(((r"\d", "·・•", r"\d"),), _instead(r"[·・•](?<=\d[·・•])(?=\d)", ".")),
    _Rule(
        (("^0-9a-z%°", "-", r"\d"),),
        _instead(
            rf"-(?<![\w%°]-){_TEMPERATURE}|-(?<=[{_HAN}]-)(?<![天日月年岁度]-){_TEMPERATURE}",
            "零下",
        ),
    ),
    _Rule(
        (("^0-9.a-z", ".", r"\d"),),
        _instead(r"\.(?<![\d.a-z]\.)(?=\d+ ?(?:mg|g|ml|毫?克|毫升))", "0."),
    ),
    _Rule(
        (("", "○", ""),),
        _instead("○(?:(?<=[一二三四五六七八九]○)|(?=[一二三四五六七八九]))", "〇"),
    ),
    _Rule(
        (("", "/", "k公千次天日周月年分mdhl升小毫星平"),),
        _instead(
            r"/(?=(?:kg|公斤|千克|次|[天日周月年]|分|min|ml|[dhl](?![a-z])|升|小时|毫升|星期|平方米|m2))",
            "每",
        ),
    ),
    # old books as they are typed: [1], (图五十九), captions, headings, a glyph in pieces
    _Rule((("", r"\[<", r"\d"),), _instead(r"\[\d{1,2}\]|<\d{1,2}>", "")),
    _Rule(
        (("", "图", r"\n\d一二三四五六七八九十百〇○"),),
        _instead(rf"\(见?图[一二三四五六七八九十百〇○\d]{{1,5}}\)|^[{_HAN}]{{2,14}}图$", ""),
    ),
    _Rule((("\n", "=", ""),), _of_lines("=+[^=\n]{1,40}=+$")),
    _Rule((("\n", "篇", "名"),), _of_lines("篇名:[^\n]*\n分类:[^\n]*$")),
    _Rule(
        ((r"\n\[", "条属方按注组又", r"文性剂、:\]成歌方"),),
        _of_lines(r"\[?(?:条文|属性|方剂|按、方剂|注|组成|方歌|又方)(?:\]:?|:)"),
    ),
    _Rule((("", "〔?", rf"?{_HAN}"),), _instead(rf"〔[{_HAN}]{{2,3}}〕|\?\?(?=\w)", "□")),
    _Rule(((r"\d", ",", _HAN),), _of_lines(rf"\d{{1,2}},(?=[{_HAN}])")),
    _Rule(
        (("一二三四五六七八", ",", " 三四五六七八九"),),
        _instead(",(?<=[一二三四五六七八],) ?(?=[三四五六七八九](?![、,]))", "、"),
    ),
    _Rule(((_HAN, "\n", _HAN),), _unwrapped),
    _Rule((("足大小次中之", "趾", "之端也者内外上下间本次节"),), partial(_TOE.sub, "指")),
    _Rule(
        (
            (_PARTED, "#>*•·●○◆■-", ""),
            (_COUNTS, ".、)", r"^\d"),
            (_PARTED, "第首其再最", f"先次后{_COUNTS}"),
        ),
        _without_marks,
    ),
)
"""They are tried in this order."""


@lru_cache(maxsize=1)
def _neighbours() -> Neighbours:
    return Neighbours([near for rule in RULES for near in rule.near])


@lru_cache(maxsize=1 << 12)
def _rules_of(bits: int) -> list[int]:
    """Return the numbers of the rules for whose neighbourhoods there are ``bits``."""
    rules = [number for number, rule in enumerate(RULES) for _ in rule.near]
    return [*dict.fromkeys(rule for at, rule in enumerate(rules) if bits >> at & 1)]


def folded(texts: Sequence[str]) -> list[str]:
    """Return texts as they are weighed against each other.

    >>> folded(["１. 病人每日３次，忌酒。", "患者 每日3次 忌酒"])
    ['患者每日3次,忌酒。', '患者 每日3次 忌酒']
    """
    texts = in_usual_signs(texts)
    todo = [(row, 0) for row in range(len(texts))]
    while todo:  # what a rule has changed may be changed by the next ones
        _, offsets, bits = _neighbours().of([texts[row] for row, _ in todo])
        bits[offsets[1:] - 1] = 0  # where a text ends another one begins, which says nothing
        told = np.bitwise_or.reduceat(bits, offsets[:-1])
        todo = [
            (row, rule + 1)
            for (row, first), some in zip(todo, told.tolist(), strict=True)
            if some and (rule := _changed(texts, row, first, some)) < len(RULES) - 1
        ]
    return texts


def _changed(texts: list[str], row: int, first: int, bits: int) -> int:
    """Try the rules, from ``first`` on, on a text until one changes it; return its number, that of
    the last one where none does."""
    text = texts[row]
    for rule in _rules_of(bits):
        if rule >= first and (changed := RULES[rule].change(text)) != text:
            texts[row] = changed
            return rule
    return len(RULES) - 1


def in_usual_signs(texts: Sequence[str]) -> list[str]:
    """Return what :func:`usual_signs` returns of each text."""
    found = fold(points_of(texts), _alone())
    marked = np.flatnonzero(found.points >= _SEVERAL)
    points = found.points & np.uint32(_SEVERAL - 1)
    usual = strings(Codepoints(points, found.offsets))
    rows = np.searchsorted(found.offsets, marked, "right") - 1
    for row, mark in {*zip(rows.tolist(), found.points[marked].tolist(), strict=True)}:
        if mark >= _ODD:
            usual[row] = usual_signs(texts[row])
        else:
            sign = chr(mark - _SEVERAL)
            usual[row] = usual[row].replace(sign, usual_signs(sign))
    return usual


def usual_signs(text: str) -> str:
    """Return a text in normal form and lower case, with one sign for those of one meaning."""
    if _SMALL.search(text):
        text = _RAISED.sub(lambda match: "^" + match[0], _CIRCLED.sub(" ", text))
        text = _VULGAR.sub("又", text)
    text = unicodedata.normalize("NFKC", text).casefold()
    for sign in {*_TO_FOLD.findall(text)}:  # none stands for another one
        text = text.replace(sign, sign.translate(_FOLDED))
    return re.sub(r"[^\S\n]", " ", text)


@lru_cache(maxsize=1)
def _alone() -> np.ndarray:
    """Return uint32[0x110000], for each character that stands alone what :func:`usual_signs` makes
    of it: another one, or 0 for none; itself, marked, for several; for all others ``_ODD``."""
    table = np.full(0x110000, _ODD, np.uint32)
    for begin, end in _ALONE:
        for point in range(begin, end + 1):
            usual = usual_signs(chr(point))
            if not _SMALL.match(chr(point)) and all(_is_alone(sign) for sign in usual):
                one = len(usual) < 2
                table[point] = ord(usual or "\0") if one else _SEVERAL + point
    table[0x3400:0xA000] = np.arange(0x3400, 0xA000)  # Han characters
    table.setflags(write=False)
    return table


def _is_alone(sign: str) -> bool:
    return any(begin <= ord(sign) <= end for begin, end in _ALONE) or _is_han(sign)
