"""Exports: a build's rows in the form that a trainer or a person takes.

One module per format; its key for ``chimed export --to`` is the file's name, with a hyphen for
each underscore. A format holds

    ``convert(name, row)``  yields the lines of a row for the file ``name``, each a dict, and a
                    :class:`~chimed_datasets.rows.Refusal` for what the format cannot hold. With a
                    line beside it a part of the row is lost, without one the row.

and may hold

    ``CONFIGS``     the configs that it takes; left out: all,
    ``FILES``       config -> the names of the files that are made of it, each with all of its rows;
                    left out: one, of the config's name,
    ``WRITES``      "jsonl", "parquet" or "xlsx"; left out: "jsonl",
    ``SCHEMAS``     for Parquet: the name of a file -> its columns, a ``pyarrow.Schema``,
    ``TRIED``       by what the form was tried; left out: it was not,
    ``finish(folder, files)``  writes what stands beside the files, from the list of
                    :class:`Exported`.

Each split of a config becomes a file, ``name-split.jsonl``. A format from outside the package is
such a module too (:mod:`chimed_datasets.plugins`). The first line of its docstring is its summary.

formats   from a key to its module
writing   the rows of a build, file by file, and the ledger of what is lost
writers   JSON Lines, Parquet, a workbook
talks     texts, conversations and pairs as trainers take them, and the rules by which they do not
"""

from .formats import Format, format_of, formats
from .writing import LOST, Exported, Lost, remarks, write_export

__all__ = [
    "LOST",
    "Exported",
    "Format",
    "Lost",
    "format_of",
    "formats",
    "remarks",
    "write_export",
]
