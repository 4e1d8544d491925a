"""From the name of a format to its module."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import plugins
from ..errors import RecipeError
from ..lang import _
from ..plugins import Guest
from .writers import WRITERS

if TYPE_CHECKING:
    import pyarrow as pa

_OWN = (
    "alpaca", "axolotl", "jsonl", "llama-factory", "ms-swift", "openrlhf", "sharegpt", "trl-kto",
    "verl", "xlsx",
)  # fmt: skip


@dataclass(frozen=True)
class Format:
    """A format as an export sees it; see the package.

    configs: those that it takes; None: all.
    files:   config -> names of the files made of it, where it is not one of the config's name.
    writes:  "jsonl", "parquet" or "xlsx".
    schemas: of Parquet files, by name.
    tried:   by what the form was tried; "": it was not.
    """

    key: str
    summary: str
    configs: tuple[str, ...] | None
    convert: Callable[[str, dict[str, Any]], Iterable[Any]]
    finish: Callable[[Path, list[Any]], None] | None = None
    guest: Guest | None = None
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    writes: str = "jsonl"
    schemas: Mapping[str, pa.Schema] = field(default_factory=dict)
    tried: str = ""


def formats() -> list[str]:
    """Return the keys of the package's own formats, sorted."""
    return sorted(_OWN)


def format_of(key: str, *, allow_code: bool = False) -> Format:
    """Return one format: the package's own, or a guest's, see :func:`.plugins.find`.

    Raises :class:`RecipeError` with a hint for an unknown key, for code that is not allowed, and
    for a guest that is no export.
    """
    if key in _OWN:
        return _of_module(key, importlib.import_module(f".{key.replace('-', '_')}", __package__))
    guest = plugins.find("exports", key, allow_code=allow_code, own=_OWN)
    module = guest.load()
    if not callable(getattr(module, "convert", None)):
        raise RecipeError(
            _("{guest}: an export has a function convert(config, row).").format(guest=guest)
        )
    return _of_module(key, module, guest)


def _of_module(key: str, module: ModuleType, guest: Guest | None = None) -> Format:
    writes = getattr(module, "WRITES", "jsonl")
    if writes not in WRITERS:
        raise RecipeError(
            _("{guest}: WRITES is {writes!r}; it can be {writers}.").format(
                guest=guest, writes=writes, writers=", ".join(WRITERS)
            )
        )
    return Format(
        key=key,
        summary=(module.__doc__ or "").strip().partition("\n")[0],
        configs=getattr(module, "CONFIGS", None),
        convert=module.convert,
        finish=getattr(module, "finish", None),
        guest=guest,
        files=getattr(module, "FILES", {}),
        writes=writes,
        schemas=getattr(module, "SCHEMAS", {}),
        tried=getattr(module, "TRIED", ""),
    )
