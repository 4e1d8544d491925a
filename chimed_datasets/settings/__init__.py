"""A user's file: the YAML is read, and checked against the dataclass or model that holds it.

reading   YAML within bounds, with the line of every key
checking  keys and values, all faults at once
words     what is wrong with a value, in words
"""

from .checking import (
    Faulty,
    Sifted,
    StrictModel,
    checked,
    faults_in,
    faults_of,
    gathered,
    in_order,
    made,
    sift,
)
from .reading import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    Marked,
    Places,
    lines_with_wide_colons,
    marked,
    read_marked,
    read_yaml,
)
from .words import NAME, shown

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "NAME",
    "Faulty",
    "Marked",
    "Places",
    "Sifted",
    "StrictModel",
    "checked",
    "faults_in",
    "faults_of",
    "gathered",
    "in_order",
    "lines_with_wide_colons",
    "made",
    "marked",
    "read_marked",
    "read_yaml",
    "shown",
    "sift",
]
