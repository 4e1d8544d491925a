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
    from .building.run import build
    from .built.checks import validate
    from .built.dataset import open_built
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

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "ChimedError": "errors",
        "Recipe": "recipe",
        "build": "building",
        "dataset_builder": "hf",
        "load_recipe": "recipe:load",
        "open_built": "built.dataset",
        "validate": "built.checks",
    }
    | dict.fromkeys(("Answer", "Dialogue", "Document", "Message", "QAThread"), "records"),
)

# In a checkout that is not installed, builders/ and cards/ stand beside this package.
_beside = Path(__file__).resolve().parent.parent
if (_beside / "builders").is_dir() and (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))
