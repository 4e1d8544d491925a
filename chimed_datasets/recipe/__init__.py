"""What a user asked for: the recipe, and the records that may not be in any build.

model      a recipe, checked
takedowns  the list of records that were taken down
"""

from .model import (
    Benchmark,
    Ledger,
    Name,
    Recipe,
    Source,
    Stages,
    load,
    named_code,
    of_no_code,
    parse,
    refused_code,
    without_code,
)

__all__ = [
    "Benchmark",
    "Ledger",
    "Name",
    "Recipe",
    "Source",
    "Stages",
    "load",
    "named_code",
    "of_no_code",
    "parse",
    "refused_code",
    "without_code",
]
