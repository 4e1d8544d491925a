"""No pattern of the library takes more than linear time, whatever the text: 1 MB of the worst goes
through each within seconds (`pytest -m slow tests/test_patterns.py`; here 16 kB)."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

import chimed_datasets
from tests.test_safety import MODULES, calls

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


def patterns() -> dict[re.Pattern, str]:
    """Return all patterns of the library, and where each stands."""
    found: dict[re.Pattern, str] = {}
    for module in pkgutil.walk_packages(chimed_datasets.__path__, "chimed_datasets."):
        if module.name.endswith("__main__") or ".examples" in module.name:
            continue
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            for pattern in _inside(value, 3):
                found.setdefault(pattern, f"{module.name}.{name}")
    for path in MODULES:
        for called, node in calls(ast.parse(path.read_text("utf-8"))):
            if re.fullmatch(r"re\.(compile|search|match|fullmatch|sub|split|find\w+)", called):
                told = node.args[0]
                if isinstance(told, ast.Constant):
                    found.setdefault(re.compile(told.value), f"{path.name}:{node.lineno}")
    return found


def _inside(value: Any, depth: int) -> Iterator[re.Pattern]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for one in value.values():
            yield from _inside(one, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for one in value:
            yield from _inside(one, depth - 1)


LIMIT = 10
"""CPU seconds. Within it no pattern that is quadratic gets through 1 MB of what is worst for it (some
10^11 steps), and every other one does, those that look hundreds of characters ahead included."""


class _TooLong(Exception):
    pass


def seconds(pattern: re.Pattern, text: str) -> float:
    """Return the CPU time of finding all in ``text``; infinite beyond :data:`LIMIT`."""

    def stop(*_: object) -> None:
        raise _TooLong

    sought: Any = text.encode("utf-8") if isinstance(pattern.pattern, bytes) else text
    before = signal.signal(signal.SIGVTALRM, stop)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        for _ in pattern.finditer(sought):
            pass
    except _TooLong:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.process_time() - start


def texts(size: int) -> Iterator[str]:
    """Yield the worst texts of some ``size`` characters."""
    for unit in UNITS:
        for end in ("", "x\u3000"):
            yield unit * (size // len(unit)) + end


def not_linear(pattern: re.Pattern, texts_: Iterable[str]) -> list[str]:
    """Return the beginnings of the texts over which ``pattern`` takes more than linear time: as
    short a time as a quadratic one cannot do with, or no more than 8 times as long for 4 times the
    text."""
    found = []
    for text in texts_:
        if seconds(pattern, text) > len(text) * 1e-6:
            once, more = (seconds(pattern, text * n) for n in (1, 4))
            if more > 8 * once:
                found.append(text[:20])
    return found


PATTERNS = patterns()


def test_all_patterns_are_found():
    names = set(PATTERNS.values())
    assert len(PATTERNS) > 100
    for name in ("stages.mask._EMAIL", "sources.tcm_classics._TITLE", "sources._rows._BETWEEN"):
        assert f"chimed_datasets.{name}" in names


@pytest.mark.parametrize("pattern", ["a*b", "(a|aa)*b|c", r"\s+$", "a+?x"])
def test_a_pattern_that_is_not_linear_is_found(pattern):
    assert not_linear(re.compile(pattern), texts(1 << 14))


def test_no_pattern_takes_more_than_linear_time():
    worst = list(texts(1 << 14))
    found = {where: not_linear(pattern, worst) for pattern, where in PATTERNS.items()}
    assert {where: begun for where, begun in found.items() if begun} == {}


@pytest.mark.slow
def test_no_pattern_takes_more_than_seconds_over_1_mb():
    found = []
    for text in texts(1 << 20):
        for pattern, where in PATTERNS.items():
            if seconds(pattern, text) > LIMIT:
                found.append((where, text[:20]))
    assert found == []
