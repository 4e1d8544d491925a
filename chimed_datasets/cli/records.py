"""How records are shown on a terminal: their texts, and what changed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import printable
from ..lang import _
from .console import out, say_all

if TYPE_CHECKING:
    from rich.text import Text

    from ..building.preview import Shown
    from ..built.changes import Change, Piece

SHOWN_CHARS = 240
"""Characters of a text that are shown as it was read."""
SHOWN_CHANGES = 6
PLACE_CHARS = 12


def one_line(text: str) -> str:
    """Return a text on one line, without what would steer a terminal."""
    return printable(" ".join(text.split()))


def print_record(shown: Shown) -> None:
    from rich.text import Text

    kind = f"  {shown.kind}" if shown.kind else ""
    say_all(f"\n{printable(shown.key)}{kind}  {shown.id}", "cyan")
    for place, text in shown.texts:
        print_text(place, Text(cut(text)))
    still = []
    for step in shown.steps:
        if step.rule:
            reason = printable(f"{step.rule}: {step.evidence}" if step.evidence else step.rule)
            told = _("dropped by {stage}, {reason}")
            if step.stage == "read":
                told = _("cannot be read, {reason}")
            print_text("", Text(told.format(stage=step.stage, reason=reason), style="red"))
        elif step.changes:
            print_changes(step.stage, step.changes)
        else:
            still.append(step.stage)
    if still:
        print_text(
            "", Text(_("unchanged by {stages}").format(stages=", ".join(still)), style="dim")
        )


def print_changes(stage: str, changes: tuple[Change, ...]) -> None:
    from rich.text import Text

    from ..built.changes import marked

    for number, change in enumerate(changes[:SHOWN_CHANGES]):
        text = Text()
        if number == 0:
            said = _("{stage} changes {place}:").format(stage=stage, place=change.place)
            text.append(f"{said} ", style="bold")
        else:
            said = _("and {place}:").format(place=change.place)
            text.append(f"{said} ", style="bold")
        size = 0
        for piece in marked(change.before, change.after):
            if size > 2 * SHOWN_CHARS:
                text.append("…")
                break
            size += len(piece.text)
            add_piece(text, piece)
        print_text("", text)
    if len(changes) > SHOWN_CHANGES:
        print_text("", Text(_("and {n} more texts").format(n=len(changes) - SHOWN_CHANGES)))


def add_piece(text: Text, piece: Piece) -> None:
    """Add a piece of a changed text: in red or green, without colours between signs."""
    coloured = out.is_terminal and not out.no_color
    said = printable(piece.text.replace("\n", "⏎"))
    if piece.sign == "-":
        text.append(said if coloured else f"[-{said}-]", style="red strike")
    elif piece.sign == "+":
        text.append(said if coloured else f"{{+{said}+}}", style="green underline")
    elif piece.sign == "*":
        text.append(said if coloured else f"[={said}=]", style="bold yellow")
    else:
        text.append(said)


def cut(text: str) -> str:
    line = " ".join(text.split())
    return printable(line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}…")


def print_text(place: str, text: Text) -> None:
    """Print a text beside the name of its place, in the columns that the screen has."""
    from rich.text import Text

    from .fitting import padded, print_beside

    print_beside(Text(f"{padded(f'  {printable(place)}', PLACE_CHARS)} ", style="bold"), text)
