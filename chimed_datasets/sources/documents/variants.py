"""Chinese in several scripts within one wiki text: ``-{zh-hans:软件;zh-hant:軟體}-`` and its kin.

A rule may stand in a template and a template in a rule, and rules in rules. Within nowiki,
formulas, code and comments there are none.
"""

from __future__ import annotations

import re

VARIANTS = ("zh-cn", "zh-tw", "zh-hk", "zh-sg", "zh-mo", "zh-my", "zh-hans", "zh-hant")
_SIMPLE = ("zh-cn", "zh-hans", "zh-sg", "zh-my")
_FULL = ("zh-tw", "zh-hant", "zh-hk", "zh-mo")
_TOKEN = re.compile(
    r"-\{(?!\{)|\}-|\{\{|\}\}|<!--|<(?=(?:nowiki|math|chem|pre|code|syntaxhighlight|source)[\s>])",
    re.I,
)
_ENDS = re.compile(r"[A-Za-z]+")
_FLAGS = re.compile(r"\s*((?:[A-Za-z-]{1,8}\s*;?\s*){0,8})\|")
_RULE = re.compile(
    r"(?:\A|;)\s{0,20}([^;=<>\[\]{}]{0,60}=>)?\s{0,20}(zh(?:-[a-z]{2,4})?)\s{0,20}:", re.I
)
_HIDDEN = {"H", "T", "-"}
_KNOWN = {"A", "D", "H", "N", "R", "S", "T", "-", "+"}
_NAMES = {"zh": "中文", "zh-cn": "大陆简体", "zh-hans": "简体", "zh-tw": "台灣正體",
          "zh-hant": "繁體", "zh-hk": "香港繁體", "zh-sg": "新加坡简体", "zh-mo": "澳門繁體",
          "zh-my": "大马简体"}  # fmt: skip


def order_of(variant: str) -> tuple[str, ...]:
    """Return the variants in the order in which a reader of ``variant`` is shown them."""
    near, far = (_SIMPLE, _FULL) if variant in _SIMPLE else (_FULL, _SIMPLE)
    return tuple(dict.fromkeys((variant, *near, "zh", *far)))


def resolved(text: str, variant: str = "zh-cn") -> str:
    """Return a wiki text without comments, in which each rule is what a reader of ``variant`` sees.

    >>> resolved("-{zh-hans:软件;zh-hant:軟體}-和-{zh-cn:甲;zh-hans:乙}-")
    '软件和甲'
    >>> resolved("{{tpl|-{H|zh-hans:甲;zh-hant:乙}-}}-{龍}-")
    '{{tpl|}}龍'
    """
    if "-{" not in text and "<!--" not in text:
        return text
    order = order_of(variant)
    # Of each open rule: its pieces so far, and how many templates are open in it.
    stack: list[tuple[list[str], list[int]]] = [([], [0])]
    lowered = text.lower()
    lowered = lowered if len(lowered) == len(text) else text
    absent: set[str] = set()
    at = 0
    while found := _TOKEN.search(text, at):
        pieces, depth = stack[-1]
        pieces.append(text[at : found.start()])
        sign, at = found[0], found.end()
        if sign == "-{":
            stack.append(([], [0]))
        elif sign == "{{":
            depth[0] += 1
            pieces.append(sign)
        elif sign == "}}":
            if depth[0] or len(stack) == 1:
                depth[0] = max(depth[0] - 1, 0)
                pieces.append(sign)
            elif text.startswith("-", at):  # "}}-": the brace of something, then a rule's end
                pieces.append("}")
                at -= 1
            else:
                pieces.append(sign)
        elif sign == "}-":
            if len(stack) > 1 and not depth[0]:
                stack.pop()
                stack[-1][0].append(_seen("".join(pieces), order))
            else:
                pieces.append(sign)
        else:  # what is no wiki text; a comment, which may never end, is nothing
            end = _end(lowered, sign, at, absent)
            pieces.append("" if sign == "<!--" else text[found.start() : end])
            at = end
    stack[-1][0].append(text[at:])
    while len(stack) > 1:  # never closed: it is text
        pieces, _ = stack.pop()
        stack[-1][0].append("-{" + "".join(pieces))
    return "".join(stack[0][0])


def _end(lowered: str, sign: str, at: int, absent: set[str]) -> int:
    """Return where what begins before ``at`` ends: a comment, or an element without wiki text.
    absent: closing signs that do not come again."""
    if sign == "<!--":
        opened, closing = at, "-->"
    else:
        name = _ENDS.match(lowered, at)
        assert name is not None  # the token looked ahead to it
        opened, closing = lowered.find(">", at), f"</{name[0]}"
        if opened < 0 or lowered[opened - 1] == "/":
            return at if opened < 0 else opened + 1
    end = -1 if closing in absent else lowered.find(closing, opened)
    if end < 0:
        absent.add(closing)
        return len(lowered) if sign == "<!--" else opened + 1
    return end + len(closing)


def _seen(rule: str, order: tuple[str, ...]) -> str:
    """Return what a reader sees of a rule's content."""
    flags: set[str] = set()
    if found := _FLAGS.match(rule):
        flags = {flag.strip() for flag in found[1].split(";")} - {""}
        if all(flag.upper() in _KNOWN or flag.lower().startswith("zh") for flag in flags):
            rule = rule[found.end() :]
            flags = {flag.upper() if len(flag) == 1 else flag.lower() for flag in flags}
        else:
            flags = set()
    if flags & _HIDDEN:
        return ""
    if "R" in flags or any(flag.startswith("zh") for flag in flags):
        return rule
    if "N" in flags:
        return _NAMES.get(rule.strip().lower(), rule)
    values: dict[str, str] = {}
    rules = list(_RULE.finditer(rule))
    for number, one in enumerate(rules):
        end = rules[number + 1].start() if number + 1 < len(rules) else len(rule)
        if not one[1]:
            values.setdefault(one[2].lower(), rule[one.end() : end].strip().removesuffix(";"))
    if not rules or rules[0].start() > 0:
        return rule
    return next((values[name] for name in order if name in values), next(iter(values.values()), ""))
