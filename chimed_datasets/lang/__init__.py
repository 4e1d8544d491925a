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
import string
from collections.abc import Iterator, Mapping
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
    if (said := _(text)) != text:
        return said
    for form, literal in _forms(spoken):
        if literal in text and (fields := _fields(text, form)) is not None:
            parts = _PARTS.parse(_(form))
            values = {name: retold(value) for name, value in fields.items()}
            return "".join(before + values.get(name or "", "") for before, name, *__ in parts)
    for mark in (N_("; "), N_(": ")):
        pieces = text.split(mark)
        if len(pieces) == 1:
            continue
        told = [retold(piece) for piece in pieces]
        if told != pieces:
            return _(mark).join(told)
    return text


_PARTS = string.Formatter()
_LEAST_LETTERS = 6
"""A form with fewer letters of its own may have become nearly any text."""


@cache
def _forms(language: str) -> list[tuple[str, str]]:
    """Return the texts with fields, each with the longest of its pieces, those that say most
    first."""
    found = []
    for text in _catalogue(language)._catalog:  # type: ignore[attr-defined]
        if not isinstance(text, str) or "{" not in text or "\n" in text:
            continue
        pieces = [before for before, *__ in _PARTS.parse(text)]
        letters = sum(sign.isalpha() for piece in pieces for sign in piece)
        if letters >= _LEAST_LETTERS:
            found.append((letters, text, max(pieces, key=len)))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [(text, literal) for __, text, literal in found]


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
        if not there or (last is None and held) or (ends and rest):
            return None
        if last is not None:
            found[last] = held
        text, last = rest, name
    if last is not None:
        found[last] = text
    return found


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
