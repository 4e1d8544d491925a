"""Read the YAML that a user wrote, and check keys against the frozen dataclass that holds them."""

from __future__ import annotations

import codecs
import dataclasses
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .errors import RecipeError, did_you_mean

T = TypeVar("T")


MAX_NODES = 100_000
"""Values that a file may hold with every alias written out: no user's file comes near it."""
MAX_DEPTH = 50
"""Mappings and lists within one another, with every alias written out."""
MAX_BYTES = 4 * 1024 * 1024
"""Of a file; those that people write have some thousands."""
SHOWN_CHARS = 200
"""Of a wrong value, in an error."""
_NO_VALUE = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What PyYAML lets through for a value that is none: 2024-99-99, a number of too many digits."""


class UniqueKeys(yaml.SafeLoader):
    """YAML lets a later key overwrite an earlier one in silence; a user's file must not.

    Nor may a few lines stand for more values than memory holds, or lie within one another deeper
    than Python goes.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.nodes = self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.nodes += 1
        self.depth += 1
        if self.nodes > MAX_NODES:
            raise _too_much(f"it holds more than {MAX_NODES:,} values", self)
        if self.depth > MAX_DEPTH:
            raise _too_much(f"it is nested deeper than {MAX_DEPTH}", self)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            values, depth = _measure(node, {})
            if values > MAX_NODES:
                raise _too_much(f"its aliases stand for more than {MAX_NODES:,} values")
            if depth > MAX_DEPTH:
                raise _too_much(f"its aliases are nested deeper than {MAX_DEPTH}")
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in (self.construct_object(k, deep=True) for k, _ in node.value):
            if not isinstance(key, Hashable):
                continue  # PyYAML refuses it below
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {_shown(key)} stands twice", node.start_mark
                )
            seen.add(key)
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
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such {what}.") from None
    except IsADirectoryError:
        raise RecipeError(f"{path}: a folder stands where a {what} is expected: a file.") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if len(content) > MAX_BYTES:
        raise RecipeError(f"{path}: has more than {MAX_BYTES:,} bytes: that is no {what}.")
    text = _decoded(content, path, what)
    try:
        return yaml.load(text, Loader=UniqueKeys)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        if isinstance(error, yaml.reader.ReaderError):
            problem = f"the sign U+{error.character:04X} cannot stand in it"
        # Not the line itself: it may hold a secret.
        raise RecipeError(f"{path}: not valid YAML: {problem}{where}.") from None
    except _NO_VALUE as error:
        told = f" ({' '.join(str(error).split())})" if isinstance(error, ValueError) else ""
        raise RecipeError(f"{path}: not valid YAML: a value cannot be read{told}.") from None


def _decoded(content: bytes, path: Path, what: str) -> str:
    """Return the text of a file, which must be UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RecipeError(
            f"{path}: cannot be read as UTF-8 text from line {line} on ({_likely(content)}): "
            f"save the {what} as UTF-8."
        ) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise RecipeError(f"{path}: a zero byte stands in line {line}: that is no {what}.")
    return text


def _likely(content: bytes) -> str:
    """Return what bytes are that are no UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is likely UTF-16"
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return "it is no text"
    return "it is likely GBK"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _shown(value: Any) -> str:
    """Return a wrong value for an error, cut where it is long."""
    return _cut(repr(value))


def checked(cls: type[T], given: Mapping[str, Any] | None, where: str) -> T:
    """Return ``cls(**given)`` with its types checked.

    Raises :class:`RecipeError` that names ``where`` and the key, and what is allowed.
    """
    if given is not None and not isinstance(given, Mapping):
        raise RecipeError(f"{where}: expected a mapping of settings, got {_shown(given)}.")
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in given or {}:
        if key not in known:
            allowed = did_you_mean(str(key), known) if known else " It takes no keys of its own."
            raise RecipeError(f"{where}: unknown key {_shown(key)}.{allowed}")
    try:
        return TypeAdapter(cls).validate_python(dict(given or {}))
    except ValidationError as error:
        raise RecipeError(f"{where}: {explained(error)}") from None


class StrictModel(BaseModel):
    """A part of a user's file that takes the keys it names and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explained(
    error: ValidationError,
    model: type[BaseModel] | None = None,
    parts: Mapping[str, type[BaseModel]] = MappingProxyType({}),
    *,
    secret: bool = False,
) -> str:
    """Return the first complaint of pydantic as "key: what is wrong (got x).".

    model:  what was checked; its keys are named where one is unknown.
    parts:  the models of what stands under a key, by key, at any depth.
    secret: what was given may be a key to a server: it is not repeated.
    """
    # A key that is mistyped is also one that is missing: the first says more.
    errors = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    first = errors[0]
    loc = [_cut(str(part)) for part in first["loc"]]
    where, context = ".".join(loc), first.get("ctx", {})
    if first["type"] == "extra_forbidden" and model is not None:
        inner = next((parts[part] for part in reversed(loc[:-1]) if part in parts), model)
        return f"{where}: unknown key {loc[-1]!r}.{did_you_mean(loc[-1], inner.model_fields)}"
    if first["type"] == "value_error":
        said = str(context["error"]).removesuffix(".")
        return f"{where}: {said}." if where else f"{said}."
    if first["type"] == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        known = context["expected_tags"].replace("'", "").split(", ")
        return f"{where}.{key}: unknown {key}.{did_you_mean(context['tag'], known)}"
    show = not secret and first["type"] not in ("missing", "extra_forbidden")
    return f"{where}: {first['msg']}" + (f" (got {_shown(first['input'])})." if show else ".")
