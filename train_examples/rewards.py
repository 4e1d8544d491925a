"""Rewards by a rule: is the answer to an exam question right? For rows of the config `exam`.

`chosen` reads which options an answer in Chinese chooses, whatever the words: 答案是B; 选B、D;
"B. 心肌炎"; 应选择D项; 不是A，而是B. What was thought (<think>…</think>) and what is said of
options that are not chosen does not count. An answer that is not clear
chooses nothing, and one that names two options where one is asked is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

LONGEST = 8000
"""Characters that are looked at: of a longer answer the beginning and the end."""
_FULL = str.maketrans("ＡＢＣＤＥＦＧＨＩＪ（）：，．；＋", "ABCDEFGHIJ():,.;+")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)
_BOXED = re.compile(r"\\boxed\{\s{0,3}(?:\\text\{)?([^{}\n]{1,80})\}{1,2}")
_TAGGED = re.compile(r"<answer>\s{0,9}(.{1,200}?)\s{0,9}</answer>", re.S)
_MARKUP = re.compile(r"[*_`$#【】\[\]]+")
_WHY = re.compile(r"(?:\n|^|[。;])\s{0,9}(?:答案)?(?:解析|解释|分析|理由|说明)\s{0,3}[:：]")
_NOT_BEFORE = r"(?<![A-Za-z0-9])(?<!维生素)(?<!维他命)(?<!维生素 )(?<!抗体)(?<!蛋白)"
_NO_OPTION = "超|型|族|细胞|淋巴|链|波|肝|组链|群|期|级|区|点|反应|肽|蛋白|因子|受体"
"""Behind a letter: A型, B细胞, C反应蛋白."""
_NOT_BEHIND = rf"(?![A-Za-z0-9])(?!\s?(?:{_NO_OPTION}))"
_PIECE = rf"{_NOT_BEFORE}[A-J]{{1,10}}{_NOT_BEHIND}"
_AND = "(?:和|与|及|以及|或者?|and|or)"
_SEP = rf"(?:\s{{0,3}}[、,;/+&]\s{{0,3}}{_AND}?\s{{0,2}}|\s{{0,2}}{_AND}\s{{0,2}}|[ \t]{{1,4}})"
_NEXT_LINE = r"\s{0,3}\n\s{0,3}(?=[A-J]\s{0,3}(?:$|[\n、,;。.]))"
_LIST = re.compile(rf"{_PIECE}(?:(?:{_SEP}|{_NEXT_LINE}){_PIECE}){{0,9}}", re.M)
_DENIED_BEFORE = re.compile(
    r"(?:不是|并非|而非|不选择?|(?:不能|不应|不宜|不要|不会|未|别)选择?|不包括|不可能是|不考虑|排除了?|否定|除了?|非"
    r"|(?:误|错|勿|莫)选[择了为成]?|与其(?:选择?|说是?)?"
    r"|(?:[Nn]ot|n't|rather than|instead of|[Ee]xclud\w{1,3}|[Ee]liminat\w{1,3}|[Rr]ul\w{1,3} out))"
    r"\s{0,2}[:：]?\s{0,2}(?:选项|[Oo]ptions?)?\s{0,2}$"
)
_DENIED_BEHIND = re.compile(
    r"\s{0,2}(?:[二三四五两]?[个]?选?项)?\s{0,2}(?:[:：]|则|也|均|都|全|是|为|属于|的?说法|的?描述|应|可以?|应该|予以|故|被|这|\||\s){0,5}"
    r"(?:不(?!同|仅|仅仅|但|只|[选是]\s?[A-J])|错|误|有误|排除|无关|干扰|[✗×✘❌✖]|欠妥)"
    r"|\s{0,2}\(\s{0,2}(?:错误?|不对|不正确|不选|[✗×✘❌✖])\s{0,2}\)"
    r"|\s{1,2}(?:is|are|was|were)"
    r"(?:\s{1,2}not\b|n't|\s{1,2}(?:both |all )?(?:wrong|incorrect|false|excluded))"
)
_EXCEPT_BEHIND = re.compile(
    r"\s{0,2}[选]?项?\s{0,2}(?:(?:之?外|以外)[^\n。;,]{0,8}?|,?\s{0,2}(?=其余|其他|其它|剩下))"
    r"(?:均|都|全部?|皆|其余|其[他它]|剩下)[^\n。;,不错排]{0,6}"
    r"(?:正确|对|是|符合|选|可以选)"
)
_CONCLUDES = re.compile(
    r"(?:答案|答案应?该?[选是为]|答案[\u4e00-\u9fff]{0,4}[是为选]|[Aa]nswer|ANSWER|结论|正确选项|正确的选项|正确的[一]?项|正确的|选择|选项?|答|填)"
    r"\s{0,3}(?:应该?|应当|就|该|便|可能|仍|还|只|is|有|包括|分别|\s){0,3}(?:是|为|选择?)?\s{0,3}[:：=]?\s{0,3}[(\"“‘']?\s{0,2}$"
)
_DENIED = re.compile(r"不(?!如|妨)|并非|排除|非|未|错误|除|与其")
_MUST = (
    re.compile(r"非(?:选择?)?\s{0,2}(?:选项)?\s{0,2}$"),
    re.compile(r"\s{0,2}选?项?\s{0,2}(?:不可|莫属)"),
)
"""非B不可, 非B莫属: the letter is chosen."""
_LEANS = re.compile(
    r"(?<!不)(?<!先)(?:考虑|倾向于?|支持|更像|最像)(?:是|为|选择?)?\s{0,2}(?:选项)?\s{0,2}$"
)
_IF = re.compile(
    r"(?:如果|若|假如|倘若|要是|假设)[^\n。;,A-J]{0,30}(?:,\s?)?(?:则|就|那么|便)?[^\n。;,A-J]{0,6}$"
)
_ARTICLE = re.compile(r"\s{1,2}(?!(?:is|are|was|and|or|as|because|since|for|has|would)\b)[a-z]{2}")
"""Behind A: a word of English, of which it is the article."""
_AFFIRMED = re.compile(
    r"\s{0,2}(?:[二三四五两]?[个]?选?项)?\s{0,2}(?:[:：]|则|也|均|都|全|是|为|本题|这道?题|此题|该题|的|更|较|最|完全|才|的?说法|的?描述|\||\s){0,4}"
    r"(?:正确|对(?!于|比|照|症)|符合|[✓√✔✅☑]|答案|恰当|合适|准确)"
    r"|\s{0,2}\(\s{0,2}(?:对|正确|选|[✓√✔✅☑])\s{0,2}\)"
    r"|\s{1,2}(?:is|are)\s{1,2}(?:both |all |the )?(?:correct|right|true|best|answer)"
)
_CORRECTS = re.compile(
    "不对|重新|更正|修正|应改|改为|改选|应为|应该是|再想|再看|等等|错了|不过|但是|然而|综合"
)
_ALL = re.compile(
    r"(?:以上|上述|全部|所有)(?:选项|各项|说法|的?选项)?(?:全部?|都|均|皆)?(?:是|对|正确|符合|可以?|选)"
    r"|(?<![不非勿莫])(?<!不能)(?<!不要)(?<!不应)全(?:部|都)?(?:应该?|要|可)?选"
)
_NO_TEXT = re.compile(
    r"(?:不是|并非|而非|排除了?|不考虑|不支持|除外|无|没有|不选|不符合|不像|非)(?:[:：、,]|单纯|典型的?|\s){0,2}$"
)
_ANSWER_WORD = re.compile(r"(?:答案|故选|应选|选择?)\s{0,3}(?:应该?|应当)?(?:是|为)?\s{0,3}[:：]?")


class _Found(NamedTuple):
    """Letters at a place of an answer, and what is said of them."""

    start: int
    end: int
    letters: frozenset[str]
    says: str  # "chosen", "right", "leans", "denied" or "named"


def chosen(said: str, options: Mapping[str, str], *, several: bool = False) -> str:
    """Return the letters of the options that an answer chooses, in their order; "" for none, or
    where it is not clear.

    options: letter -> text. several: whether all right ones are asked for; then 以上都是 chooses
    all.
    """
    text = _bare(said, options)
    letters = "".join(options)
    if re.fullmatch(r"\s*[a-j]{1,10}\s*[.。]?\s*", text):
        text = text.upper()
    found = list(_lists(text, options))
    cut = _WHY.search(text)
    if cut and any(one.end <= cut.start() and one.says != "denied" for one in found):
        found = [one for one in found if one.end <= cut.start()]
    right = _decided(found, text)
    if right is None:
        right = _by_text(text, options)
        if not right and several and _ALL.search(text):
            right = frozenset(options)
        named = frozenset().union(*(one.letters for one in found if one.says == "named"))
        right = right or named
    return "".join(letter for letter in letters if letter in right)


def exam_reward(
    completions: Sequence[str | list[dict]],
    answer: Sequence[str],
    answer_type: Sequence[str],
    options: Sequence[list[dict]],
    **_: object,
) -> list[float]:
    """Return 1 for each answer that chooses the right options and no other, else 0."""
    rewards = []
    for said, right, kind, some in zip(completions, answer, answer_type, options, strict=True):
        text = said if isinstance(said, str) else said[-1]["content"]
        texts = {option["letter"]: option["text"] for option in some}
        rewards.append(float(chosen(text, texts, several=kind == "multiple") == right))
    return rewards


def _bare(said: str, options: Mapping[str, str]) -> str:
    """Return an answer without thoughts and markup; an option that it writes out is a letter."""
    if len(said) > LONGEST:
        said = f"{said[: LONGEST // 4]}\n{said[-LONGEST * 3 // 4 :]}"
    text = _THOUGHT.sub("\n", said.translate(_FULL))
    text = _BOXED.sub(r" 最终答案：\1。 ", text)
    text = _TAGGED.sub(r" 最终答案：\1。 ", text)
    text = _MARKUP.sub("", text).strip()
    text = re.sub(r"\(\s{0,2}([A-J]{1,10})\s{0,2}\)", r" \1 ", text)
    for letter, option in options.items():
        own = re.escape(option.translate(_FULL).strip())
        text = re.sub(
            rf"{_NOT_BEFORE}{letter}\s{{0,2}}[.、:：)]?\s{{0,2}}(?:[(]{own}[)]|[(]?{own}[)]?(?![\u4e00-\u9fff]))",
            letter,
            text,
        )
    return text.strip()


def _lists(text: str, options: Mapping[str, str]) -> Iterator[_Found]:
    """Yield the letters of options in a text, those that stand together as one."""
    for match in _LIST.finditer(text):
        named = frozenset(re.findall("[A-J]", match[0]))
        if not named <= set(options):
            continue
        behind = text[match.end() :][:40]
        if match[0] == "A" and _ARTICLE.match(behind):
            continue
        sentence = text[max(match.start() - 48, 0) : match.start()]
        before = re.split(r"[\n。;,，；]", sentence[-16:])[-1]
        for one in _judged(match, named, before, behind, options):
            if one.says == "chosen" and _IF.search(sentence):
                one = one._replace(says="named")
            yield one


def _judged(
    match: re.Match, named: frozenset[str], before: str, behind: str, options: Mapping[str, str]
) -> Iterator[_Found]:
    start, end = match.span()
    if re.search(r"除了?\s{0,2}$", before) and not before.rstrip().endswith("排除"):
        if _EXCEPT_BEHIND.match(behind):
            yield _Found(start, end, frozenset(options) - named, "chosen")
            return
        if re.match(r"\s{0,2}[选]?项?\s{0,2}(?:之?外|以外)", behind):
            return
    if _MUST[0].search(before) and _MUST[1].match(behind):
        yield _Found(start, end, named, "chosen")
        return
    concludes = _CONCLUDES.search(before)
    denied = _DENIED_BEFORE.search(before) or (
        concludes and _DENIED.search(before[max(concludes.start() - 3, 0) :])
    )
    if denied:
        yield _Found(start, end, named, "denied")
        return
    if _DENIED_BEHIND.match(behind):
        # 选A、C，B不选: what stands behind the last comma alone is denied.
        cut = max(match[0].rfind(","), match[0].rfind(";"))
        first = match[0][: max(cut, 0)]
        kept = frozenset(re.findall("[A-J]", first)) if "、" in first or concludes else frozenset()
        if kept:
            yield _Found(start, start + cut, kept, "chosen" if concludes else "named")
        yield _Found(start + len(first), end, named - kept, "denied")
        return
    leans = "leans" if _LEANS.search(before) else "named"
    says = "chosen" if concludes else "right" if _AFFIRMED.match(behind) else leans
    own = re.match(r"\s{0,2}[.、:：)]\s{0,2}|\s{1,2}", behind)
    if own:  # the letter of one option before the text of another
        rest = behind[own.end() :]
        named |= {letter for letter, text in options.items() if rest.startswith(text)}
    yield _Found(start, end, named, says)


def _decided(found: Sequence[_Found], text: str) -> frozenset[str] | None:
    """Return what the lists of letters choose; None where they say nothing for sure."""
    conclusions = [one for one in found if one.says == "chosen"]
    if conclusions:
        right = conclusions[0].letters
        for last, one in pairwise(conclusions):
            corrected = _CORRECTS.search(text[last.end : one.start])
            right = one.letters if corrected or one.letters == right else right | one.letters
        return right
    if affirmed := [one.letters for one in found if one.says == "right"]:
        return frozenset().union(*affirmed)
    if leans := [one.letters for one in found if one.says == "leans"]:
        return leans[-1]
    if found and found[0].start == 0 and found[0].says == "named":
        begins = re.match(r"\s{0,2}(?:$|[\n。.:：、,;]|因|（)", text[found[0].end :])
        if begins:
            return found[0].letters
    return None


def _by_text(text: str, options: Mapping[str, str]) -> frozenset[str]:
    """Return the options whose texts stand in an answer and are not denied; of nested ones the
    longest. What stands behind 答案 counts alone, where an option does."""
    places = [match.end() for match in _ANSWER_WORD.finditer(text)]
    for part in ([text[places[-1] :]] if places else []) + [text]:
        taken = [False] * len(part)
        right = set()
        for letter, option in sorted(options.items(), key=lambda pair: -len(pair[1])):
            own, at = option.translate(_FULL).strip(), -1
            while own and (at := part.find(own, at + 1)) >= 0:
                if any(taken[at : at + len(own)]):
                    continue
                taken[at : at + len(own)] = [True] * len(own)
                if not _NO_TEXT.search(part[max(at - 8, 0) : at]):
                    right.add(letter)
        if right:
            return frozenset(right)
    return frozenset()
