"""Guests: layouts, stages, builders, generation tasks and exports from outside this package.

A guest is a module alike to those of the package. A recipe names it in one of three ways:

    ``forum``             an entry point of an installed package, in the group
                          ``chimed_datasets.layouts`` (``.stages``, ``.builders``, ``.tasks``,
                          ``.exports``)
    ``my_package.forum``  a module that can be imported
    ``./my_layout.py``    a file, from the recipe's folder

Who installs a package trusts it. A recipe may come from a stranger: what it names by path or by
import runs only where the user allows it.
"""

from .files import module_of
from .finding import KINDS, Guest, described, find, installed, names_code, offered, refuse_code

__all__ = [
    "KINDS",
    "Guest",
    "described",
    "find",
    "installed",
    "module_of",
    "names_code",
    "offered",
    "refuse_code",
]
