"""How often each stage is right, kind by kind: measured by the self-test, shipped as figures.json.

figures.json stands beside this module. ``python -m chimed_datasets.selftest`` writes it; a test
compares it with what the self-test gives. A build copies the figures of its stages into the
manifest, and from there they come to the card.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any, NamedTuple

from .manifest import StageFigures

NAME = "figures.json"
_Z = 1.959964
"""The quantile of the normal distribution that leaves 2.5 % on either side."""


class Figure(NamedTuple):
    """How many rows of one kind came out right.

    stage, kind: what was measured: "mask", "phone".
    set, made:   the file of labelled rows, without its suffix; the day it was made (ISO, "" where
                 it is not known).
    right, of:   rows that came out right, rows in all.
    """

    stage: str
    kind: str
    set: str
    made: str
    right: int
    of: int

    @property
    def share(self) -> float:
        """The share of right rows, 0 to 1. A figure has at least one row."""
        return self.right / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share; see :func:`wilson`."""
        return wilson(self.right, self.of)

    def is_below(self, other: Figure) -> bool:
        """Tell whether the share is smaller than that of ``other``."""
        return self.right * other.of < other.right * self.of


def wilson(right: float, of: float) -> tuple[float, float]:
    """Return the 95 % score interval of a share, each end between 0 and 1.

    right, of: how many of how many; ``of`` is at least 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22 (1927), 209-212. Unlike share ± 1.96 s it holds for
    small sets and near 0 and 1.

    >>> low, high = wilson(10, 10)
    >>> f"{low:.3f} {high:.3f}"
    '0.722 1.000'
    """
    share, square = right / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def shipped() -> list[Figure]:
    """Return the figures of this version, in the order of the self-test's table."""
    text = resources.files(__package__).joinpath(NAME).read_text("utf-8")
    return [Figure(**entry) for entry in json.loads(text)]


def as_json(figures: Iterable[Figure]) -> str:
    """Return figures as figures.json holds them: a list, one figure a line."""
    lines = ",\n".join(json.dumps(figure._asdict(), ensure_ascii=False) for figure in figures)
    return f"[\n{lines}\n]\n"


def of_stages(stages: Mapping[str, Any]) -> dict[str, StageFigures]:
    """Return stage -> its figures, for the stages that run and were measured.

    stages: name -> the stage with its settings, or None where it is switched off.

    The figures are those of the default settings; ``default_settings`` says whether the stage has
    them.
    """
    found: dict[str, StageFigures] = {}
    for figure in shipped():
        stage = stages.get(figure.stage)
        if stage is None:
            continue
        entry = found.setdefault(
            figure.stage, {"default_settings": asdict(stage) == asdict(type(stage)()), "kinds": []}
        )
        low, high = (round(end, 6) for end in figure.interval)
        entry["kinds"].append(
            {
                "kind": figure.kind,
                "set": figure.set,
                "made": figure.made,
                "right": figure.right,
                "of": figure.of,
                "low": low,
                "high": high,
            }
        )
    return found
