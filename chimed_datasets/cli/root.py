"""The command line. Each command calls one function; heavy imports stay inside them."""

from __future__ import annotations

from typing import Annotated

import typer

from .._version import __version__
from . import explain, look, make, publish, registry, schema, start
from .console import OneLineErrors, out

app = typer.Typer(
    name="chimed",
    cls=OneLineErrors,
    help="Build, check and publish Chinese medical datasets for Hugging Face `datasets`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from ..loops import state

        out.print(f"chimed-datasets {__version__}")
        out.print(f"loops: {state()}", markup=False)
        raise typer.Exit


# The order of ``chimed --help``.
for _command in (
    start.detect,
    start.init,
    start.preview,
    make.build,
    look.stats,
    look.show,
    explain.explain,
    look.validate,
    publish.card,
    look.diff,
    look.report,
    publish.push,
    publish.export,
    publish.rehydrate,
    publish.takedown,
    look.sources,
    registry.known,
    schema.schema,
    look.selftest,
    make.generate,
    make.collect,
):
    app.command()(_command)
