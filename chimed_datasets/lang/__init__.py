"""What people read, in English or in Chinese.

    from ..lang import _

    raise SourceError(_("{place}: there is no such file.").format(place=place))

The text in the code is English, and the key of the catalogue (gettext). Which language is spoken is
settled by the first of these that says something: :func:`speaking`, :func:`use` (``--lang``), the
variable CHIMED_LANG, :func:`suggest` (``lang:`` of a recipe), the locale (LC_ALL, LC_MESSAGES,
LANG). What a machine reads (ledger, manifest, names of rules) is never translated.

``python -m tests.make_catalogue`` collects the texts into ``zh_CN/LC_MESSAGES/chimed.po``, where
the Chinese is written, and compiles it.
"""

from __future__ import annotations

import gettext
import os
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources

LANGUAGES = {"en": "English", "zh": "中文"}
LOCALES = {"en": "en", "zh": "zh-Hans"}
"""What a language is called in HTML."""
VARIABLE = "CHIMED_LANG"
DOMAIN = "chimed"

_FOLDERS = {"zh": "zh_CN"}
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
_OTHER_NAMES = {
    "english": "en",
    "chinese": "zh",
    "cn": "zh",
    "中文": "zh",
    "简体中文": "zh",
    "英文": "en",
}

_here: ContextVar[str | None] = ContextVar("language", default=None)
_asked: str | None = None
_suggested: str | None = None


def _(text: str) -> str:
    """Return an English text in the language that is spoken. It is a whole sentence with named
    fields, filled in afterwards: an f-string would be no key of the catalogue."""
    return in_language(text, language())


def N_(text: str) -> str:
    """Return the text itself, and have it collected: for what is translated where it is used."""
    return text


def then(sentence: str) -> str:
    """Return a sentence with what parts it from the one before: a blank, and nothing in Chinese."""
    return _(" {sentence}").format(sentence=sentence)


def in_language(text: str, language: str) -> str:
    """Return an English text in a language: one of :data:`LANGUAGES`."""
    if language == "en" or not text:
        return text
    return _catalogue(language).gettext(text)


def retold(text: str) -> str:
    """Return an English text in the language that is spoken: one that was made where English was
    spoken, such as what a file holds. What the catalogue does not know stays as it is.

    >>> from chimed_datasets.lang import retold, speaking
    >>> with speaking("zh"):
    ...     retold("a.csv: there is no such file.")
    'a.csv：没有这个文件。'
    """
    spoken = language()
    if spoken == "en" or (" " not in text and text.isascii()):
        return text
    for one in (text, text.strip(), f" {text}"):
        if (said := _(one)) != one:
            return said
        if (said := _of_form(one, spoken)) != one:
            return said
    pieces = _SENTENCES.split(text)
    if len(pieces) > 1 and _is_whole(pieces, told := [retold(piece) for piece in pieces]):
        return "".join(told)
    for mark in (N_("; "), N_(": ")):
        pieces = text.split(mark, 1)
        if len(pieces) > 1 and _is_whole(pieces, told := [retold(piece) for piece in pieces]):
            return _(mark).join(told)
    return text


_PARTS = string.Formatter()
_SENTENCES = re.compile(r"(?<=[.?]) (?=[A-Z])")
_WORDS = re.compile(r"[a-z]{2,20} [a-z]{2,20}")
_NUMBER = re.compile(r"[\d.,]{1,40}%?")
_LEAST_LETTERS, _FEW_LETTERS = 5, 12
"""A form with fewer letters of its own may have become nearly any text; one with few must have
fields that are words or are known."""
_LONG = 80
"""What is longer may have been shortened, with "…" in its middle."""
_BEGINNING = 12


def _is_whole(pieces: Sequence[str], told: Sequence[str]) -> bool:
    """Whether pieces were said in another language, but for those that are no sentences."""
    same = [piece for piece, said in zip(pieces, told, strict=True) if piece == said]
    return len(same) < len(pieces) and not any(map(_WORDS.search, same))


def _of_form(text: str, language: str) -> str:
    """Return a text that one of the texts with fields has become, in a language; itself where none
    has."""
    for form, literal, letters in _forms(language):
        if literal not in text or (fields := _fields(text, form)) is None:
            continue
        values = {name: retold(value) for name, value in fields.items()}
        if letters < _FEW_LETTERS and not all(
            values[name] != value or _is_quoted(value) or not _WORDS.search(value)
            for name, value in fields.items()
        ):
            continue
        parts = _PARTS.parse(_(form))
        return "".join(before + values.get(name or "", "") for before, name, *__ in parts)
    return text


@cache
def _forms(language: str) -> list[tuple[str, str, int]]:
    """Return the texts with fields, each with the beginning of its longest piece and its letters,
    those that say most first; and long texts, which may have been shortened."""
    found = []
    for text in _catalogue(language)._catalog:  # type: ignore[attr-defined]
        if not isinstance(text, str) or "\n" in text or ("{" not in text and len(text) < _LONG):
            continue
        try:
            pieces = [before for before, *__ in _PARTS.parse(text)]
        except ValueError:  # braces of JSON
            continue
        letters = sum(sign.isalpha() for piece in pieces for sign in piece)
        if letters >= _LEAST_LETTERS:
            found.append((text, max(pieces, key=len)[:_BEGINNING], letters, len("".join(pieces))))
    found.sort(key=lambda one: (-one[2], -one[3], one[0]))
    return [one[:3] for one in found]


def _fields(text: str, form: str) -> dict[str, str] | None:
    """Return what stands in the fields of ``form`` that has become ``text``; None where it has
    not."""
    found: dict[str, str] = {}
    last: str | None = None
    parts = list(_PARTS.parse(form))
    for number, (before, name, *__) in enumerate(parts):
        if not before:  # between two fields nothing says where the first ends
            if number:
                return None
            last = name
            continue
        ends = number == len(parts) - 1 and name is None
        held, there, rest = text.rpartition(before) if ends else text.partition(before)
        if ends and not there and "…" in text:
            held, there, rest = _shortened(text, before)
        if not there or (last is None and held) or (ends and rest):
            return None
        if last is not None:
            found[last] = held
        text, last = rest, name
    if last is not None:
        found[last] = text
    forms = {name: (how or "", form) for _before, name, form, how in parts if name is not None}
    return found if all(_may_be(value, *forms[name]) for name, value in found.items()) else None


def _may_be(value: str, how: str, form: str | None) -> bool:
    """Whether a value may stand in a field with ``!how`` and ``:form``."""
    if value.endswith(":"):
        return False
    if form:
        return _NUMBER.fullmatch(value) is not None
    return how != "r" or _is_quoted(value)


def _is_quoted(value: str) -> bool:
    """Whether a value stands in quotes: then it is a name, whatever words are in it."""
    return len(value) > 1 and value[0] == value[-1] and value[0] in "'\""


def _shortened(text: str, end: str) -> tuple[str, str, str]:
    """Return (what is before it, it, "") for a text that ends with ``end``, which has lost its
    middle; it is "" where the text does not."""
    at = text.find(end[:_BEGINNING])
    begins, __, ends = text[at:].partition("…")
    there = at >= 0 and end.startswith(begins) and end.endswith(ends)
    return (text[:at], end, "") if there else ("", "", "")


def language() -> str:
    """Return the language that is spoken now, one of :data:`LANGUAGES`."""
    return _here.get() or _asked or _of_variable(os.environ) or _suggested or of_locale(os.environ)


def named(text: str) -> str | None:
    """Return the language that a user means, None for one that is not spoken here.

    >>> from chimed_datasets.lang import named
    >>> named("zh_CN.UTF-8"), named("English"), named("fr")
    ('zh', 'en', None)
    """
    word = text.strip().lower()
    short = word.replace("_", "-").partition(".")[0].partition("-")[0]
    return _OTHER_NAMES.get(word) or (short if short in LANGUAGES else None)


def use(language: str | None) -> None:
    """Speak a language in this process from now on; None asks the surroundings again."""
    global _asked
    _asked = language


def asked() -> str | None:
    """Return the language that :func:`use` was called with."""
    return _asked


def suggest(language: str | None) -> None:
    """Speak a language where the user has asked for none: a recipe has its own."""
    global _suggested
    _suggested = language


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language within a block, whatever was asked for: a file has one of its own."""
    before = _here.set(language)
    try:
        yield
    finally:
        _here.reset(before)


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of a locale, such as that of the process: LC_ALL, LC_MESSAGES, LANG."""
    first = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    return named(first) or "en"


def _of_variable(environment: Mapping[str, str]) -> str | None:
    return named(environment.get(VARIABLE, ""))


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    place = resources.files(__package__).joinpath(_FOLDERS[language], "LC_MESSAGES", f"{DOMAIN}.mo")
    with place.open("rb") as file:
        return gettext.GNUTranslations(file)
