"""From records to rows: what a config is, and what its rows are made of.

declaration    how a config is declared, and where the declarations are
labels         a record as a builder gets it: with its labels, and where each is from
conversation   a record as a conversation
columns        plain records to rows, column by column
defects        what is planted into a good answer
pairs          chosen and rejected replies
ranking        records whose one pair is told by columns
conclusions    what a text settles on, and where two texts settle on opposite things
traces         flags on a reasoning trace beside its reply
marks          what says of a reply that it is good or bad
unpaired       replies with such a mark that stand in no pair
exams          exam items as prompts and replies
"""

from .declaration import (
    CONFIGS,
    ON_REQUEST,
    Builder,
    Choice,
    Refusal,
    Row,
    Rows,
    builder_settings,
    builders,
    guest_builders,
    of_guest,
)

__all__ = [
    "CONFIGS",
    "ON_REQUEST",
    "Builder",
    "Choice",
    "Refusal",
    "Row",
    "Rows",
    "builder_settings",
    "builders",
    "guest_builders",
    "of_guest",
]
