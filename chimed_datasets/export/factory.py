"""For LLaMA-Factory, in whatever form: what its loaders bend, and ``dataset_info.json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..built import llama_factory
from ..rows import Refusal, Row
from . import talks
from .talks import Forms, Line, Message, Pair, Single
from .writing import Exported

TRIED = "LLaMA-Factory 0.9.5"
_TURN_NUMBER = "{{idx}}"
"""What its templates put the number of a turn for, in a text of the user too."""


def lines(name: str, row: Row, forms: Forms) -> Iterator[Line | Refusal]:
    """Yield what :func:`.talks.lines` does of what LLaMA-Factory leaves as it is."""

    def fitted(found: str | list[Message] | Pair | Single) -> Iterable[Line | Refusal]:
        prompt = found.prompt if isinstance(found, Pair | Single) else found
        if not isinstance(prompt, str) and _numbered(prompt):
            yield Refusal("placeholder", _TURN_NUMBER)
            return
        if isinstance(found, Pair | Single) and found.prompt != talks.bare(found.prompt):
            # It takes them off such prompts itself: the file is as it will be read.
            yield Refusal("prompt_trace", "the trace of an earlier reply")
            found = found._replace(prompt=talks.bare(found.prompt))
        yield from forms[name](found)

    return talks.lines(name, row, {name: fitted})


def write_info(
    folder: Path, files: Iterable[Exported], entries: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write ``dataset_info.json``: an entry a file, of the file's name."""
    told = {Path(f.file).stem: {"file_name": f.file, **entries[f.name]} for f in files}
    (folder / llama_factory.FILE).write_text(llama_factory.text(told), "utf-8")


def _numbered(messages: list[Message]) -> bool:
    return any(_TURN_NUMBER in m["content"] for m in messages if m["role"] == "user")
