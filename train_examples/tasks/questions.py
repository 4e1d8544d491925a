"""One form for every benchmark: `question`, `options` (a list), `answer` (a number).

lm-eval calls :func:`alike` on each split (`process_docs` in the YAML files beside this one).
"""

from __future__ import annotations

import re

from datasets import Features, List, Value

LETTERS = "ABCDEFGH"
FORM = Features(
    {"question": Value("string"), "options": List(Value("string")), "answer": Value("int64")}
)


def alike(rows):
    """Return a dataset of questions with one right answer; those with several are left out."""
    asked = rows.map(
        one, remove_columns=rows.column_names, features=FORM, load_from_cache_file=False
    )
    return asked.filter(lambda row: row["answer"] >= 0, load_from_cache_file=False)


def one(row: dict) -> dict:
    """Return one question in the common form; its `answer` is -1 where not one letter is right."""
    low = {key.lower(): value for key, value in row.items()}
    given = options(low)
    letters = list(given)
    right = str(low.get("answer_idx") or low.get("answer") or "").strip()
    if right not in given:  # some files give the text of the right option
        right = next((k for k, v in given.items() if v == right), right)
    return {
        "question": str(low.get("question") or "").strip(),
        "options": list(given.values()),
        "answer": letters.index(right) if right in given else -1,
    }


def options(row: dict) -> dict[str, str]:
    """Return the options by letter, from columns A, B, …, a mapping, a list or lines "A text"."""
    given = row.get("options", row.get("option"))
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
