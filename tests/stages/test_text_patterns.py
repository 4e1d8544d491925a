"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from chimed_datasets.stages.text.patterns import pattern


@pytest.mark.parametrize(
    ("source", "flags", "text", "found"),
    [("a(b+)", 0, "xabb", "abb"), ("a(b+)", re.I, "xABB", "ABB"), ("a", 0, "b", None)],
)
def test_a_pattern_finds_what_re_finds(source, flags, text, found):
    lazy, plain = pattern(source, flags), re.compile(source, flags)
    assert isinstance(lazy, re.Pattern)
    for _ in range(2):  # the first use compiles
        match = lazy.search(text)
        assert (match and match[0]) == found
    assert lazy.sub("", text) == plain.sub("", text)
    assert (lazy.pattern, lazy.flags, lazy.groups) == (plain.pattern, plain.flags, plain.groups)


def test_an_error_comes_with_the_first_use():
    broken = pattern("(")
    with pytest.raises(re.error):
        broken.search("")
