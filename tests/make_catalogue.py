"""The catalogue of Chinese texts, collected from the code:

    python -m tests.make_catalogue

writes what is new into chimed_datasets/lang/zh_CN/LC_MESSAGES/chimed.po with an empty ``msgstr``,
takes out what the code no longer says, and compiles chimed.mo, which gettext reads. Then write the
Chinese into chimed.po and run it again. tests/test_lang.py fails where the three do not agree.

Collected are: the texts in ``_("…")`` and ``N_("…")`` of modules, of the page's script and of
templates; the help of every command and option; the sentences of reasons.json.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "chimed_datasets"
PO = PACKAGE / "lang" / "zh_CN" / "LC_MESSAGES" / "chimed.po"
MO = PO.with_suffix(".mo")
MARKS = ("_", "N_")
_IN_TEXT = re.compile(r'(?<![\w.])N?_\(\s{0,20}"((?:[^"\\]|\\.)*)"')
"""A marked text in a script or a template; these have double quotes and stand on one line."""


def of_module(path: Path) -> Iterator[str]:
    """Yield the marked texts of a module. Raises ValueError for one that is no plain text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in MARKS:
            given = node.args[0] if len(node.args) == 1 else None
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield given.value
            elif node.func.id == "N_" or isinstance(given, ast.JoinedStr):
                raise ValueError(f"{path}:{node.lineno}: not one plain text in {node.func.id}()")


def of_text(path: Path) -> Iterator[str]:
    """Yield the marked texts of a script or a template."""
    for found in _IN_TEXT.finditer(path.read_text("utf-8")):
        yield json.loads(f'"{found[1]}"')


def of_commands() -> Iterator[tuple[str, str]]:
    """Yield (module, text) for the help of all commands, arguments and options."""
    import typer.main

    from chimed_datasets.cli import app

    group = typer.main.get_command(app)
    yield "chimed_datasets/cli/root.py", "Begin with:"
    yield "chimed_datasets/cli/root.py", "Example:"
    for command in (group, *group.commands.values()):
        if panel := getattr(command, "rich_help_panel", None):
            yield "chimed_datasets/cli/root.py", panel
        called = inspect.unwrap(command.callback)
        place = called.__module__.replace(".", "/") + ".py"
        for text in (command.help, *(getattr(one, "help", None) for one in command.params)):
            if text:
                yield place, text


def of_layouts() -> Iterator[tuple[str, str]]:
    """Yield (module, text) for what each layout reads."""
    from chimed_datasets.sources import layout, layouts
    from chimed_datasets.sources.exams import LAYOUTS

    for key in layouts():
        yield f"chimed_datasets/sources/{key}.py", layout(key).summary
    for summary in LAYOUTS.values():
        yield "chimed_datasets/sources/exams/__init__.py", summary


def of_reasons() -> Iterator[str]:
    """Yield the sentences of the rules."""
    for rules in json.loads((PACKAGE / "built" / "reasons.json").read_text("utf-8")).values():
        for sentence in rules.values():
            yield sentence.replace("`", "")


def collected() -> dict[str, list[str]]:
    """Return text -> the files that say it, in the order of the files."""
    found: dict[str, list[str]] = {}

    def add(text: str, place: str) -> None:
        places = found.setdefault(text, [])
        if place not in places:
            places.append(place)

    for folder in (PACKAGE, ROOT / "builders", ROOT / "cards"):
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(ROOT).as_posix()
            if path.suffix == ".py":
                texts = list(of_module(path))
            elif path.suffix in (".js", ".jinja"):
                texts = list(of_text(path))
            elif path.name == "reasons.json":
                texts = list(of_reasons())
            else:
                continue
            for text in texts:
                add(text, place)
    for place, text in (*of_commands(), *of_layouts()):
        add(text, place)
    return found


def catalogue() -> Catalog:
    """Return the catalogue as it stands in chimed.po."""
    if not PO.is_file():
        return Catalog(locale="zh_CN")
    with PO.open("rb") as file:
        return read_po(file, locale="zh_CN")


def settled() -> Catalog:
    """Return a catalogue of what the code says now, with the Chinese that is there."""
    known = {one.id: one for one in catalogue() if one.id}
    settled = Catalog(
        locale="zh_CN",
        domain="chimed",
        fuzzy=False,
        creation_date=datetime(2026, 11, 30, tzinfo=UTC),
        revision_date=datetime(2026, 11, 30, tzinfo=UTC),
    )
    settled.header_comment = "# The Chinese texts. See python -m tests.make_catalogue."
    for text, places in collected().items():
        settled.add(
            text,
            known[text].string if text in known else "",
            locations=[(place, 0) for place in places],
            flags=["python-brace-format"] if "{" in text else [],
        )
    return settled


def as_po(one: Catalog) -> bytes:
    """Return the bytes of chimed.po."""
    out = io.BytesIO()
    write_po(out, one, width=0, ignore_obsolete=True, include_lineno=False)
    return _OF_BABEL.sub(b"", out.getvalue())


_OF_BABEL = re.compile(
    rb'^"(Project|Report|POT|PO-|Last|Language-Team|Generated-By)[^\n]{0,200}\n', re.M
)
"""Lines of the header that say nothing of this catalogue, or name the version of Babel."""


def as_mo(one: Catalog) -> bytes:
    """Return the bytes of chimed.mo."""
    out = io.BytesIO()
    write_mo(out, one)
    return out.getvalue()


def main() -> None:
    """Write both files, and say what is to be translated."""
    now = settled()
    PO.write_bytes(as_po(now))
    MO.write_bytes(as_mo(now))
    open_ones = [one.id for one in now if one.id and not one.string]
    print(f"{len(now):,} texts, {len(open_ones):,} without Chinese")


if __name__ == "__main__":
    main()
