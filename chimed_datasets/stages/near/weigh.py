"""What two near-duplicates do not share is weighed: a dose, a negation, a side, a drug.

Two texts are cut into sentences and clauses and aligned; stock clauses (:mod:`.stock`) are left
out. Only clauses that the other text has not are looked at, each beside what stands in its place.
Whole sentences that one text has more are no difference: they contradict nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache
from importlib import resources
from itertools import chain
from operator import add
from typing import NamedTuple, TypeVar

from .clauses import ENDS, Read, read
from .folding import folded
from .places import Place, in_common, places, places_of
from .quantities import PLACE, Quantity, quantities
from .stock import is_advice

_T = TypeVar("_T")
_SHOWN = 24
"""Characters of either side that are told of a difference."""
_LONGEST_NAME = 6
_HEAD, _SHORT_HEAD = 16, 6
"""The subject of an entry has as many characters at most; before a comma as many as the second."""
_PIECE = 4000
"""Beyond as many sentences or clauses what differs is not aligned, but weighed in one."""


_PLACES = 5
"""Beyond as many sentences or lines that differ, a text in classical Chinese is another edition."""


Pair = tuple[str, str, bool]
"""Two texts, and whether they are entries; see :func:`difference`."""


class Difference(NamedTuple):
    """What two near-duplicates differ in.

    kind:       "dose", "number", "negation", "side", "person", "direction", "part", "drug", "herb",
                "disease", "point", "name" or "subject"; of exam items "stem", "options", "answer".
    one, other: what either says there, in short; "" where it says nothing.
    """

    kind: str
    one: str
    other: str

    def told(self) -> str:
        """Return the difference in a line: differs in dose (2~3 / 2~8)."""
        return f"differs in {self.kind} ({self.one or '–'} / {self.other or '–'})"


_MISSING = "□"
"""It stands for a character that nobody could write."""
_LETTERS = re.compile(r"[^\W_]+")


@lru_cache(maxsize=16)
def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text))


Asking = Generator[Pair, Difference | None, _T]
"""What asks for the differences of pairs, is sent each, and returns what comes of them."""


def difference(one: str, other: str, entries: bool = False) -> Difference | None:
    """Return what of weight two near-duplicates differ in; None where they are one record.

    entries: the texts are documents, whose first words name what they are about.

    >>> difference("每次5毫升，饭后服。", "每次15毫升，饭后服。").told()
    'differs in dose (5毫升 / 15毫升)'
    >>> difference("您好，一日三次，饭后服", "一日3次,饭后服。祝您健康！")
    """
    return differences([(one, other, entries)])[0]


def differences(pairs: Sequence[Pair]) -> list[Difference | None]:
    """Return what :func:`difference` returns of each pair, in less time than one by one."""
    texts = folded([text for pair in pairs for text in pair[:2]])
    bare = [_without_notes(*_trimmed(*sides)) for sides in _by_twos(texts)]
    sides = _by_twos(read([*chain(*bare)]))
    return [_weighed(*two, pair) for two, pair in zip(sides, pairs, strict=True)]


def _by_twos(items: list[_T]) -> Iterator[tuple[_T, _T]]:
    return zip(items[::2], items[1::2], strict=True)


def _weighed(left: Read, right: Read, pair: Pair) -> Difference | None:
    one, other, entries = pair
    old = entries and is_old(one) and is_old(other)
    if entries and (found := _subject(left, right, old)):
        return found
    found_apart = spans_apart(left.said, right.said)
    # A sentence that one has more contradicts nothing.
    where = [(i, j, k, m) for i, j, k, m in found_apart if i < j and k < m]
    # Where an old text differs in many places, it is another edition or scan: then doses and herbs
    # alone are looked for.
    worn = old and sum(min(j - i, m - k) for i, j, k, m in where) > _PLACES
    for i, j, k, m in where:
        found = _in_clauses((left, i, j), (right, k, m), old, worn)
        if found:
            return found
    return None


def _trimmed(one: str, other: str) -> tuple[str, str]:
    """Leave out the sentences that two texts begin and end with in common."""
    head = in_common(one, other)
    if head:
        last = -1
        for end in ENDS:
            last = max(last, one.rfind(end, last + 1, head))
        one, other = one[last + 1 :], other[last + 1 :]
    tail = in_common(one, other, at_the_end=True)
    if tail:
        first = len(one) - 1
        for end in ENDS:
            at = one.find(end, len(one) - tail, first)
            first = first if at < 0 else at
        tail = len(one) - first - 1
        one, other = one[: len(one) - tail], other[: len(other) - tail]
    return one, other


_NOTE = re.compile(r"\(([^()\n]{4,100})\)")


def _without_notes(one: str, other: str) -> tuple[str, str]:
    """Leave out the notes in brackets that one text alone has and that prescribe nothing."""
    notes = [set(_NOTE.findall(text)) if "(" in text else set() for text in (one, other)]
    if notes[0] == notes[1]:
        return one, other
    kept = [one, other]
    for side, own in enumerate((notes[0] - notes[1], notes[1] - notes[0])):
        if own:
            others = [set(note) for note in notes[1 - side]]
            for note in [note for note in own if _is_light(note, (other, one)[side], others)]:
                kept[side] = kept[side].replace(f"({note})", "")
    return kept[0], kept[1]


def _is_light(note: str, text: str, others: list[set[str]]) -> bool:
    """Tell whether a note prescribes nothing, and is neither in the other text nor much like one
    of its notes."""
    if _PROHIBITS.search(note):
        return False
    letters, signs = _letters(note), set(note)
    if all(sign in text for sign in letters) and letters in _letters(text):
        return False
    for like in others:
        both = len(signs) + len(like)
        if 3 * min(len(signs), len(like)) > both < 3 * len(signs & like):
            return False  # more than half of all their signs stand in both
    return not any(quantity.dose for quantity in quantities(note)[0])


def spans_apart(a: list[str], b: list[str]) -> list[Place]:
    """Return where two sequences differ; what stands elsewhere in the other one, moved, is not told
    of where nothing stands in its place."""
    first = _common(a, b)
    last = _common(a[first:][::-1], b[first:][::-1])
    a, b = a[first : len(a) - last], b[first : len(b) - last]
    if not a and not b:
        return []
    whole = (first, first + len(a), first, first + len(b))
    if len(a) == len(b) == 1 or len(a) * len(b) > _PIECE**2:
        return [whole]
    moved = set(a).intersection(b)
    if not moved:
        return [whole]
    if len(a) == len(b):
        apart = [at for at, (one, other) in enumerate(zip(a, b, strict=True)) if one != other]
        if moved.isdisjoint([a[at] for at in apart]) and moved.isdisjoint([b[at] for at in apart]):
            # What is equal stands at one place in both, so that pieces are no longer elsewhere.
            begins = [at for at in apart if at - 1 not in apart]
            ends = [at + 1 for at in apart if at + 1 not in apart]
            runs = ((first + i, first + j) for i, j in zip(begins, ends, strict=True))
            return [(*run, *run) for run in runs]
    return [
        (first + i, first + j, first + k, first + m)
        for i, j, k, m in places_of(a, b)
        if (i < j and k < m) or not moved.issuperset(a[i:j] + b[k:m])
    ]


_Some = tuple[Read, int, int]
"""The sentences of a text from one number to another."""


def _in_clauses(left: _Some, right: _Some, old: bool, worn: bool) -> Difference | None:
    """Weigh sentences that stand in place of each other, clause by clause. old: see
    :func:`is_old`; worn: of an old text that differs in many places."""
    a, b = (text.clauses(begin, end) for text, begin, end in (left, right))
    for i, j, k, m in spans_apart(a, b):
        if i < j and k < m:
            found = weighed(" ".join(a[i:j]), " ".join(b[k:m]), old)
        else:
            more, (text, *which), begin, end = (a, left, i, j) if i < j else (b, right, k, m)
            ends = {0, *text.ends(*which)}
            whole = end in ends and begin in ends
            whole |= any(at in ends for at in range(begin + 1, end))  # a passage, not of a list
            found = None if whole else _alone(" ".join(more[begin:end]), i < j, old)
        if found and not (worn and found.kind not in ("dose", "herb")):
            moved = found.kind in ("dose", "number") and not (found.one and found.other)
            if not (moved and _same_numbers(a, b)):
                return found
    return None


def _same_numbers(left: list[str], right: list[str]) -> bool:
    """Tell whether sentences have the same quantities: 麻黄（三两，去节）, 麻黄（去节）三两."""
    mine, theirs = (quantities(" ".join(side))[0] for side in (left, right))
    return Counter(q.key for q in mine) == Counter(q.key for q in theirs)


def contradict(found: Difference) -> bool:
    """Tell whether two answers to one question cannot both hold: 可以 / 不可以, 宜 / 忌."""
    return found.kind in ("negation", "direction")


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many items two sequences begin with in common."""
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


# --- what has weight -----------------------------------------------------------------------------

_PERSONS = {
    "男": "男性 男士 男子 男童 男孩 男人 男", "女": "女性 女士 女子 妇女 女童 女孩 女人 女",
    "孕": "孕妇 妊娠期 妊娠 怀孕 孕期 孕", "哺乳": "哺乳期 哺乳", "产": "产妇 产后",
    "儿": "儿童 小儿 孩子 小孩 宝宝 患儿", "婴": "婴儿 婴幼儿 幼儿", "新生": "新生儿 早产儿",
    "成": "成年人 成人", "老": "老年人 老年 老人 高龄", "青": "青少年 少年 青年",
    "学": "学龄前 学龄期 学龄", "经": "月经期 经期", "更年": "更年期 围绝经期",
    "祖父": "爷爷 祖父", "祖母": "奶奶 祖母", "外公": "外公 姥爷", "外婆": "外婆 姥姥",
    "夫": "丈夫 老公", "妻": "妻子 老婆", "儿子": "儿子", "女儿": "女儿", "兄": "哥哥",
    "弟": "弟弟", "姐": "姐姐", "妹": "妹妹", "中": "中年人 中年",
    "绝经": "绝经后 绝经", "父": "父亲 爸爸 爸", "母": "母亲 妈妈 妈",
}  # fmt: skip
_PERSON = {word: name for name, words in _PERSONS.items() for word in words.split()}
_PERSON_WORD = re.compile("|".join(sorted(_PERSON, key=len, reverse=True)))

_NOT = re.compile(
    # 不, but not in words that deny nothing: 不适, 不良, 不但
    "不(?!适|舒|良|但|仅|过|久|断|少(?!于)|同|管|论|如|妨|足(?!以)|错|得不)"
    "(?!一定|要紧|客|好意|只|光|惟|孕|育|明显|全(?!部)|稳|规)"
    "|没有?|无(?!论|菌|机|名指|花果|意|非|辜|烟)|未(?!来)|勿|莫(?!西|名)"
    "|禁(?!食)|忌|别(?![人的墅名处家样离致有作是结录立为])|毋|严禁|避免|切勿|防止|拒绝|非(?=[此其必])"
)
_BOUND = re.compile(
    "(?=[<>≤≥不至最以之超大高多低小少])(?:(?P<ge2>>=|≥)|(?P<le2><=|≤)|(?P<gt2>>)|(?P<lt2><)"
    "|(?P<le>不(?:超过|多于|大于|高于|得超过)|至多|最多|以内|以下|之内)"
    "|(?P<ge>不(?:少于|低于|小于|得少于)|至少|最少|以上)"
    "|(?P<gt>超过|大于|高于|多于)|(?P<lt>低于|小于|少于|不到|不足))"
)
_PROHIBITS = re.compile("禁|忌|不[能可宜得要应]|勿|慎")


def _read(name: str) -> list[tuple[str, str]]:
    """Return the lines of a file beside this module: what each is of, and the rest of it."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    lines = (line.partition(": ") for line in text.splitlines() if not line.startswith("#"))
    return [(kind, rest) for kind, _, rest in lines]


_WEIGHTS = _read("weights.txt")
_OPPOSITE = {
    frozenset(pair): kind
    for kind, pairs in _WEIGHTS
    if kind in ("side", "direction")
    for pair in pairs.split()
}
_PARTS: dict[str, list[int]] = {}
"""A sign -> the numbers of the kinds of parts that it is of."""
for _number, _signs in enumerate(signs for kind, signs in _WEIGHTS if kind == "part"):
    for _sign in dict.fromkeys(_signs):
        _PARTS.setdefault(_sign, []).append(_number)
_ENDS = {kind: ends.split() for kind, ends in _WEIGHTS if kind in ("disease", "drug")}
_LONGEST_END = max(len(end) for ends in _ENDS.values() for end in ends)
_NO_NAME = frozenset(next(rest for kind, rest in _WEIGHTS if kind == "no name").split())
_NAMES = {kind: frozenset(names.split()) for kind, names in _read("names.txt")}
_KNOWN = frozenset().union(*_NAMES.values())
"""Names that are no slip of one another. Those of old books are looked for in this alone."""
del _NAMES["materia"], _NAMES["formula"]
_KINDS_OF: dict[str, list[str]] = {}
"""The first two characters of a name -> the kinds of names that begin so."""
for _kind, _words in _NAMES.items():
    for _begun in {word[:2] for word in _words}:
        _KINDS_OF.setdefault(_begun, []).append(_kind)
_SPELLINGS = {
    other.partition("(?")[0]: (usual, other)
    for usual, others in _read("spellings.txt")
    for other in others.split()
}
"""What is written (where only before some characters: without them) -> the usual, the pattern."""
_SPELT = re.compile("|".join(p for _, p in sorted(_SPELLINGS.values(), key=lambda p: -len(p[1]))))
_SEEN = frozenset(
    "将以而则其之曰者也故乃所皆与于即又若如因及但且可能须宜当得患看生发疾有犯治防该本此其这老毛"
    "大小是为种类各原的了和与及或在对用服吃取入加"
)
"""What stands before 病 or 片 in a word that names nothing."""
_NO_PART = _SEEN | {" "}
_LATIN = re.compile(r"[a-zα-ω]+")
REACH = 8
"""Characters of the longest name, person or negation, with what is looked at behind it."""
_TELLS = re.compile(
    f"[a-zα-ω不没无未勿莫禁忌别毋严避切防拒非{''.join({word[0] for word in _PERSON})}]"
)
"""What a foreign word holds, and a person and a negation begin with."""


def weighed(one: str, other: str, old: bool) -> Difference | None:
    """Compare what stands in place of each other. old: see :func:`is_old`."""
    if old:
        one, other = _without_passages(one, other)
    (mine, a), (theirs, b) = quantities(one), quantities(other)
    if found := numbers_apart(mine, theirs, old):
        # Where the signs between clauses differ, a number may be parted in one of them.
        (mine, a), (theirs, b) = (quantities(_GLUE.sub("", text)) for text in (one, other))
        if numbers_apart(mine, theirs, old):
            return found
    a, b = (_unbound(_usual(text.replace(" ", ""))) for text in (a, b))
    if old:
        a, b = _without_passages(a, b, all_of_them=True)
    if a == b:
        return None
    spans = places(a, b)
    near = _about(a, b, spans)
    named, named_too = (_names(a), _names(b)) if _may_name(near) else ({}, {})
    for kind in _NAMES if named or named_too else ():
        names = named.get(kind, {}), named_too.get(kind, {})
        if names[0].keys() == names[1].keys():
            continue
        mine_only, theirs_only = (
            [n for n in own if n not in rest and not _is_there(n, text, kind, bool(rest), old)]
            for own, rest, text in ((*names, b), (*names[::-1], a))
        )
        if old and not (mine_only and theirs_only):
            if kind not in ("herb", "disease"):
                continue
            mine_only = [n for n in mine_only if _is_more(n, a, b, spans)]
            turned = [(k, m, i, j) for i, j, k, m in spans]
            theirs_only = [n for n in theirs_only if _is_more(n, b, a, turned)]
        if mine_only or theirs_only:
            return Difference(kind, *(_short("、".join(only)) for only in (mine_only, theirs_only)))
    if _TELLS.search(near) and (found := _worded(a, b, spans, old)):
        return found
    for i, j, k, m in spans:
        if found := _replaced(a, b, (i, j, k, m)):
            return found
    return None


def _about(a: str, b: str, spans: list[Place]) -> str:
    """Return what stands where two pieces differ, with as much around it as a word that is looked
    for may reach over: where none begins there, both have the same ones."""
    (i, _, k, _), (_, j, _, m) = spans[0], spans[-1]
    return f"{a[max(i - REACH, 0) : j + REACH]}\n{b[max(k - REACH, 0) : m + REACH]}"


def _may_name(text: str) -> bool:
    """Tell whether a known name may begin in a text."""
    return not _KINDS_OF.keys().isdisjoint(map(add, text, text[1:]))


def _worded(a: str, b: str, spans: list[Place], old: bool) -> Difference | None:
    """Compare the words of two pieces: foreign ones, persons, negations."""
    for kind, one_side, other_side in (
        ("name", *_other_words(_latin(a), _latin(b))),
        ("person", _persons(a), _persons(b)),
    ):
        if one_side != other_side and (not old or (one_side and other_side)):
            only = sorted(one_side - other_side), sorted(other_side - one_side)
            return Difference(kind, *(_short("、".join(words)) for words in only))
    read = _read_as(a, b, spans)
    nots = [len(_NOT.findall(text)) for text in (a, read)]
    if old and nots[0] != nots[1]:  # of a clause that one edition has more none is looked for
        short = [one for one in spans if max(one[1] - one[0], one[3] - one[2]) <= _SHORT]
        nots = [
            sum(bool(_NOT.search(text[i:j])) for i, j in sides)
            for text, sides in ((a, [one[:2] for one in short]), (read, [one[2:] for one in short]))
        ]
    if nots[0] != nots[1]:
        return Difference("negation", *(_short(text) for text in _around(a, b, spans)))
    return None


_GLUE = re.compile(r"(?<![\d一二三四五六七八九十百千万]) | (?![\d一二三四五六七八九十百千万])")
"""A blank that parts no two numbers."""
_VARIANTS = str.maketrans(
    "脏腑版症痺营溺炙曰已巳鬱胕稍〇鞭鞕浸巅颠躁抟华",
    "藏府板证痹荣尿灸日己己郁府少零硬硬侵癫癫燥搏花",
)
for _line in (
    resources.files(__package__.rpartition(".")[0])
    .joinpath("classical_variants.txt")
    .read_text("utf-8")
    .splitlines()
):
    if _line and _line[0] != "#":
        _VARIANTS |= str.maketrans(*_line.split())
"""Characters that editions of a text write for one another; 末 for 未 is a slip of a scan."""
_VARIANT = re.compile(f"[{''.join(map(chr, _VARIANTS))}]")


def _usual(text: str) -> str:
    """Return a text with the usual characters, and the usual spellings of herbs."""
    if _VARIANT.search(text):
        text = text.translate(_VARIANTS)
    return _SPELT.sub(lambda match: _SPELLINGS[match[0]][0], text)


_SLIPS = {
    slip
    for one, other in (
        "下不",
        "元无",
        "天无",
        "末未",
        "母毋",
        "毌毋",
        "岂不",
        "何无",
        "忽勿",
        "否不",
        "之不",
    )
    for slip in ((one, other), (other, one))
}
"""Characters of which one is a negation and the other is not, and that are taken for each other."""


def _read_as(a: str, b: str, spans: list[tuple[int, int, int, int]]) -> str:
    """Return b with the characters of a in place of slips: 下 for 不."""
    signs = list(b)
    for i, j, k, m in spans:
        if j - i == m - k == 1 and (a[i], b[k]) in _SLIPS:
            signs[k] = a[i]
    return "".join(signs)


def _alone(text: str, mine: bool, old: bool) -> Difference | None:
    """Weigh what one text has more, within a sentence of the other. old: see :func:`is_old`; there
    the ends of sentences are an editor's, and a dose alone is looked for."""
    text = " ".join(clause for clause in text.split(" ") if not is_advice(clause))
    found, rest = quantities(text)
    rest = _usual(rest)
    said = ""
    kind = "number"
    if any(quantity.dose for quantity in found) or (found and not old):
        kind, said = ("dose" if any(q.dose for q in found) else "number"), text
    elif not old:
        named = _names(rest)
        if named:
            kind, said = next(kind for kind in _NAMES if kind in named), text
        elif _PROHIBITS.search(rest):
            kind, said = "negation", text
        elif _persons(rest):
            kind, said = "person", text
    if not said:
        return None
    said = _short(said)
    return Difference(kind, said, "") if mine else Difference(kind, "", said)


def numbers_apart(
    mine: list[Quantity], theirs: list[Quantity], old: bool = False
) -> Difference | None:
    """Compare the quantities of two pieces. old: what one has alone is no difference
    there, but for a dose."""
    if mine == theirs or [q.key for q in mine] == [q.key for q in theirs]:
        return None
    a, b = Counter(q.key for q in mine), Counter(q.key for q in theirs)
    if a == b:
        return None
    only = [
        [q for q in side if own[q.key] > rest[q.key]]
        for side, own, rest in ((mine, a, b), (theirs, b, a))
    ]
    values = [sorted(map(str, (q.key[:-1] for q in side))) for side in only]
    if values[0] == values[1] and all(
        not one.key[-1] or not other.key[-1] for one, other in zip(*only, strict=True)
    ):
        return None  # a unit is written in one of them alone
    if old and not all(only) and not any(q.dose for side in only for q in side):
        return None
    kind = "dose" if any(q.dose for side in only for q in side) else "number"
    return Difference(kind, *(_short("、".join(q.said for q in side)) for side in only))


_SHORT = 3
_LONGEST_MORE = 10
"""Of more characters that one text has within a sentence, the rest says something else."""


def _without_passages(one: str, other: str, all_of_them: bool = False) -> tuple[str, str]:
    """Leave out of two pieces what one of them has more, where it is long and prescribes nothing,
    or ``all_of_them`` that are long: it contradicts nothing."""
    if abs(len(one) - len(other)) < _LONGEST_MORE:
        return one, other
    for i, j, k, m in reversed(places(one, other)):
        more = one[i:j] if k == m else other[k:m] if i == j else ""
        if len(more) >= _LONGEST_MORE and (all_of_them or not _weighs(more)):
            one, other = one[:i] + one[j:], other[:k] + other[m:]
    return one, other


def _weighs(text: str) -> bool:
    return bool(_PROHIBITS.search(text)) or any(q.dose for q in quantities(text)[0])


_WORD = re.compile("[A-Za-z]{3}")
_OLD, _NEW = "之者也曰矣焉乃而则皆俱钱两盅", "的了您吗"


def is_old(text: str) -> bool:
    """Tell whether a text is in classical Chinese or a recipe of it: by its particles and weights.

    >>> is_old("太阳之为病，脉浮，头项强痛而恶寒。"), is_old("得了感冒的患者头痛。")
    (True, False)
    """
    old = sum(map(text.count, _OLD)) - text.count("患者")
    if old * 100 <= len(text) or _WORD.search(text):
        return False
    return len(text) > sum(map(text.count, _NEW)) * 150


def _unbound(text: str) -> str:
    """Write limits in one way, so that 不超过 is no negation of 超过, and no synonym of it."""
    signs = {"le": "≤", "ge": "≥", "gt": "升", "lt": "降"}
    return _BOUND.sub(lambda match: signs[(match.lastgroup or "le")[:2]], text)


def _persons(text: str) -> set[str]:
    return {_PERSON[word] for word in _PERSON_WORD.findall(text)}


def _latin(text: str) -> set[str]:
    return {word for word in _LATIN.findall(text) if word not in _NO_NAME}


def _other_words(mine: set[str], theirs: set[str]) -> tuple[set[str], set[str]]:
    """Leave out the words that both have, those of one letter in one alone, and slips."""
    a, b = mine - theirs, theirs - mine
    if not a or not b:
        a, b = ({word for word in words if len(word) > 1} for words in (a, b))
    for one in sorted(a):
        slip = next((o for o in sorted(b) if min(len(one), len(o)) > 4 and _is_slip(one, o)), None)
        if slip:
            a.remove(one)
            b.remove(slip)
    return a, b


def _is_more(name: str, a: str, b: str, spans: list[tuple[int, int, int, int]]) -> bool:
    """Tell whether a herb of a is one more of its list, or stands in place of another known name;
    else a part of it is missing: 黄[耆|□]."""
    at = a.index(name)
    end = at + len(name)
    for i, j, k, m in spans:
        if i <= at and end <= j:
            return _MISSING not in b[k:m]
        if (
            i < end
            and at < j
            and j - i == m - k
            and _are_names(a, max(i, at), b, k + max(at - i, 0))
        ):
            return True
    return False


def _is_there(name: str, text: str, kind: str, beside: bool, old: bool) -> bool:
    """Tell whether a text has a name, but for one character that makes no other known name of it:
    龟版 for 龟板, 黄苓 for 黄芩, or a missing glyph."""
    size = len(name)
    if (size < 3 and not old) or (kind not in ("herb", "point") and (size < 3 or beside)):
        return False  # of two characters one is too little to tell a slip from another name
    sizes = (size,) if size < 3 else (size - 1, size, size + 1)
    for width in sizes:
        for at in range(len(text) - width + 1):
            like = text[at : at + width]
            if _is_slip(name, like) and like not in _KNOWN and PLACE not in like:
                return True
    return False


def _is_slip(one: str, other: str) -> bool:
    """Tell whether two words differ in one character: another, one more, or one less."""
    head = _common(one, other)
    tail = _common(one[head:][::-1], other[head:][::-1])
    return max(len(one), len(other)) - head - tail <= 1


def _names(text: str) -> dict[str, dict[str, None]]:
    """Return of each kind that there is the longest known names of a text, from the left."""
    found: dict[str, dict[str, None]] = {}
    ends: dict[str, int] = {}
    begins = [(at, two) for at, two in enumerate(map(add, text, text[1:])) if two in _KINDS_OF]
    for at, two in begins:
        for kind in _KINDS_OF[two]:
            if at < ends.get(kind, 0):
                continue
            words = _NAMES[kind]
            for end in range(min(at + _LONGEST_NAME, len(text)), at + 1, -1):
                if text[at:end] in words:
                    found.setdefault(kind, {})[text[at:end]] = None
                    ends[kind] = end
                    break
    return found


def _replaced(a: str, b: str, span: tuple[int, int, int, int]) -> Difference | None:
    """Weigh one place where characters stand in place of others."""
    i, j, k, m = span
    one, other = a[i:j], b[k:m]
    if not (one and other) or _MISSING in one + other or (one, other) in _SLIPS:
        return None
    kind = _kind_of(a, b, span)
    if not kind:
        return None
    return Difference(kind, _short(a[max(0, i - 2) : j + 2]), _short(b[max(0, k - 2) : m + 2]))


def _kind_of(a: str, b: str, span: tuple[int, int, int, int]) -> str | None:
    """Return what characters are that stand in place of others, if they have weight."""
    i, j, k, m = span
    one, other = a[i:j], b[k:m]
    if max(len(one), len(other)) <= 6:
        mine = [sign for sign in dict.fromkeys(one) if sign not in other]
        theirs = [sign for sign in dict.fromkeys(other) if sign not in one]
        for x in mine:
            for y in theirs:
                if kind := _OPPOSITE.get(frozenset((x, y))):
                    return kind
        parts = {part for sign in mine for part in _PARTS.get(sign, ())}
        if parts and any(part in parts for sign in theirs for part in _PARTS.get(sign, ())):
            return "part"
    if one[-1] in "癌瘤" or other[-1] in "癌瘤":
        return "disease"
    for kind, ends in _ENDS.items():
        if _named(a, i, j, ends) and _named(b, k, m, ends):
            return kind
    return None


def _are_names(a: str, i: int, b: str, k: int) -> bool:
    """Tell whether a changed character, of a[i] and b[k], makes one known name of another."""
    return any(
        a[i - before : i + behind] in _KNOWN and b[k - before : k + behind] in _KNOWN
        for before in range(min(i, k, _LONGEST_NAME - 1) + 1)
        for behind in range(1, _LONGEST_NAME - before + 1)
    )


_GAP = 3
_HAN = re.compile("[\u4e00-\u9fff]*")


def _named(text: str, i: int, j: int, ends: Sequence[str]) -> bool:
    """Tell whether a changed piece is part of a word with one of these endings."""
    piece = text[i:j]
    near = text[i : j + _GAP + _LONGEST_END]
    for end in [end for end in ends if end in near]:
        # The ending is in the piece, or stands a few characters behind it.
        if piece.endswith(end) and (
            len(piece) > len(end) or (i > 0 and text[i - 1] not in _NO_PART)
        ):
            return True
        for gap in range(_GAP + 1 if len(end) > 1 else 2):
            if text.startswith(end, j + gap) and _HAN.fullmatch(text, j, j + gap):
                return piece[-1] not in _SEEN and not piece.isspace()
    return False


def _around(a: str, b: str, spans: list[tuple[int, int, int, int]]) -> tuple[str, str]:
    """Return what is told of two pieces that differ: the first place with a negation."""
    for i, j, k, m in spans:
        one, other = a[max(0, i - 1) : j + 2], b[max(0, k - 1) : m + 2]
        if bool(_NOT.search(one)) != bool(_NOT.search(other)):
            return one, other
    return a, b


def _short(text: str) -> str:
    text = text.replace(PLACE, "…").strip()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


_LABEL = re.compile(r"^(?:药品名称|通用名称?|商品名称?|名称|中文名|品名|方名|病名|标题|题目|篇名)")
_IS = re.compile("是|又称|又名|亦称|俗称|主治|(?<=.)为(?=一种)")


def _subject(left: Read, right: Read, old: bool) -> Difference | None:
    """Compare what two entries are about: their first words, before 是, a colon or a comma."""
    (one, named), (other, named_too) = _head(left), _head(right)
    if not one or not other or one == other:
        return None
    # A line more at the top; of a passage, any number of sentences.
    clauses, clauses_too = (side.clauses(0, len(side.said)) for side in (left, right))
    most = 3 if named and named_too else max(len(clauses), len(clauses_too))
    if other in clauses[1:most] or one in clauses_too[1:most]:
        return None
    bare, bare_too = (_usual(quantities(text)[1]) for text in (one, other))
    if bare == bare_too:
        return None
    if _MISSING in one + other:
        return None
    sure = named and named_too and not _is_slip(bare, bare_too)
    if old and not sure and not {bare, bare_too} <= _KNOWN:
        return None
    if not (named and named_too) and (_within(bare, bare_too) or _within(bare_too, bare)):
        return None
    return Difference("subject", _short(one), _short(other))


def _within(short: str, long: str) -> bool:
    """Tell whether the characters of one stand in the other, in their order."""
    rest = iter(long)
    return all(sign in rest for sign in short)


def _head(text: Read) -> tuple[str, bool]:
    """Return the subject of an entry, "" where its first words name none, and whether 是, a colon
    or the end of the line says that they do."""
    if not text.said:
        return "", False
    first, *others = text.clauses(0, min(len(text.said), 2))
    if label := _LABEL.match(first):
        return first[label.end() :] or (others[0] if others else ""), True
    head = _IS.split(first, maxsplit=1)[0]
    named = head != first or text.behind in (":", "\n")
    fits = 1 < len(head) <= (_HEAD if named else _SHORT_HEAD) and head[-1] not in "曰云言者"
    return (head, named) if fits else ("", False)
