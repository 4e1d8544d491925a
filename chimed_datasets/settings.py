"""Read the YAML that a user wrote, and check keys against the frozen dataclass that holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .errors import RecipeError, did_you_mean

T = TypeVar("T")


MAX_NODES = 100_000
"""Values that a file may hold with every alias written out: no user's file comes near it."""


class UniqueKeys(yaml.SafeLoader):
    """YAML lets a later key overwrite an earlier one in silence; a user's file must not.

    Nor may a few lines of aliases of aliases stand for more values than memory holds.
    """

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None and _values(node, {}) > MAX_NODES:
            raise yaml.composer.ComposerError(
                None, None, f"its aliases stand for more than {MAX_NODES:,} values"
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} stands twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for; too many where it holds itself."""
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_values(part, known) for part in inner)
    return known[id(node)]


def read_yaml(path: Path, what: str) -> Any:
    """Return the content of a YAML file. Raises :class:`RecipeError` that names the file and
    ``what`` it should have been."""
    try:
        return yaml.load(path.read_text("utf-8-sig"), Loader=UniqueKeys)
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such {what}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as UTF-8 text ({error}).") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        # Not the line itself: it may hold a secret.
        raise RecipeError(f"{path}: not valid YAML: {problem}{where}.") from None


def checked(cls: type[T], given: Mapping[str, Any] | None, where: str) -> T:
    """Return ``cls(**given)`` with its types checked.

    Raises :class:`RecipeError` that names ``where`` and the key, and what is allowed.
    """
    if given is not None and not isinstance(given, Mapping):
        raise RecipeError(f"{where}: expected a mapping of settings, got {given!r}.")
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in given or {}:
        if key not in known:
            allowed = did_you_mean(str(key), known) if known else " It takes no keys of its own."
            raise RecipeError(f"{where}: unknown key {key!r}.{allowed}")
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
    loc = [str(part) for part in first["loc"]]
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
    return f"{where}: {first['msg']}" + (f" (got {first['input']!r})." if show else ".")
