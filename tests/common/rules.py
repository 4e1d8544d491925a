"""Which rules the code may write into a ledger, read from its source.

A rule is the text that stands for it where a record is refused: in `RowError("no_answer", …)`, in
`refused[row] = ("too_short", …)` and so on. What is not written as a text there (a rule that is
handed on) was one elsewhere. ``status_{code}`` is given as ``status_N``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

# What is called with a rule, and as which argument.
CALLS = {
    "RowError": 0, "Refusal": 0, "Failed": 0, "Complaint": 0, "_Broken": 0, "Malformed": 1, "Look": 1, "Drop": 1,
}  # fmt: skip
# Where stages note a rule with its evidence: refused[row] = (rule, evidence).
NOTED = {"refused", "bad"}


def of_files(folder: Path) -> set[str]:
    """Return the rules of every module in ``folder``, with those of folders in it."""
    return {
        rule for path in sorted(folder.rglob("*.py")) for rule in of_text(path.read_text("utf-8"))
    }


def of_text(source: str) -> set[str]:
    """Return the rules that a module writes."""
    tree = ast.parse(source)
    return {
        rule for node in ast.walk(tree) for given in _given(node) for rule in _texts(given, tree)
    }


def _given(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what is given as a rule by one statement or expression."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
            if name in CALLS and len(args) > CALLS[name]:
                yield args[CALLS[name]]
            elif name == "length" and args and isinstance(args[0], ast.Constant):
                yield ast.Constant(f"{args[0].value}_length")  # see generate/checks.py
            elif name == "setdefault" and len(args) == 2:
                yield from _first_of_two(args[1])
            elif name == "where" and len(args) == 3:  # who is a duplicate how
                yield from args[1:]
            elif name == "full" and len(args) == 2:  # all by one rule
                yield args[1]
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))], value=value):
            if name in NOTED:
                yield from _first_of_two(value)
        case ast.Yield(value=ast.Tuple(elts=[_, pair])):
            yield from _first_of_two(pair)
        case ast.Return(value=ast.Tuple(elts=[ast.Constant() as rule, _, _])):
            yield rule  # a benchmark's item, and where it stands
        case ast.Tuple(elts=[_, ast.Constant() as rule, ast.Name(id="evidence") | ast.BinOp()]):
            yield rule  # of which records, rule, evidence
        case ast.Assign(
            targets=[ast.Name(id="Advert" | "NoContent")],
            value=ast.Subscript(slice=ast.Tuple(elts=rules)),
        ):
            yield from rules
        case ast.Assign(targets=[ast.Name(id="RULES")], value=ast.Tuple(elts=rules)):
            yield from rules
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            constants = [n.id for n in names if isinstance(n, ast.Name)]
            if constants == ["STAGE", "LISTED", "COPY"]:
                yield from values[1:]


def _first_of_two(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        yield node.elts[0]


def _texts(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            if text.replace("_", "").isalpha() and text.islower():
                yield text
        case ast.JoinedStr(values=[ast.Constant(value=head), ast.FormattedValue()]):
            yield f"{head}N"
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, tree)
            yield from _texts(other, tree)
        case ast.Name(id=name):
            for value in _assigned(name, tree):
                if not isinstance(value, ast.Name):
                    yield from _texts(value, tree)


def _assigned(name: str, tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the values that a module assigns to a name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(one, ast.Name) and one.id == name:
                        yield value
