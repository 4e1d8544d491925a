"""Measure the mask stage on its labelled set: ``python -m chimed_datasets.stages.mask_eval``.

The set (``mask_cases.jsonl``) was written for this project. Its numbers are drawn at random, with
valid check digits where a check exists. One case a line:

    text   a sentence as patients, doctors or papers write them
    spans  [[start, end, type], ...] in code points; a span is the number without its cue
    note   what the case is about; many cases without spans are hard ones: doses, dates, codes
    split  "dev" cases steered the patterns; "held" ones were written before they were first run

The held cases came in two lots, by the same authors as the patterns. When first run, the first lot
(238 cases, 154 spans) gave precision 0.987 and recall 0.955, exact spans of all types; one of its
misses, a second number behind a slash, was a defect that "dev" showed too and was mended, and
the cue "QQ吧" was added. The second lot (93 cases, 61 spans) was written after that and
gave 1.000 and 1.000.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from .mask import Span, Type, find

Case = dict[str, Any]
LABELLED: tuple[Type, ...] = (
    *("email", "url", "resident_id", "bank_card", "mobile", "landline", "qq", "wechat"),
    "record_number",
)
"""The types that the set labels. Passports, names and the like came later."""


def _found(text: str) -> list[Span]:
    return find(text, LABELLED)


@dataclass
class Score:
    """Counts of spans of one type. A match needs the same type.

    labelled, found:           spans in the set, spans found
    exact:                     found spans with the same start and end as a labelled one
    found_hits, labelled_hits: found spans that overlap a labelled one, and the reverse
    """

    labelled: int = 0
    found: int = 0
    exact: int = 0
    found_hits: int = 0
    labelled_hits: int = 0

    @property
    def precision(self) -> float:
        """Exact spans among those found; 1 where none was found."""
        return self.exact / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Exact spans among those labelled; 1 where none was labelled."""
        return self.exact / self.labelled if self.labelled else 1.0

    @property
    def overlap_precision(self) -> float:
        """Found spans that overlap a labelled one."""
        return self.found_hits / self.found if self.found else 1.0

    @property
    def overlap_recall(self) -> float:
        """Labelled spans that overlap a found one."""
        return self.labelled_hits / self.labelled if self.labelled else 1.0


def load_cases(split: str | None = None) -> list[Case]:
    """Return the labelled set, or one split of it ("dev" or "held")."""
    text = resources.files(__package__).joinpath("mask_cases.jsonl").read_text("utf-8")
    cases = [json.loads(line) for line in text.splitlines()]
    return [case for case in cases if split in (None, case["split"])]


def evaluate(
    cases: Iterable[Case], finder: Callable[[str], list[Span]] = _found
) -> dict[str, Score]:
    """Return the score of each type in :data:`LABELLED`, and of all together under "overall"."""
    scores: dict[str, Score] = {type_: Score() for type_ in LABELLED}
    for case in cases:
        labelled = [Span(*span) for span in case["spans"]]
        found = finder(case["text"])
        for span in labelled:
            scores[span.type].labelled += 1
            scores[span.type].exact += span in found
            scores[span.type].labelled_hits += any(_overlap(span, other) for other in found)
        for span in found:
            scores[span.type].found += 1
            scores[span.type].found_hits += any(_overlap(span, other) for other in labelled)
    overall = Score()
    for score in scores.values():
        for key, value in vars(score).items():
            setattr(overall, key, getattr(overall, key) + value)
    return scores | {"overall": overall}


def _overlap(a: Span, b: Span) -> bool:
    return a.type == b.type and a.start < b.end and b.start < a.end


def table(scores: dict[str, Score]) -> str:
    """Return the scores as a table of plain text."""
    lines = [
        f"{'type':14} {'labelled':>8} {'found':>6} {'precision':>10} {'recall':>7}"
        f" {'overlap p':>10} {'overlap r':>10}"
    ]
    lines += [
        f"{type_:14} {s.labelled:8} {s.found:6} {s.precision:10.3f} {s.recall:7.3f}"
        f" {s.overlap_precision:10.3f} {s.overlap_recall:10.3f}"
        for type_, s in scores.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table of each split and of the whole set."""
    for split in ("dev", "held", None):
        cases = load_cases(split)
        negative = [case for case in cases if not case["spans"]]
        alarms = sum(bool(_found(case["text"])) for case in negative)
        print(f"{split or 'all'}: {len(cases)} cases, {len(negative)} without personal data")
        print(f"{table(evaluate(cases))}\nfalse alarms in cases without personal data: {alarms}\n")


if __name__ == "__main__":
    main()
