"""Build, check and publish Chinese medical datasets for Hugging Face `datasets`.

    >>> import chimed_datasets as chimed
    >>> built = chimed.build("my.yaml", "mine")
    >>> chimed.validate("mine")
    []
    >>> dataset = built.load("sft")

The last line is ``datasets.load_dataset("mine", "sft")``; this library is not needed for that,
and any `datasets` since 2.16 does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ._version import __version__
from .lazy import on_first_use

if TYPE_CHECKING:
    from .api.builds import build, open_built
    from .api.dataset import Built
    from .api.outcome import Drop, Outcome
    from .api.pieces import clean, decontaminate, mask, near_duplicates, read, simplify
    from .built.checks import validate
    from .errors import ChimedError
    from .hf import dataset_builder
    from .recipe import Recipe
    from .recipe import load as load_recipe
    from .records import Answer, Dialogue, Document, Malformed, Message, QAThread
    from .stages.text.spans import Span

__all__ = [
    "Answer",
    "Built",
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
        "Built": "api.dataset",
        "ChimedError": "errors",
        "Drop": "api.outcome",
        "Outcome": "api.outcome",
        "Recipe": "recipe",
        "Span": "stages.text.spans",
        "build": "api.builds",
        "dataset_builder": "hf",
        "load_recipe": "recipe:load",
        "open_built": "api.builds",
        "validate": "built.checks",
    }
    | dict.fromkeys(_PIECES, "api.pieces")
    | dict.fromkeys(_RECORDS, "records"),
)

# In a checkout that is not installed, builders/ and cards/ stand beside this package.
_beside = Path(__file__).resolve().parent.parent
if (_beside / "builders").is_dir() and (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))
