"""The house, read from its imports: which module imports which; rooms, floors, circles.

    python tests/common/house.py [FOLDER]

prints its figures. Imports inside a function and those for type checkers alone count. A room is a
folder or a module of the package's root; the root itself is the room "chimed_datasets". A room
stands one floor above the highest that it imports; those in a circle share a floor.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

NAME = "chimed_datasets"
# Where packages of the house lie in a checkout; what is not installed has a name of its own.
FOLDERS = {NAME: NAME, f"{NAME}.builders": "builders", f"{NAME}.cards": "cards", "docs": "docs"}

NAMED_TUPLES = {"_replace", "_asdict"}
"""Private in their look alone: any named tuple has them."""

Graph = dict[str, set[str]]


class Use(NamedTuple):
    """A name of one module, used in another: ``name`` is empty where the module itself is meant."""

    user: str
    module: str
    name: str


def modules(root: Path) -> dict[str, Path]:
    """Return dotted name -> file of every module of the house in the checkout ``root``."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root / folder).with_suffix("").parts
            found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


@cache
def uses(root: Path) -> list[Use]:
    """Return every use of a module in another of the house, in the order of the files."""
    known = modules(root)
    return [use for name, path in known.items() for use in _uses(name, path, known)]


def _uses(user: str, path: Path, known: Mapping[str, Path]) -> Iterator[Use]:
    tree = ast.parse(path.read_text("utf-8"))
    package = user if path.name == "__init__.py" else user.rpartition(".")[0]
    bound = {}  # local name -> the module it stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = package.split(".")
            start = base[: len(base) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                if inner in known:
                    bound[alias.asname or alias.name] = inner
                    yield Use(user, inner, "")
                elif module in known:
                    yield Use(user, module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in known:
                    bound[alias.asname or alias.name] = alias.name
                    yield Use(user, alias.name, "")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = bound.get(node.value.id)
            if module is not None:
                yield Use(user, module, node.attr)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def privates(root: Path) -> frozenset[str]:
    """Return every private name that the library gives: to a function, class, value or part."""
    found = set()
    for module, path in modules(root).items():
        if module.partition(".")[0] != NAME:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
    return frozenset(filter(is_private, found)) - NAMED_TUPLES


def private_uses(source: str, given: frozenset[str]) -> set[str]:
    """Return what a file outside the library imports, reads or patches of its private names.

    given: the private names of the library; a part of that name counts, whosever it is, but those
    of a class's own self. Texts count where they are a dotted name of the library, or name what
    ``getattr``, ``setattr`` and their like are to find.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                if module.partition(".")[0] == NAME:
                    found.update(module.split("."), (alias.name for alias in names))
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.partition(".")[0] == NAME:
                        found.update(alias.name.split("."))
            case ast.Attribute(value=owner, attr=name) if name in given:
                if not (isinstance(owner, ast.Name) and owner.id == "self"):
                    found.add(name)
            case ast.Constant(value=str(text)) if text.startswith(f"{NAME}."):
                found.update(text.split("."))
            case ast.Call(func=function, args=[_, ast.Constant(value=str(name)), *_]):
                if ast.unparse(function).endswith("attr") and name in given:
                    found.add(name)
    return set(filter(is_private, found))


def room_of(module: str) -> str:
    """Return the room of a module: "sources" for ``chimed_datasets.sources.files.opening``. What
    ``python -m chimed_datasets`` runs is of the command line."""
    parts = module.split(".")
    if parts == [NAME, "__main__"]:
        return "cli"
    return parts[1] if parts[0] == NAME and len(parts) > 1 else parts[0]


def graph(arrows: Iterable[tuple[str, str]], nodes: Iterable[str]) -> Graph:
    """Return node -> what it points at, other than itself."""
    found: Graph = {node: set() for node in nodes}
    for tail, head in arrows:
        if tail != head:
            found[tail].add(head)
    return found


def of_modules(root: Path) -> Graph:
    """Return module -> the modules that it imports."""
    return graph(((use.user, use.module) for use in uses(root)), modules(root))


def of_rooms(root: Path) -> Graph:
    """Return room -> the rooms that it imports."""
    names = {room_of(module) for module in modules(root)}
    return graph(((room_of(use.user), room_of(use.module)) for use in uses(root)), names)


def components(of: Graph) -> list[set[str]]:
    """Return the strongly connected components, each after all that it points at (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for head in sorted(of[node]):
            if head not in number:
                visit(head)
            if head in stack:
                low[node] = min(low[node], low[head])
        if low[node] == number[node]:
            start = stack.index(node)
            found.append(set(stack[start:]))
            del stack[start:]

    for node in sorted(of):
        if node not in number:
            visit(node)
    return found


def circles(of: Graph) -> list[list[str]]:
    """Return the groups of nodes that reach each other, each sorted."""
    return sorted(sorted(part) for part in components(of) if len(part) > 1)


def floors(of: Graph) -> dict[str, int]:
    """Return node -> its floor, from 1."""
    floor: dict[str, int] = {}
    for part in components(of):
        below = set(chain.from_iterable(of[node] for node in part)) - part
        floor |= dict.fromkeys(part, 1 + max((floor[node] for node in below), default=0))
    return floor


def main(root: Path) -> None:
    """Print the figures of the house in ``root``."""
    rooms = of_rooms(root)
    round_modules = circles(of_modules(root))
    sizes = ", ".join(str(len(circle)) for circle in round_modules) or "none"
    for what, figure in (
        ("rooms", len(rooms)),
        ("floors", max(floors(rooms).values())),
        ("circles of modules", f"{len(round_modules)} (sizes: {sizes})"),
        ("circles of rooms", len(circles(rooms))),
        ("Python files in the package root", len(list((root / NAME).glob("*.py")))),
        ("arrows between rooms", sum(map(len, rooms.values()))),
    ):
        print(f"{what:34}{figure}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
