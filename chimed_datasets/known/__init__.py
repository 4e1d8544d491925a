"""Public Chinese medical corpora and benchmarks by name: where each lies and how it is read.

An entry is a file, ``sources/NAME.yaml`` or ``benchmarks/NAME.yaml``: data, no code. ``registry``
reads and checks it.
"""

from .registry import KINDS, Entry, Kind, entries, entry, listed, names

__all__ = ["KINDS", "Entry", "Kind", "entries", "entry", "listed", "names"]
