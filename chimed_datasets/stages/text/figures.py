"""How much of a text is words of another language, or signs, where it is full of figures.

A blood count, a prescription and a table hold few Chinese characters and are Chinese all the same:
figures, units, abbreviations (HBsAg, LVEF) and the signs of a table do not count against a text, a
name in Latin letters (lenvatinib) counts half. A sentence in English does: its small words tell it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .patterns import pattern

_HAN = pattern("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]")
_SIGN = re.compile("[，。；：、！？（）《》]")
"""Chinese punctuation, in a list of names without another Chinese sign."""
_ADDRESS = re.compile(r"(?:https?://|www\.)[\x21-\x7e]+")
_TOKEN = re.compile(r"[A-Za-z\u00b5\u0370-\u03ff0-9]+")
_OTHER_LETTER = pattern(
    r"[^\W\d_A-Za-z\u00b5\u0370-\u03ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]"
)
_UNIT = frozenset(
    [
        "ph",
        "mmol",
        "umol",
        "nmol",
        "pmol",
        "mol",
        "meq",
        "osm",
        "mosm",
        "kg",
        "mg",
        "ug",
        "ng",
        "pg",
        "g",
        "l",
        "ml",
        "ul",
        "dl",
        "fl",
        "iu",
        "u",
        "miu",
        "mu",
        "cm",
        "mm",
        "nm",
        "um",
        "m",
        "h",
        "hr",
        "min",
        "s",
        "d",
        "wk",
        "mo",
        "yr",
        "mmhg",
        "cmh",
        "kpa",
        "pa",
        "hz",
        "bpm",
        "kcal",
        "kj",
        "cal",
        "gy",
        "ci",
        "sec",
        "ppm",
        "copies",
        "cfu",
        "coi",
        "feu",
        "ru",
        "index",
        "ratio",
        "po",
        "iv",
        "im",
        "ih",
        "sc",
        "sl",
        "pr",
        "ivgtt",
        "ivdrip",
        "gtt",
        "inj",
        "qd",
        "bid",
        "tid",
        "qid",
        "qn",
        "qod",
        "qh",
        "biw",
        "tiw",
        "prn",
        "st",
        "stat",
        "hs",
        "ac",
        "pc",
        "sos",
        "sig",
        "rp",
        "tab",
        "tabs",
        "caps",
        "cap",
        "amp",
        "inhal",
        "neb",
        "ns",
        "gs",
        "gns",
    ]
)
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "to",
        "in",
        "on",
        "at",
        "by",
        "for",
        "with",
        "from",
        "that",
        "this",
        "these",
        "those",
        "it",
        "its",
        "as",
        "an",
        "or",
        "not",
        "no",
        "you",
        "your",
        "he",
        "she",
        "they",
        "we",
        "i",
        "my",
        "me",
        "have",
        "has",
        "had",
        "do",
        "does",
        "did",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "what",
        "how",
        "why",
        "when",
        "which",
        "who",
        "if",
        "then",
        "than",
        "but",
        "so",
        "about",
        "into",
        "after",
        "before",
    ]
)
_MICRO = str.maketrans("\u00b5\u03bc", "uu")
_ABBREVIATION = 6
_NAME = re.compile(r"[A-Z]?[a-z\u0370-\u03ff]+")
_VALUE = re.compile(r"\s{0,4}+[:：=]?\s{0,4}+[<>≤≥＜＞(（]?\s{0,4}+[+-]?[0-9]")
LONG_TOKEN = 12
"""A run of letters with figures in it that is longer is no code of a laboratory."""
PROSE = 0.1
"""From this share of small words on, words in Latin letters are English."""
_NAME_MOST = 4
"""A Chinese name of a drug has three or four characters; the Latin one weighs no more."""
_RESULT = re.compile(r"[(（][+＋±-]{1,4}[)）]")
"""What a test found: HBsAg(+)."""
_VALUES = 2
"""Abbreviations and units that make a text without any word a report."""


class _Words(NamedTuple):
    foreign: float
    values: int
    prose: bool


def chinese_share(texts: Iterable[str]) -> float:
    """Return the share of Chinese characters among those and the letters of foreign words, 0 to 1;
    1 for values with abbreviations or units and no word of any language."""
    chinese, foreign, values, digits, signs = 0, 0.0, 0, False, 0
    for text in texts:
        chinese += len(_HAN.findall(text))
        words = _words(text)
        foreign += words.foreign
        values += words.values
        if not words.prose:
            signs += words.values + len(_SIGN.findall(text))
        digits = digits or any(map(str.isdigit, text)) or bool(_RESULT.search(text))
    if chinese + foreign:
        return (chinese + signs) / (chinese + signs + foreign)
    return float(digits and values >= _VALUES)


def _words(text: str) -> _Words:
    """Return how many letters of ``text`` are foreign words (names half, four letters at most), and
    how many tokens are units, abbreviations and labels of a value."""
    addresses = _ADDRESS.findall(text)
    foreign = float(sum(map(len, addresses)))
    if addresses:
        text = _ADDRESS.sub(" ", text)
    foreign += len(_OTHER_LETTER.findall(text))
    names, capped, small, words, values = 0, 0.0, 0, 0, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word.isdigit():
            continue
        if len(word) <= LONG_TOKEN and (
            not word.isalpha()
            or word.lower().translate(_MICRO) in _UNIT
            or (
                len(word) <= _ABBREVIATION
                and sum(c.isupper() for c in word) > min(1, len(word) - 1)
            )
            or (
                len(word) <= _ABBREVIATION and word[0].isupper() and _VALUE.match(text, token.end())
            )
        ):
            values += 1
            continue
        words += 1
        small += word.lower() in _ENGLISH
        if _NAME.fullmatch(word):
            names += len(word)
            capped += min(len(word) / 2, _NAME_MOST)
        else:
            foreign += len(word)
    prose = small > PROSE * words
    return _Words(foreign + (names if prose else capped), values, prose)


# --- signs ---------------------------------------------------------------------------------------

_RULED = re.compile(r"([-=_~～*#+^|·.…—─━═!！?？。，])(?:\s*\1){3,}")
"""Rules, dots and cries. Not □, which stands for a lost character."""
_OF_A_TABLE = re.compile(
    r"[|｜]|(?<![-+*/^=<>~≈≤≥±×÷↑↓→])[-+*/^=<>~≈≤≥±×÷↑↓→]++(?=\s?[0-9A-Za-z(（])"
    r"|(?<=[0-9A-Za-z%)）/])[-+*/^=<>~≈≤≥±×÷°℃↑↓→]+"
)


def without_rules(text: str) -> str:
    """Return ``text`` with a run of one sign as one sign, and without the signs of tables and
    formulas."""
    return _OF_A_TABLE.sub("", _RULED.sub(r"\1", text))
