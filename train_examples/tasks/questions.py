"""One form for every benchmark: `question`, `options` (texts), `choices` (what a model answers
with), `answer` (the number of the right choice), `several` (whether it may name several options).

lm-eval calls :func:`alike` on each split (`process_docs` in the YAML files beside this one).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from itertools import chain, combinations

from datasets import Features, List, Value

LETTERS = "ABCDEFGH"
FORM = Features(
    {
        "question": Value("string"),
        "options": List(Value("string")),
        "choices": List(Value("string")),
        "answer": Value("int64"),
        "several": Value("bool"),
    }
)
STEMS = ("question", "qtext", "stem")
PICTURES = ("qimage", "image")
"""Columns that name a picture which the question needs."""


def alike(rows):
    """Return a dataset of questions.

    Those that cannot be asked are left out; how many, and why, is printed.
    """
    why = Counter(filter(None, (read(row)[1] for row in rows)))
    if why:
        told = ", ".join(f"{reason} {n}" for reason, n in why.most_common())
        print(f"{why.total()} of {len(rows)} questions are left out: {told}", file=sys.stderr)
    asked = rows.map(
        one, remove_columns=rows.column_names, features=FORM, load_from_cache_file=False
    )
    return asked.filter(lambda row: row["answer"] >= 0, load_from_cache_file=False)


def alone(rows):
    """Return the questions with one right answer alone: an option's text answers no other."""
    return alike(rows).filter(lambda row: not row["several"], load_from_cache_file=False)


def one(row: dict) -> dict:
    """Return one question in the common form; its `answer` is -1 where it cannot be asked."""
    return read(row)[0]


def read(row: dict) -> tuple[dict, str | None]:
    """Return one question in the common form, and why it cannot be asked, or None."""
    low = {key.lower(): value for key, value in row.items()}
    given = options(low)
    right = [*dict.fromkeys(answer(low, given))]
    several = len(right) > 1
    choices = sets(sorted(given)) if several else list(given)
    form = {
        "question": next((str(low[key]).strip() for key in STEMS if low.get(key)), ""),
        "options": list(given.values()),
        "choices": choices,
        "several": several,
    }
    why = None
    if any(low.get(key) for key in PICTURES):
        why = "a picture is needed"
    elif not form["question"] or len(given) < 2:
        why = "no question or no options"
    elif not right:
        why = "no answer among the options"
    found = sets(sorted(right))[-1] if several else (right or [""])[0]
    return form | {"answer": -1 if why else choices.index(found)}, why


def sets(letters: list[str]) -> list[str]:
    """Return every set of two letters or more, as ABD with a line's end: without it AB would always
    be likelier than ABD, which begins with it."""
    more = (combinations(letters, size) for size in range(2, len(letters) + 1))
    return ["".join(one) + "\n" for one in chain.from_iterable(more)]


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
