"""Command for editors: schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def schema(
    target: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The file to write. Default: the screen."),
    ] = None,
) -> None:
    """Print the JSON Schema of recipes, by which editors complete and check them."""
    if target is None:
        sys.stdout.write(_text())
    else:
        write_schema(target)


def write_schema(target: Path) -> None:
    """Write the schema of recipes into a file, over one that is there."""
    target.write_text(_text(), "utf-8")


def _text() -> str:
    from ..recipe.schema import schema

    return json.dumps(schema(), ensure_ascii=False, indent=1) + "\n"
