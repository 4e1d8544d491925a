"""Exports: a build's rows in the form that a trainer or a person takes.

One module per format; the file's name is its key for ``chimed export --to``. A format holds

    ``CONFIGS``     the configs that it takes; left out: all,
    ``convert(config, row)``  yields the lines of a row, each a dict that JSON can hold, and a
                    :class:`~chimed_datasets.rows.Refusal` for what the format cannot hold,
    ``finish(folder, files)``  (may be left out) writes what stands beside the files, from the
                    list of :class:`Exported`.

Each split of each config becomes a file of JSON Lines. A format from outside the package is such a
module too (:mod:`chimed_datasets.plugins`). The first line of its docstring is its summary.
"""

from .formats import Format, format_of, formats
from .writing import LOST, Exported, Lost, write_export

__all__ = ["LOST", "Exported", "Format", "Lost", "format_of", "formats", "write_export"]
