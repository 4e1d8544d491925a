"""Why a record was dropped, in words: one sentence for every rule of the package.

reasons.json stands beside this module: stage -> rule -> sentence, where "stage" is also a config,
"generate", "export" or "collect". The reference page, `chimed explain`, `chimed show`, the card and
the report take their sentences from it.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib import resources

from ..lang import _

NAME = "reasons.json"
_STATUS = re.compile(r"status_(\d+)")
_LIKE = {"sft": "exam"}
"""Configs that refuse records by the rules of another one, too."""


@lru_cache(maxsize=1)
def reasons() -> dict[str, dict[str, str]]:
    """Return stage -> rule -> a sentence, with `code` as in Markdown.

    >>> reasons()["filter"]["too_long"]
    'A text has more characters than `max_chars`.'
    """
    text = resources.files(__package__).joinpath(NAME).read_text("utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def reason(stage: str, rule: str) -> str:
    """Return a plain sentence on why a rule of a stage drops a record.

    stage, rule: as they stand in the ledger. A rule from outside the package has no sentence of its
    own. In the language that is spoken.

    >>> reason("filter", "too_long")
    'A text has more characters than max_chars.'
    >>> reason("read", "status_404")
    'A web server answered with status 404, not with 200.'
    >>> reason("my_stage", "my_rule")
    'The stage my_stage dropped it by its own rule my_rule.'
    """
    if found := _STATUS.fullmatch(rule):
        said = _("A web server answered with status {status}, not with 200.")
        return said.format(status=found[1])
    for name in (stage, _LIKE.get(stage, "")):
        if sentence := reasons().get(name, {}).get(rule):
            return _(sentence.replace("`", ""))
    return _("The stage {stage} dropped it by its own rule {rule}.").format(stage=stage, rule=rule)
