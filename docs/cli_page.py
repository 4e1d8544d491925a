"""docs/reference/command-line.md, written from the commands themselves:

    python docs/cli_page.py > docs/reference/command-line.md

`typer utils docs` lists them with their options and help; this lays it out for the site.
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Sequence

_HEAD = """\
<!-- Written by `python docs/cli_page.py`; a test compares the two. Do not edit it here. -->

# The command line

`chimed COMMAND --help` (or `-h`) prints the same, and `chimed --version` the version and which
[loops](build.md#compiled-loops) run. `python -m chimed_datasets` is the same program, where a shell
does not find `chimed`. [Exit status and output](output.md) tells what a script needs to know."""
_COMMAND = [sys.executable, "-m", "typer", "chimed_datasets.cli", "utils", "docs"]


def page() -> str:
    """Return the whole of docs/reference/command-line.md."""
    plain = os.environ | {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200"}
    command = [*_COMMAND, "--name", "chimed"]
    run = subprocess.run(command, env=plain, capture_output=True, check=True)
    # What stands before the first command is a list whose lines are cut short.
    _, *commands = html.unescape(run.stdout.decode()).split("\n## ")
    listed = [(f"[{_name(one)}](#{_anchor(_name(one))})", _about(one)) for one in commands]
    return "\n\n".join([_HEAD, _table("command", listed), *map(_section, commands)]) + "\n"


def _name(text: str) -> str:
    return text.partition("\n")[0]


def _anchor(name: str) -> str:
    return name.strip("`").replace(" ", "-")


def _about(text: str) -> str:
    return text.split("\n\n")[1]


def _section(text: str) -> str:
    """Return a command's section: what it does, its usage, arguments and options."""
    usage = next(line for line in text.splitlines() if line.startswith("$ "))
    example = re.search(r"^Example: (.+)$", text, re.M)
    shown = f"{usage}\n$ {example[1]}" if example else usage
    about = text.partition("\n\n")[2].partition("\n\n**Usage**")[0]
    parts = [f"## {_name(text)}", about, f"```console\n{shown}\n```"]
    _, *lists = re.split(r"\*\*(Arguments|Options)\*\*:\n", text)
    for kind, given in zip(lists[::2], lists[1::2], strict=True):
        rows = re.findall(r"^\* (`.+?`): (.*)$", given, re.M)
        rows = [
            (name.replace("|", " or "), _prose(meaning))
            for name, meaning in rows
            if "--help" not in name
        ]
        parts += [_table(kind[:-1].lower(), rows)] if rows else []
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    return re.sub(r"([<*|])", r"\\\1", text).replace("  [", " [")


def _table(name: str, rows: Sequence[tuple[str, str]]) -> str:
    lines = [(name, "meaning"), ("---", "---"), *rows]
    return "\n".join(f"| {left} | {right} |" for left, right in lines)


if __name__ == "__main__":
    print(page(), end="")
