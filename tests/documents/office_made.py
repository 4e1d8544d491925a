"""What the fuzzing of office documents starts from: layout -> name -> what makes the file."""

from __future__ import annotations

from collections.abc import Callable

from office_sheets import SHEETS

SEEDS: dict[str, dict[str, Callable[[], bytes]]] = {"csv": SHEETS, "qa_csv": SHEETS}
