"""Names of a package that are imported on first use (PEP 562): a worker does not load the card, and
the command line answers ``--help`` in no time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def on_first_use(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for ``package``.

    homes: public name -> the module of the package that it stands in ("built.checks"), or
           "module:name" where it has another name there.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, inner = homes[name].partition(":")
        value = getattr(importlib.import_module(f".{module}", package), inner or name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        of_package = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*of_package, *homes})

    return get, names
