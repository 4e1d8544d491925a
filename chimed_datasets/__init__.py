"""Build, check and publish Chinese medical datasets for Hugging Face `datasets`.

    >>> import chimed_datasets as chimed
    >>> recipe = chimed.load_recipe("my.yaml")
    >>> manifest = chimed.build(recipe, "chimed2")
    >>> chimed.validate("chimed2")
    []

What is built loads with ``datasets.load_dataset("chimed2", "sft")``; this library is not needed
for that.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .building import build
    from .built.checks import open_built, validate
    from .errors import ChimedError
    from .hf import dataset_builder
    from .recipe import Recipe
    from .recipe import load as load_recipe
    from .records import Answer, Dialogue, Document, Message, QAThread

__all__ = [
    "Answer",
    "ChimedError",
    "Dialogue",
    "Document",
    "Message",
    "QAThread",
    "Recipe",
    "__version__",
    "build",
    "dataset_builder",
    "load_recipe",
    "open_built",
    "validate",
]

_HOMES = {
    "ChimedError": "errors",
    "Recipe": "recipe",
    "build": "building",
    "dataset_builder": "hf",
    "load_recipe": "recipe",
    "open_built": "built.checks",
    "validate": "built.checks",
} | dict.fromkeys(("Answer", "Dialogue", "Document", "Message", "QAThread"), "records")

# In a checkout that is not installed, builders/ and cards/ stand beside this package.
_beside = Path(__file__).resolve().parent.parent
if (_beside / "builders").is_dir() and (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))


def __getattr__(name: str) -> Any:
    """Import a public name on first use: the command line answers --help in no time."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f".{_HOMES[name]}", __name__)
    value = getattr(home, "load" if name == "load_recipe" else name)
    globals()[name] = value
    return value
