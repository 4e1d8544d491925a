"""Imported once, by the process that all workers are forked from: what every worker would else
import and build for itself (some 3 s each)."""

from __future__ import annotations

import pyarrow as pa

from ..rows import traces  # noqa: F401
from ..rows.declaration import builders
from ..stages import clean, simplify
from ..stages import filter as filtering
from ..stages.near import choosing, stock  # noqa: F401
from ..stages.text import grams, patterns
from . import read, write  # noqa: F401
from .decide import classify, contained, label, passages, weighed  # noqa: F401

builders()
for module in (grams, patterns, stock, clean, filtering, simplify):
    module.warm()
pa.array([""])  # with the first list Arrow imports pandas, where there is one
