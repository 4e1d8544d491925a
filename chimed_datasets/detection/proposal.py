"""A recipe by what was detected, with comments that say what is known and what is guessed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import east_asian_width

import yaml

from ..errors import RecipeError, printable
from ..lang import _, retold
from ..sources.files.opening import ARCHIVES, inner, is_remote
from .verdict import Detected

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_WIDTH = 88
SCHEMA = "chimed.schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA}"
"""The first line of a recipe: editors find there how to complete and check it."""


@dataclass(frozen=True)
class Terms:
    """What no file says of itself: the licence, and the domain of its records."""

    license: str
    domain: str


def is_source(found: Detected) -> bool:
    """Whether a path can be a source of a recipe."""
    return found.best is not None and not found.best.benchmark


def proposal(found: Sequence[Detected], terms: Mapping[str, Terms], target: Path) -> str:
    """Return the text of a recipe (YAML) for what was detected.

    terms: by the path, of each that :func:`is_source` takes.
    target: where the recipe will stand; its paths start from that folder.

    Raises :class:`RecipeError` where nothing can be a source.
    """
    sources = [one for one in found if is_source(one)]
    exams = [one for one in found if one.best is not None and one.best.benchmark]
    if not sources:
        sentence = _("{name}: {what}.")
        told = [
            sentence.format(name=one.path, what=retold(one.reason))
            for one in found
            if one not in exams
        ]
        if exams:
            said = _("{path} holds questions of an exam, which stay out of the data.")
            told.append(said.format(path=exams[0].path))
        head = _("no file can be a source of a recipe.")
        raise RecipeError(" ".join([head, *told]))
    taken: set[str] = set()
    stem = _name_of(target.name, "", set())
    name = stem if stem not in ("recipe", "source") else _name_of(sources[0].path, "mine", set())
    lines = [
        MODELINE,
        _("# Written by `chimed init`: look it over, the guesses above all. Build it with"),
        f"#   chimed build {target.name} --out {name}-built",
        f"name: {name}",
        "sources:",
    ]
    for one in sources:
        lines += _source(one, terms[one.path], target, taken)
    if exams:
        lines += [_("# Records that hold a question of these are left out:"), "benchmarks:"]
        for one in exams:
            lines += _benchmark(one, target, taken)
    said = _("{path} is left out, {form}: {reason}")
    for one in found:
        if one.best is None:
            lines += _comment(
                said.format(path=_last(one.path), form=retold(one.form), reason=retold(one.reason)),
                "",
            )
    return "\n".join(lines) + "\n"


def _source(one: Detected, terms: Terms, target: Path, taken: set[str]) -> Iterator[str]:
    fit = one.best
    assert fit is not None
    yield from _about(one)
    yield f"  - name: {_name_of(one.path, 'source', taken)}"
    yield f"    layout: {fit.layout}"
    yield f"    path: {on_one_line(_from(one.path, target))}"
    yield f"    license: {on_one_line(terms.license)}"
    yield f"    domain: {terms.domain}"
    yield _("    # origin: llm  # where a model wrote it")
    why = fit.mapping.why if fit.mapping else {}
    if fit.mapping:
        yield _("    # A guess: which column is what.")
    for key, value in fit.options.items():
        if key == "fields":
            yield "    fields:"
            for at, column in value.items():
                reason = f"  # {retold(why[at])}" if at in why else ""
                yield f"      {on_one_line(at)}: {on_one_line(column)}{reason}"
        elif key == "strip":
            yield _("    strip:  # labels that stand before or behind the text")
            for at, ends in value.items():
                yield f"      {on_one_line(at)}: [{', '.join(map(on_one_line, ends))}]"
        else:
            yield f"    {key}: {on_one_line(value)}"
    if fit.mapping:
        mapped = set(fit.mapping.fields.values()) | {fit.mapping.ident}
        rest = [name for name in one.columns if name not in mapped]
        if rest:
            more = " …" if len(rest) > 20 else ""
            yield from _comment(_("Not mapped: {names}").format(names=", ".join(rest[:20]) + more))


def _benchmark(one: Detected, target: Path, taken: set[str]) -> Iterator[str]:
    assert one.best is not None
    yield from _about(one)
    yield f"  - name: {_name_of(one.path, 'exam', taken)}"
    yield f"    layout: {one.best.layout}"
    yield f"    path: {on_one_line(_from(one.path, target))}"


def _about(one: Detected) -> Iterator[str]:
    """Yield what was seen, as comments."""
    what = _(", ").join(filter(None, (retold(one.form), one.encoding, one.packed)))
    about = _("{name}: {what}.").format(name=_last(one.path), what=what)
    yield from _comment(about, "  ")
    yield from _comment(f"{_(one.grade)}{_(': ')}{retold(one.reason)}", "  ")
    if one.second is not None and one.grade != "sure":
        yield from _comment(
            _("second best: layout {layout}").format(layout=one.second.layout), "  "
        )
    for note in one.notes:
        yield from _comment(retold(note), "  ")


def _comment(text: str, indent: str = "    ") -> Iterator[str]:
    """Yield comment lines no longer than a screen is wide: a Chinese character takes two columns,
    and a line may end behind any."""
    line, used, blank = f"{indent}#", len(indent) + 1, " "
    for word in _WORDS.findall(printable(" ".join(text.split()))):
        size = sum(1 + (east_asian_width(sign) in "WF") for sign in word.rstrip())
        if used + len(blank) + size > _WIDTH and line.strip() != "#":
            yield line.rstrip()
            line, used, blank = f"{indent}#", len(indent) + 1, " "
        line += blank + word
        used += len(blank) + size + len(word) - len(word.rstrip())
        blank = ""
    yield line.rstrip()


_WORDS = re.compile(r"[\u4e00-\u9fff][，。：；、！？）」”]? ?|[^\u4e00-\u9fff ]+ ?")


def on_one_line(value: Any) -> str:
    """Return a value as YAML has it on one line."""
    text = yaml.safe_dump(
        value, allow_unicode=True, width=10**9, default_flow_style=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _last(path: str) -> str:
    """Return the last part of a path."""
    return PurePosixPath(path.replace(os.sep, "/").rstrip("/")).name or path


def _name_of(path: str, else_: str, taken: set[str]) -> str:
    """Return a name for a source: of its file, in the letters that a name may have."""
    last = _last(path)
    ending = next((end for end in ARCHIVES if last.lower().endswith(end)), "")
    last = last[: len(last) - len(ending)] if ending else inner(last)
    stem = last if ending else last.rpartition(".")[0] or last
    name = _NOT_IN_NAMES.sub("-", stem.lower()).strip("-_")[:60].strip("-_")
    name = name if name and name[0].isalnum() else else_ or "source"
    wanted, number = name, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name)
    return name


def _from(path: str, target: Path) -> str:
    """Return a path as the recipe at ``target`` names it."""
    if is_remote(path) or path.startswith("modelscope:"):
        return path
    place = Path(path).expanduser().absolute()
    relative = os.path.relpath(place, target.absolute().parent)
    return str(place) if relative.count("..") > 2 else Path(relative).as_posix()
