"""One form for every benchmark: `question`, `options` (a list), `answer` (a number).

lm-eval calls :func:`alike` on each split (`process_docs` in the YAML files beside this one).
"""

from __future__ import annotations

import re
import sys
from collections import Counter

from datasets import Features, List, Value

LETTERS = "ABCDEFGH"
FORM = Features(
    {"question": Value("string"), "options": List(Value("string")), "answer": Value("int64")}
)
STEMS = ("question", "qtext", "stem")
PICTURES = ("qimage", "image")
"""Columns that name a picture which the question needs."""


def alike(rows):
    """Return a dataset of questions with one right answer.

    Those that cannot be asked so are left out; how many, and why, is printed.
    """
    why = Counter(filter(None, (read(row)[1] for row in rows)))
    if why:
        told = ", ".join(f"{reason} {n}" for reason, n in why.most_common())
        print(f"{why.total()} of {len(rows)} questions are left out: {told}", file=sys.stderr)
    asked = rows.map(
        one, remove_columns=rows.column_names, features=FORM, load_from_cache_file=False
    )
    return asked.filter(lambda row: row["answer"] >= 0, load_from_cache_file=False)


def one(row: dict) -> dict:
    """Return one question in the common form; its `answer` is -1 where it cannot be asked."""
    return read(row)[0]


def read(row: dict) -> tuple[dict, str | None]:
    """Return one question in the common form, and why it cannot be asked, or None."""
    low = {key.lower(): value for key, value in row.items()}
    given = options(low)
    letters = list(given)
    right = answer(low, given)
    form = {
        "question": next((str(low[key]).strip() for key in STEMS if low.get(key)), ""),
        "options": list(given.values()),
        "answer": letters.index(right[0]) if len(right) == 1 else -1,
    }
    why = None
    if any(low.get(key) for key in PICTURES):
        why = "a picture is needed"
    elif not form["question"] or len(letters) < 2:
        why = "no question or no options"
    elif not right:
        why = "no answer among the options"
    elif len(right) > 1:
        why = "several right answers"
    return (form if why is None else {**form, "answer": -1}), why


def answer(row: dict, given: dict[str, str]) -> list[str]:
    """Return the letters of the right options; none where one of them is no option.

    A letter may stand in `answer_idx` beside the text in `answer`. Where options come without
    letters (`choices`), an answer is a text first: of the options C and A, "A" is the second.
    """
    value = row.get("answer_idx") or row.get("answer")
    texts = [str(one).strip() for one in (value if isinstance(value, list) else [value or ""])]
    by_text = {text: letter for letter, text in reversed(given.items())}
    bare = "choices" in row
    letters: list[str] = []
    for text in texts:
        named = by_text.get(text) if bare else None
        if named is None and text in given:
            named = text
        if named is None:
            named = by_text.get(text)
        if named is not None:
            letters.append(named)
        elif (several := re.sub(r"[\s,，、;；]", "", text)) and set(several) <= given.keys():
            letters += sorted(set(several))
        else:
            return []
    return letters


def options(row: dict) -> dict[str, str]:
    """Return the options by letter, from columns A, B, …, a mapping, a list or lines "A text"."""
    given = next((row[key] for key in ("options", "option", "choices") if row.get(key)), None)
    if given is None:
        given = {letter: row.get(letter.lower()) for letter in LETTERS}
    elif isinstance(given, str):
        given = dict(re.findall(r"^\s*([A-H])[.．、:： ]\s*(.+?)\s*$", given, re.MULTILINE))
    elif isinstance(given, list):
        given = {
            entry["key"] if isinstance(entry, dict) else LETTERS[n]: entry["value"]
            if isinstance(entry, dict)
            else entry
            for n, entry in enumerate(given)
        }
    return {k: str(v).strip() for k, v in given.items() if v not in (None, "")}
