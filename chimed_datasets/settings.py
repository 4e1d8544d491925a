"""Check keys that a user wrote against the frozen dataclass that holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from .errors import RecipeError, did_you_mean

T = TypeVar("T")


def settings(cls: type[T], given: Mapping[str, Any] | None, where: str) -> T:
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
        raise RecipeError(f"{where}: {first_message(error)}") from None


def first_message(error: ValidationError) -> str:
    """Return the first complaint of pydantic as "key: what is wrong (got x)."."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    got = "" if first["type"] in ("missing", "extra_forbidden") else f" (got {first['input']!r})"
    return f"{key}: {first['msg']}{got}."
