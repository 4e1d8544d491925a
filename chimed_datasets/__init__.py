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

from pathlib import Path
from typing import TYPE_CHECKING

from ._version import __version__
from .lazy import on_first_use

if TYPE_CHECKING:
    from .api.outcome import Drop, Outcome
    from .api.pieces import clean, decontaminate, mask, near_duplicates, read, simplify
    from .building.run import build
    from .built.checks import validate
    from .built.dataset import open_built
    from .errors import ChimedError
    from .hf import dataset_builder
    from .recipe import Recipe
    from .recipe import load as load_recipe
    from .records import Answer, Dialogue, Document, Malformed, Message, QAThread
    from .stages.text.spans import Span

__all__ = [
    "Answer",
    "ChimedError",
    "Dialogue",
    "Document",
    "Drop",
    "Malformed",
    "Message",
    "Outcome",
    "QAThread",
    "Recipe",
    "Span",
    "__version__",
    "build",
    "clean",
    "dataset_builder",
    "decontaminate",
    "load_recipe",
    "mask",
    "near_duplicates",
    "open_built",
    "read",
    "simplify",
    "validate",
]

_PIECES = ("clean", "decontaminate", "mask", "near_duplicates", "read", "simplify")
_RECORDS = ("Answer", "Dialogue", "Document", "Malformed", "Message", "QAThread")

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "ChimedError": "errors",
        "Drop": "api.outcome",
        "Outcome": "api.outcome",
        "Recipe": "recipe",
        "Span": "stages.text.spans",
        "build": "building",
        "dataset_builder": "hf",
        "load_recipe": "recipe:load",
        "open_built": "built.dataset",
        "validate": "built.checks",
    }
    | dict.fromkeys(_PIECES, "api.pieces")
    | dict.fromkeys(_RECORDS, "records"),
)

# In a checkout that is not installed, builders/ and cards/ stand beside this package.
_beside = Path(__file__).resolve().parent.parent
if (_beside / "builders").is_dir() and (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))
