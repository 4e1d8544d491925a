"""The command line. Each command calls one function; heavy imports stay inside them."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from inspect import cleandoc
from typing import Annotated, Any

import typer
import typer.main

from .._version import __version__
from . import explain, look, make, publish, registry, schema, start
from .console import Command, OneLineErrors, out


class Commands(OneLineErrors):
    """All commands. To make one of typer's costs some milliseconds, so that each is made when it is
    asked for; the list of them needs no more than what they say of themselves."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = self.made = _Made(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.made.listing = True
        super().format_help(ctx, formatter)
        self.made.listing = False


class _Made(UserDict[str, Any]):
    """Commands by their names. listing: whether those without options will do."""

    listing = False

    def __init__(self, listed: Mapping[str, Any]) -> None:
        super().__init__(listed)
        self.waiting = set(listed)

    def __getitem__(self, name: str) -> Any:
        if name in self.waiting and not self.listing:
            one = typer.Typer(add_completion=False)
            _add(one, name, _NAMED[name][1])
            self.data[name] = typer.main.get_command(one)
            self.waiting.remove(name)
        return self.data[name]


app = typer.Typer(
    name="chimed",
    cls=Commands,
    help="Build, check and publish Chinese medical datasets for Hugging Face `datasets`.",
    epilog="Begin with: chimed init FILES --out my.yaml && chimed build my.yaml",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="en|zh",
            help="The language of what is printed, of card and report; anywhere on the line.",
        ),
    ] = None,
) -> None:
    if version:
        from ..loops import state

        out.print(f"chimed-datasets {__version__}")
        out.print(f"loops: {state()}", markup=False)
        raise typer.Exit


def _paragraphs(command: Callable[..., None]) -> str:
    """Return what a command says of itself, each paragraph in one line: typer keeps the others'
    line ends."""
    paragraphs = cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


# The panels of ``chimed --help``: each command with an example, which its own help shows.
_COMMANDS: dict[str, dict[Callable[..., None], str]] = {
    "Begin": {
        start.detect: "chimed detect answers.jsonl",
        start.init: "chimed init answers.jsonl books/ --out my.yaml",
        start.preview: "chimed preview my.yaml -n 5",
        look.sources: "chimed sources",
        schema.schema: "chimed schema --out chimed-recipe.schema.json",
        registry.known: "chimed known cmexam",
    },
    "Build": {
        make.build: "chimed build my.yaml --out built",
        make.generate: "chimed generate questions.yaml --out questions --dry-run",
        make.collect: "chimed collect encyclopedia.yaml --out pages",
    },
    "Look": {
        look.stats: "chimed stats built",
        look.show: "chimed show built --rule near -n 3",
        explain.explain: "chimed explain built RECORD_ID",
        look.validate: "chimed validate built",
        look.diff: "chimed diff built built-again",
        look.report: "chimed report built",
        look.selftest: "chimed selftest mask --show 3",
    },
    "Publish": {
        publish.card: "chimed card built",
        publish.push: "chimed push built ORG/NAME --dry-run",
        publish.export: "chimed export built --to llama-factory",
        publish.rehydrate: "chimed rehydrate withheld --out whole --source books=books/",
        publish.takedown: "chimed takedown RECORD_ID --recipe my.yaml --reason 'asked for'",
    },
}
_NAMED = {
    one.__name__: (panel, one, example)
    for panel, commands in _COMMANDS.items()
    for one, example in commands.items()
}


def _add(to: typer.Typer, name: str, function: Callable[..., None]) -> None:
    """Add a function as the command of that name."""
    panel, own, example = _NAMED[name]
    to.command(
        name,
        cls=Command,
        help=_paragraphs(own),
        epilog=f"Example: {example}",
        rich_help_panel=panel,
    )(function)


for _name in _NAMED:
    _add(app, _name, lambda: None)
