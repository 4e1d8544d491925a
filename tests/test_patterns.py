"""No pattern of the library takes exponential or quadratic time: 1 MB of what is worst for each."""

from __future__ import annotations

import ast
import importlib
import re
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.test_safety import MODULES, ROOT, calls, imports

UNITS = [
    "a", "A", "1", " ", "\n", "\t", "\u3000", "一", "。", "，", "a ", "1 ", "1-", "1.", "a.", "a@", "a@a.", "-", "_a", "/",
    "http://", "http://a", "https://a.b/", "<", "<a", "<a ", "<!--", "<!DOCTYPE ", "<script ", "</", "<meta ", "<篇名>",
    "<目录>", "&", "&#1", "&amp", "\\", "\\x", "\\x\n", "\\r", "\\p", "{", '{"a":', '{"', '"', '"\\', "[", "(", "（", "【",
    "《", "`", "``a", "#", "# ", "|", ",", ", ", "第", "第一", "第一百二十", "第1章", "内", "属：", "书名：", "书名： ", "a: ",
    "a：1/", "KT", "HTKT", "%", " %", "@@@", "电话", "电话：", "微信", "微信号：", "QQ", "qq：1", "1 3", "13", "138 ", "+86",
    "010-", "（010）", "一三", "〇", "wxid_", "wxid_a", "住院号", "住院号：a", "编号 ", "\xa1\xa1", "\xc3\xa9", "Ã¤", "锟斤拷",
    "\ufffd", "?", "é?", "mg", "1mg", "1mg/", "每日1次", "不超过", "可能", "应", "如果", "，请", "<think>", "--- user\n",
    "charset=", "{# version 1", "·", "—", "“", "”", "\u200b", "\x00", "；", "!", "！", "]", "},", "} {", '", ', "  a  ", ":a:`",
]  # fmt: skip
"""What the worst texts are repeats of: each begins, or nearly makes, what some pattern seeks."""


FUNCTION = re.compile(r"re\.(compile|search|match|fullmatch|sub|split|find\w+)")
AT_THE_BEGINNING = {"match", "fullmatch"}
"""Methods that look for a pattern at one place of a text, not at each."""
ANYWHERE = frozenset({"finditer"})
"""What stands for all others."""
NOT_LONG = {
    "chimed_datasets.stages.text.patterns": "a list of all, each judged where it stands",
    "chimed_datasets.building.machines": "the address of a folder",
    "chimed_datasets.records.ledger._AT_END": "an excerpt of 80 characters",
    "chimed_datasets.records.ledger._AT_START": "an excerpt of 80 characters",
    "chimed_datasets.sources.files.looks._ABOUT": "the name of a file",
    "chimed_datasets.sources.parsing.json._TOKEN": "its reader stops at a text that does not end",
    "chimed_datasets.sources.parsing.labels._LISTED": "a label of 4,000 characters at most",
    "chimed_datasets.sources.parsing.literals._TOKEN": "its reader stops at a text without an end",
    "chimed_datasets.sources.parsing.speakers._MARK_BEHIND": "the last 64 characters of a turn",
    "chimed_datasets.sources.parsing.speakers._NOTE": "the name of a speaker, which is short",
    "chimed_datasets.stages.text.empty_talk": "the filter asks it of texts of 600 characters at most",
    "chimed_datasets.stages.text.scraps": "the filter asks it of texts of 600 characters at most",
    "chimed_datasets.sources.text._LEVELS": "headings have 40 characters at most",
    "chimed_datasets.sources.text._MARKDOWN": "headings have 40 characters at most",
}
"""Modules and patterns that never see a long text, or not all of one, and what they see."""


def patterns() -> dict[re.Pattern, tuple[str, frozenset[str]]]:
    """Return, for all patterns of the library that see text of any length, where each stands, and
    the methods that look for it."""
    found: dict[re.Pattern, tuple[str, frozenset[str]]] = {}
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name in NOT_LONG or not _has_patterns(tree):
            continue
        used = defaultdict(set)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used[node.value.id].add(node.attr)
        passed = set()
        for variable, value in vars(importlib.import_module(name)).items():
            for pattern in _inside(value, 3):
                if f"{name}.{variable}" in NOT_LONG:
                    passed.add(pattern)
                    continue
                own = variable.startswith("_") and used[variable] <= AT_THE_BEGINNING
                methods = frozenset(used[variable]) if own else ANYWHERE
                found.setdefault(pattern, (f"{name}.{variable}", methods or ANYWHERE))
        for called, node in calls(tree):
            if FUNCTION.fullmatch(called) and isinstance(node.args[0], ast.Constant):
                pattern = re.compile(node.args[0].value)
                if pattern.pattern not in {one.pattern for one in passed}:  # flags aside
                    methods = AT_THE_BEGINNING & {called.removeprefix("re.")}
                    found.setdefault(
                        pattern, (f"{name}:{node.lineno}", frozenset(methods) or ANYWHERE)
                    )
    return found


def _has_patterns(tree: ast.AST) -> bool:
    return "re" in imports(tree) or any(
        isinstance(node, ast.ImportFrom) and (node.module or "").endswith("patterns")
        for node in ast.walk(tree)
    )


def _inside(value: Any, depth: int) -> Iterator[re.Pattern]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, (dict, list, tuple)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one, depth - 1)


class _TooLong(Exception):
    pass


def seconds(pattern: re.Pattern, text: str, methods: frozenset[str]) -> float:
    """Return the CPU time of ``methods`` over ``text``; infinite beyond :data:`LIMIT`."""

    def stop(*_: object) -> None:
        raise _TooLong

    sought: Any = text.encode("utf-8") if isinstance(pattern.pattern, bytes) else text
    before = signal.signal(signal.SIGVTALRM, stop)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        for method in methods:
            found = getattr(pattern, method)(sought)
            for _ in found if method in ANYWHERE else ():
                pass
    except _TooLong:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.process_time() - start


SHORT, LONG = 1 << 11, 1 << 20
"""Sizes of texts, in characters: all are tried short, for each pattern the worst of them long."""
WORST = 3
LIMIT = 10.0
"""CPU seconds for a long text. A quadratic pattern has some 10^11 steps to take there, a linear one
some 10^8 at most, where it looks a hundred characters ahead from each: no machine mixes them up."""


def text_of(unit: str, end: str, size: int) -> str:
    return unit * (size // len(unit)) + end


def too_long(pattern: re.Pattern, methods: frozenset[str]) -> str | None:
    """Return the unit of a text that takes ``pattern`` more than :data:`LIMIT`."""
    took = {}
    for unit in UNITS:
        for end in ("", "x\u3000"):
            took[unit, end] = seconds(pattern, text_of(unit, end, SHORT), methods)
            if took[unit, end] > LIMIT:
                return unit
    for unit, end in sorted(took, key=took.__getitem__)[-WORST:]:
        if seconds(pattern, text_of(unit, end, LONG), methods) > LIMIT:
            return unit
    return None


def test_all_patterns_are_found():
    found = dict(patterns().values())
    assert len(found) > 100
    for name in ("stages.personal.net._EMAIL", "stages.filter._RUN", "sources.files.wrapped._NEW"):
        assert f"chimed_datasets.{name}" in found
    assert found["chimed_datasets.stages.personal.net._EMAIL"] == ANYWHERE
    assert found["chimed_datasets.sources.files.wrapped._NEW"] == {"match"}


@pytest.mark.parametrize("pattern", ["a*b", r"\s+$", "a+?x", "(a|b)*c", "(a+)+b"])
def test_a_pattern_that_is_not_linear_is_found(pattern, monkeypatch):
    monkeypatch.setitem(globals(), "LONG", 1 << 18)
    monkeypatch.setitem(globals(), "LIMIT", 0.5)
    monkeypatch.setitem(globals(), "WORST", 2 * len(UNITS))  # whatever short texts seemed to say
    assert too_long(re.compile(pattern), ANYWHERE) is not None


PARTS = 24
"""So many tests share the patterns, so that none takes minutes and two processes can have them."""


@pytest.mark.parametrize("part", range(PARTS))
def test_no_pattern_takes_more_than_linear_time(part):
    every = sorted(patterns().items(), key=lambda item: (item[1][0], item[0].pattern.__repr__()))
    found = {where: too_long(pattern, methods) for pattern, (where, methods) in every[part::PARTS]}
    assert {where: unit for where, unit in found.items() if unit is not None} == {}
