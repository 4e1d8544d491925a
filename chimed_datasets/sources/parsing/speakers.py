"""Who speaks: the names of speakers, and texts that begin with one (医生：…)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ...records import excerpt
from .row import RowError, text_of

_NAMES = {
    "user": (
        "user", "human", "patient", "client", "customer", "questioner", "asker", "prompter",
        "患者", "病人", "患者家属", "病人家属", "家属", "家长", "用户", "咨询者", "咨询人",
        "提问者", "提问人", "求助者", "来访者", "网友", "顾客", "问", "问题", "提问", "q",
        "question",
    ),
    "assistant": (
        "assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "ai", "doctor", "physician",
        "nurse", "pharmacist", "therapist", "counselor", "counsellor", "expert",
        "医生", "大夫", "医师", "主任", "主任医师", "副主任医师", "主治医师", "教授", "专家",
        "药师", "药剂师", "护士", "咨询师", "心理咨询师", "治疗师", "客服", "助手", "助理",
        "医生助理", "医助", "机器人", "ai助手", "ai医生", "智能助手", "回答者", "答", "答案",
        "回答", "解答", "回复", "answer",
    ),
    "system": ("system", "developer", "系统"),
}  # fmt: skip
ROLE_OF = {name: role for role, names in _NAMES.items() for name in names}
"""The names of speakers that layouts use, and the role that each stands for."""

TOOLS = ("tool", "function", "tool_call", "tool_response", "observation", "function_call")
"""Speakers of a dialogue that uses tools, which no config holds."""

_SIMPLE = str.maketrans(
    "醫師護藥劑問題詢諮訪網覆復專網長屬統機導", "医师护药剂问题询咨访网复复专网长属统机导"
)
_FRAME = " \t\r\n\u3000[]【】()（）<>《》「」*#|"
_NOTE = re.compile(r"(.+?)\s*[(（\[【<].*[)）\]】>]")
_NUMBERED = re.compile(
    r"(.*[一-鿿])[\s_#-]*(?:\d{1,4}|[a-z]|[甲乙丙丁])|(.*[a-z])[\s_#-]*\d{1,4}|(.*[a-z])[\s_#-]+[a-z]"
)
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎鲁韦马苗凤"
    "花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元顾孟平黄穆萧肖尹姚邵汪祁毛狄米"
    "明戴宋庞熊纪舒屈项祝董梁杜阮蓝闵席季贾路娄江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍虞万柯管卢莫房丁邓"
    "洪包左石崔龚程邢裴陆翁荀惠甄曲封储靳段富焦巴牧车侯全班仲宁仇甘武符刘景詹龙叶黎乔温闫阎涂覃辛兰冉牛艾"
)
_TITLED = re.compile(
    rf"(?!谢谢|于是|任何|许多|任意|时候|常见)(?:[{_SURNAMES}][一-鿿]{{0,2}}|(?:欧阳|上官|诸葛|司马|司徒|夏侯|皇甫|尉迟)[一-鿿]{{0,2}}"
    r"|主治|住院|主管|接诊|值班|全科|家庭|在线|门诊|急诊|中医|西医|专科|责任|智能|虚拟|ai|[一-鿿]{1,4}科)"
    r"(?:医生|大夫|医师|主任|教授|专家|药师|主任医师|副主任医师|主治医师|护士)"
    r"|(?:dr\.?|doctor|prof\.?)\s+[a-z][a-z .]*"
)  # fmt: skip


MAX_NAME_CHARS = 40


@lru_cache(4096)
def speaker(name: str) -> str | None:
    """Return the role that a speaker's name stands for, or None.

    The name may be framed (【医生】), numbered (患者2, 医生A), noted (医生（内科）), and a
    doctor's may be told (王医生, 儿科医生, Dr. Wang). Either script will do.
    """
    bare = name.strip().lower().translate(_SIMPLE)
    if bare in ROLE_OF:
        return ROLE_OF[bare]
    if len(bare) > MAX_NAME_CHARS:
        return None
    if noted := _NOTE.fullmatch(bare):
        bare = noted[1]
    bare = bare.strip(_FRAME)
    for form in (bare, _unnumbered(bare)):
        if form in ROLE_OF:
            return ROLE_OF[form]
        if _TITLED.fullmatch(form):
            return "assistant"
    return None


def _unnumbered(name: str) -> str:
    found = _NUMBERED.fullmatch(name)
    return next(filter(None, found.groups())).rstrip(" _#-") if found else name


def role(name: Any) -> str:
    """Return the role of a speaker. Raises RowError "unknown_role" or "tool_use"."""
    known = speaker(name) if isinstance(name, str) else speaker(text_of(name))
    if known is None and text_of(name).strip().lower() in TOOLS:
        raise RowError("tool_use", f"a turn of {name!r}: dialogues that use tools are not read")
    if known is None:
        raise RowError("unknown_role", f"{excerpt(repr(name))}; known: {', '.join(ROLE_OF)}")
    return known


class Said(NamedTuple):
    """A text and who says it: a role, or None where the text does not name its speaker.

    name: what stands where a speaker's name would, in lower case; "" for nothing.
    """

    role: str | None
    text: str
    name: str = ""


_NAME_CHARS = 64
"""A name is not looked for beyond this, blanks before it included."""
_OPENS = ("【", "[")
_NAMED = re.compile(
    r"\s*(?:(?P<name>[^\s：:【\[][^：:\n]{0,23}?)\s*[：:]|[【\[](?P<framed>[^】\]\n]{1,16})[】\]]\s*[：:]?)"
)
_PERHAPS_A_NAME = re.compile(r"[^\W\d][\w· ]{0,9}")


def _may_name(text: str) -> bool:
    """Whether a text may begin with a speaker: quick, and never wrong where it says no."""
    head = text[:_NAME_CHARS]
    return "：" in head or ":" in head or head.lstrip()[:1] in _OPENS


def _said(text: str, answers: bool = False) -> Said:
    """Part the speaker's name from a text. answers: whether A stands for one, beside Q."""
    found = _NAMED.match(text) if _may_name(text) else None
    if not found:
        return Said(None, text)
    name = (found["name"] or found["framed"]).lower()
    by = speaker(name) or ("assistant" if answers and _unnumbered(name.strip()) == "a" else None)
    if by:
        return Said(by, text[found.end() :], name)
    rest = text[found.end() :]
    is_name = found["name"] and _PERHAPS_A_NAME.fullmatch(name) and not rest.startswith("//")
    is_time = name[-1].isdigit() and rest[:1].isdigit()  # 早上8:30
    return Said(None, text, name if is_name and not is_time else "")


def spoken(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the turns of texts as (role, text).

    Each says who speaks by a leading name ("问：", "医生："), which is cut. Where none does, user
    and assistant take turns. A single text without a name between two of one speaker, or at an
    end, is the other speaker's.

    Raises RowError "unknown_role" where that would be a guess: for other texts without a name, and
    where names stand that nobody knows.
    """
    plain = [text.partition("：") for text in texts]
    if all(colon and name in ROLE_OF and "\n" not in said for name, colon, said in plain):
        return [(ROLE_OF[name], said) for name, _, said in plain]
    if not any(map(_may_name, texts)):
        return [(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]
    said = [_said(text) for text in texts]
    if any(one.name[:1] == "q" and _unnumbered(one.name) == "q" for one in said):
        said = [_said(text, answers=True) for text in texts]
    names = {one.name for one in said if one.role}
    begin = next((n for n, one in enumerate(said) if one.role != "system"), len(said))
    system, talk = said[:begin], said[begin:]
    roles = [one.role for one in talk]
    if not any(roles):
        strange = [one.name for one in talk if one.name]
        if len(strange) > 1 and 2 * len(strange) > len(talk):
            raise RowError("unknown_role", f"{_listed(strange)}; known: {', '.join(ROLE_OF)}")
        roles = [("user", "assistant")[number % 2] for number in range(len(talk))]
    elif None in roles:
        roles = _others(talk)
    made = [("system", one.text) for one in system]
    for by, one in zip(roles, talk, strict=True):
        assert by is not None
        made += _within(by, one, names if len(texts) > 1 else None)
    return made


def _listed(names: Sequence[str]) -> str:
    return excerpt(", ".join(map(repr, dict.fromkeys(names))))


def _others(talk: Sequence[Said]) -> list[str | None]:
    """Return the roles of turns of which some name no speaker; see :func:`spoken`."""
    roles: list[str | None] = [one.role for one in talk]
    for number, one in enumerate(talk):
        if one.role:
            continue
        before = talk[number - 1] if number else None
        after = talk[number + 1] if number + 1 < len(talk) else None
        beside = [near.role for near in (before, after) if near]
        told = f"turn {number + 1} of {len(talk)}: {excerpt(one.text)}"
        if one.name in TOOLS:
            raise RowError("tool_use", told)
        if one.name:
            raise RowError("unknown_role", f"{one.name!r} at the beginning of {told}")
        if None in beside or "system" in beside or len(set(beside)) > 1 or _LISTED.match(one.text):
            raise RowError("unknown_role", f"others name their speaker, not {told}")
        roles[number] = "assistant" if beside[0] == "user" else "user"
    if len({one.role for one in talk if one.role}) == 1 and roles[0] != "user":
        raise RowError("unknown_role", f"one speaker alone is named: {excerpt(talk[0].text)}")
    return roles


_LISTED = re.compile(r"\s*(?:[(（]?\d{1,2}\s*[.、)）．]|[①-⑳]|[-*•·])")
"""What goes on rather than answers: an item of a list."""


def _within(by: str, one: Said, names: set[str] | None) -> list[tuple[str, str]]:
    """Part a text further at lines that begin with one of ``names`` (any, if None) of another
    speaker."""
    if not one.role or "\n" not in one.text:
        return [(by, one.text)]
    parts = [(by, [one.text.split("\n", 1)[0]])]
    for line in one.text.split("\n")[1:]:
        next_one = _said(line)
        known = next_one.role and (names is None or next_one.name in names)
        if known and next_one.role != parts[-1][0]:
            parts.append((str(next_one.role), [next_one.text]))
        else:
            parts[-1][1].append(line)
    if len(parts) == 1:
        return [(by, one.text)]
    return [(whose, "\n".join(lines).strip("\n")) for whose, lines in parts]


def transcript(text: str) -> list[tuple[str, str]]:
    """Return the turns of a whole dialogue in one text, whose lines begin with the speakers; none
    where it does not begin with one, or one alone speaks."""
    if "\n" not in text or not (first := _said(text)).role:
        return []
    made = _within(str(first.role), first, None)
    return made if len({by for by, _ in made}) > 1 else []


_MARK = re.compile(
    r"<\|(?:im_start|start_header_id)\|>\s*([^\s<>|]{1,16})\s*(?:<\|end_header_id\|>)?"
    r"|<\|?([^\s<>|/]{2,16})\|?>\s*[:：]?"
)
_MARK_BEFORE = re.compile(r"(?:<s>|<\|begin_of_text\|>|\s)*")
_MARK_BEHIND = re.compile(r"(?:</s>|<\|(?:im_end|eot_id|end)\|>|</[^\s<>|/]{2,16}>|\s)+\Z")
"""The longest end that is marks and blanks alone; see :func:`marked`."""


def marked(text: str) -> list[tuple[str, str]]:
    """Return the turns of a text in which marks in angle brackets part the speakers: <user>: …
    <bot>: …, <|user|>…, <|im_start|>user…<|im_end|>; none where it begins with no such mark."""
    if "<" not in text[:_NAME_CHARS]:
        return []
    names = [(mark, ROLE_OF.get((mark[1] or mark[2]).lower())) for mark in _MARK.finditer(text)]
    marks = [(mark, by) for mark, by in names if by]
    begin = _MARK_BEFORE.match(text)
    if not marks or begin is None or marks[0][0].start() != begin.end():
        return []
    ends = [mark.start() for mark, _ in marks[1:]] + [len(text)]
    return [
        (by, _unended(text[mark.end() : end]).strip())
        for (mark, by), end in zip(marks, ends, strict=True)
    ]


def _unended(said: str) -> str:
    """Leave out the marks that end a turn."""
    tail = said[-_NAME_CHARS:]
    return said[: len(said) - len(tail)] + _MARK_BEHIND.sub("", tail)
