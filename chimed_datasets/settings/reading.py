"""A user's YAML: read within bounds, with the line of every key."""

from __future__ import annotations

import codecs
import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ..errors import Fault, RecipeError, told
from ..lang import _
from .words import shown

MAX_NODES = 100_000
"""Values that a file may hold with every alias written out: no user's file comes near it."""
MAX_DEPTH = 50
"""Mappings and lists within one another, with every alias written out."""
MAX_BYTES = 4 * 1024 * 1024
"""Of a file; those that people write have some thousands."""
_NO_VALUE = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What PyYAML lets through for a value that is none: 2024-99-99, a number of too many digits."""


class Places:
    """Where keys and values stand in a YAML file. What holds these is the same wherever it stands,
    so that all of them are equal."""

    def __init__(self, root: yaml.Node | None = None) -> None:
        self._marks: dict[tuple[str | int, ...], tuple[int, int | None]] = {}
        if root is not None:
            self._mark(root, ())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places)

    __hash__ = None  # type: ignore[assignment]

    def of(self, at: tuple[str | int, ...]) -> tuple[int | None, int | None]:
        """Return line and column, from 1, of what the keys ``at`` lead to, or else of the last that
        is there; no column where nothing else stands on the line."""
        while at and at not in self._marks:
            at = at[:-1]
        return self._marks.get(at, (None, None))

    def placed(self, fault: Fault) -> Fault:
        """Return a fault with its line."""
        if fault.line is not None or not self._marks:
            return fault
        line, column = self.of(fault.at)
        return replace(fault, line=line, column=column)

    def _mark(self, node: yaml.Node, at: tuple[str | int, ...]) -> None:
        flow = bool(getattr(node, "flow_style", False))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    self._put((*at, key.value), key.start_mark, flow)
                    self._mark(value, (*at, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._put((*at, number), value.start_mark, flow)
                self._mark(value, (*at, number))

    def _put(self, at: tuple[str | int, ...], mark: yaml.Mark, flow: bool) -> None:
        self._marks[at] = (mark.line + 1, mark.column + 1 if flow else None)


@dataclass(frozen=True)
class Marked:
    """The content of a YAML file, and where it stands.

    faults: keys that stand twice; of these the last counts in ``content``.
    """

    content: Any
    places: Places
    faults: tuple[Fault, ...] = ()


class UniqueKeys(yaml.SafeLoader):
    """YAML lets a later key overwrite an earlier one in silence; a user's file must not: such keys
    are gathered in ``twice``.

    Nor may a few lines stand for more values than memory holds, or lie within one another deeper
    than Python goes.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.nodes = self.depth = 0
        self.twice: list[Fault] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.nodes += 1
        self.depth += 1
        if self.nodes > MAX_NODES:
            raise _too_much(
                _("it holds more than {max_nodes:,} values").format(max_nodes=MAX_NODES), self
            )
        if self.depth > MAX_DEPTH:
            raise _too_much(
                _("it is nested deeper than {max_depth}").format(max_depth=MAX_DEPTH), self
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            values, depth = _measure(node, {})
            if values > MAX_NODES:
                raise _too_much(
                    _("its aliases stand for more than {max_nodes:,} values").format(
                        max_nodes=MAX_NODES
                    )
                )
            if depth > MAX_DEPTH:
                raise _too_much(
                    _("its aliases are nested deeper than {max_depth}").format(max_depth=MAX_DEPTH)
                )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for inner, __ in node.value:
            key, line = self.construct_object(inner, deep=True), inner.start_mark.line + 1
            if not isinstance(key, Hashable):
                continue  # PyYAML refuses it below
            if key in seen:
                said = _("the key {shown} stands twice, first in line {seen}: keep one.").format(
                    shown=shown(key), seen=seen[key]
                )
                self.twice.append(Fault(said, line=line))
            seen.setdefault(key, line)
        return super().construct_mapping(node, deep)


def _too_much(what: str, at: yaml.SafeLoader | None = None) -> yaml.composer.ComposerError:
    peek: Any = at and at.peek_event
    mark = peek().start_mark if peek else None
    return yaml.composer.ComposerError(None, None, what, mark)


def _measure(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return how many values a node stands for, and how deep they lie within one another; too many
    where it holds itself."""
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1, 0
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        parts = [_measure(part, known) for part in inner]
        values = 1 + sum(part[0] for part in parts)
        known[id(node)] = values, 1 + max((part[1] for part in parts), default=0)
    return known[id(node)]


def read_yaml(path: Path, what: str) -> Any:
    """Return the content of a YAML file. Raises :class:`RecipeError` that names the file and
    ``what`` it should have been."""
    marked = read_marked(path, what)
    if marked.faults:
        raise RecipeError(told(marked.faults, str(path)), faults=marked.faults)
    return marked.content


def read_marked(path: Path, what: str) -> Marked:
    """Return the content of a YAML file with the place of everything. Raises the same; keys that
    stand twice are left to the caller, who may have more to say."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError(
            _("{path}: there is no such {what}.").format(path=path, what=_(what))
        ) from None
    except IsADirectoryError:
        raise RecipeError(
            _("{path}: a folder stands where a {what} is expected: a file.").format(
                path=path, what=_(what)
            )
        ) from None
    except OSError as error:
        raise RecipeError(
            _("{path}: cannot be read ({value}).").format(path=path, value=error.strerror or error)
        ) from None
    if len(content) > MAX_BYTES:
        raise RecipeError(
            _("{path}: has more than {max_bytes:,} bytes: that is no {what}.").format(
                path=path, max_bytes=MAX_BYTES, what=_(what)
            )
        )
    text = _decoded(content, path, what)
    try:
        return marked(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = _(" in line {line}").format(line=mark.line + 1) if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        if isinstance(error, yaml.reader.ReaderError):
            problem = _("the sign U+{character:04X} cannot stand in it").format(
                character=error.character
            )
        # Not the line itself: it may hold a secret.
        raise RecipeError(
            _("{path}: not valid YAML: {problem}{where}.{mend}").format(
                path=path, problem=problem, where=where, mend=_mend(text, error)
            )
        ) from None
    except _NO_VALUE as error:
        told = f" ({' '.join(str(error).split())})" if isinstance(error, ValueError) else ""
        raise RecipeError(
            _("{path}: not valid YAML: a value cannot be read{told}.").format(path=path, told=told)
        ) from None


def marked(text: str) -> Marked:
    """Return what a text in YAML holds. Raises what PyYAML raises."""
    loader = UniqueKeys(text)
    try:
        node = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
        return Marked(content, Places(node), tuple(loader.twice))
    finally:
        loader.dispose()


_WIDE_COLON = re.compile(r"^\s{0,99}(?:- {1,9})?[\w\"'-]{1,64}：", re.M)
_NO_BLANK = re.compile(r"^\s{0,99}(?:- {1,9})?[A-Za-z_-]{1,64}:[^\s/]", re.M)
_WIDE_QUOTE = re.compile(r":\s{0,9}[“”‘’「]")


def _mend(text: str, error: yaml.YAMLError) -> str:
    """Return what most often is the cause of an error of the parser, with the mend, as another
    sentence; "" where nothing is known."""
    problem = f"{getattr(error, 'context', '')} {getattr(error, 'problem', '')}"
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if "'\\t'" in problem:
        return _(" Indent with blanks: YAML takes no tabs there.")
    if "quoted scalar" in problem and begun:
        return _(" A quotation mark of line {line} is not closed.").format(line=begun.line + 1)
    if ("flow sequence" in problem or "flow mapping" in problem) and begun:
        return _(
            " A bracket of line {line} is not closed, or a comma is missing behind an entry."
        ).format(line=begun.line + 1)
    if wide := lines_with_wide_colons(text):
        return wide
    last = mark.line if mark else 0
    first = max(0, min(last, begun.line if begun else last) - 1)
    near = "\n".join(text.split("\n")[first : last + 1])
    if _NO_BLANK.search(near):
        return _(" Write a blank behind the colon of a key, as in `name: qa`.")
    if _WIDE_QUOTE.search(near):
        return _(" Write quotation marks as \" or ', not as “ ”.")
    if "mapping values are not allowed" in problem:
        return _(
            " Put a text with a colon in it in quotation marks, and let all keys of "
            "one entry begin in the same column."
        )
    if "block" in problem:
        return _(
            " Let all keys of one entry, and the dashes of one list, begin in the same column."
        )
    return ""


def lines_with_wide_colons(text: str) -> str:
    """Return what is said of keys with a colon as Chinese text has it, as a sentence behind
    another; "" where there is none."""
    lines = [text.count("\n", 0, found.end()) + 1 for found in _WIDE_COLON.finditer(text[:100_000])]
    if not lines:
        return ""
    where = ", ".join(map(str, lines[:10])) + (" …" if len(lines) > 10 else "")
    told = _(" Line {where}: behind a key write `: ` (a colon of ASCII and a blank), not `：`.")
    if len(lines) > 1:
        told = _(
            " Lines {where}: behind a key write `: ` (a colon of ASCII and a blank), not `：`."
        )
    return told.format(where=where)


def _decoded(content: bytes, path: Path, what: str) -> str:
    """Return the text of a file, which must be UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RecipeError(
            _(
                "{path}: cannot be read as UTF-8 text from line {line} on ({likely}): save "
                "the {what} as UTF-8."
            ).format(path=path, line=line, likely=_likely(content), what=_(what))
        ) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise RecipeError(
            _("{path}: a zero byte stands in line {line}: that is no {what}.").format(
                path=path, line=line, what=_(what)
            )
        )
    return text


def _likely(content: bytes) -> str:
    """Return what bytes are that are no UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _("it is likely UTF-16")
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return _("it is no text")
    return _("it is likely GBK")
