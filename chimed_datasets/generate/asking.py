"""One question to one model: prompt and data in, a checked answer out.

Text from the data is never part of an instruction. The system message holds the prompt file and
says that the user message is a JSON object of material; the user message is that object and
nothing else. JSON quoting keeps a text inside its string, and the brackets of which chat
templates make their control tokens (``<|im_end|>``, ``[INST]``) are written as escapes, so that
no text can close the block it stands in.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jinja2
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ValidationError

from ..errors import RecipeError
from ..lang import _
from .cache import Cache
from .checks import Complaint
from .exchange import Completion, Failed, Reply, Request
from .models import Model
from .recipe import Recipe, TaskEntry
from .tasks import PROMPTS, Task

SHOWN = 2000
"""Characters of a faulty answer that the model is shown when it may mend it."""

T = TypeVar("T", bound=BaseModel)
Check = Callable[[T], Complaint | None]
Complete = Callable[[Request], Awaitable[Completion]]
"""Returns the answer to a request, or raises :class:`Failed`."""

_BRACKETS = str.maketrans({bracket: f"\\u{ord(bracket):04x}" for bracket in "<>[]"})


def quoted(data: Mapping[str, Any]) -> str:
    """Return ``data`` as a JSON object in which no text can pass for anything else.

    ``<``, ``>``, ``[`` and ``]`` inside strings are escaped; the object's own brackets stay.
    """

    def lay(value: Any) -> str:
        if isinstance(value, Mapping):
            pairs = (f"{lay(str(k))}: {lay(v)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(map(lay, value)) + "]"
        text = json.dumps(value, ensure_ascii=False)
        return text.translate(_BRACKETS) if isinstance(value, str) else text

    return lay(data)


# --- prompts ---------------------------------------------------------------------------------

_VERSION = re.compile(r"\{# version (\d+) #\}")
_TURN = re.compile(r"^--- (user|assistant)\n", re.M)


class Prompt(NamedTuple):
    """The messages before the data; version is file, number, digest over them and the schema."""

    messages: tuple[dict[str, str], ...]
    version: str


def prompt(task: TaskEntry, base: Path, schema: Mapping[str, Any]) -> Prompt:
    """Render a task's prompt file with the task's settings.

    The file's first line says ``{# version 3 #}``. What follows is the system message; worked
    examples may stand below it as turns, each after a line ``--- user`` or ``--- assistant``.
    Raises :class:`RecipeError` that names the file.
    """
    given = task.prompt is not None
    own = Path(os.path.expandvars(str(task.prompt))).expanduser()
    path = base / own if given else task.work.prompt
    folders = jinja2.FileSystemLoader([path.parent, PROMPTS])
    # A prompt file may come with a stranger's recipe: it renders text and reaches nothing else.
    world = SandboxedEnvironment(loader=folders, undefined=jinja2.StrictUndefined)
    where = f"task {task.task!r}: prompt: {path}:"
    try:
        version = _VERSION.match(path.read_text("utf-8"))
        text = world.get_template(path.name).render(vars(task.settings))
    except (OSError, UnicodeDecodeError, jinja2.TemplateError) as error:
        raise RecipeError(f"{where} {error}") from None
    if not version:
        raise RecipeError(_("{where} does not begin with {{# version 1 #}}.").format(where=where))
    system, *turns = _TURN.split(text)
    messages = [("system", system), *zip(turns[::2], turns[1::2], strict=True)]
    content = json.dumps([messages, schema], ensure_ascii=False, sort_keys=True).encode()
    digest = hashlib.sha256(content).hexdigest()[:8]
    said = tuple({"role": role, "content": words.strip()} for role, words in messages)
    return Prompt(said, f"{path.stem}/{version[1]}/{digest}")


@lru_cache
def schema_of(output: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON schema in the part that servers agree on: every field required, no
    other allowed, no bounds (they are checked here)."""
    dropped = {
        "default", "description", "format", "maxItems", "maxLength", "maximum",
        "minItems", "minLength", "minimum", "pattern",
    }  # fmt: skip

    def plain(value: Any, names: bool = False) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        if not isinstance(value, dict):
            return value
        kept = {
            key: plain(one, names=key in ("properties", "$defs") and not names)
            for key, one in value.items()
            if names or key not in dropped
        }
        if kept.get("type") == "object" and not names:
            kept |= {"additionalProperties": False, "required": list(kept["properties"])}
        return kept

    schema: dict[str, Any] = plain(output.model_json_schema())
    return schema


# --- answers ---------------------------------------------------------------------------------

_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.S)
_DECODER = json.JSONDecoder(strict=False)


def parsed(text: str, output: type[T]) -> T | Complaint:
    """Return the first JSON object in ``text`` as ``output``.

    Fences and words around it and thoughts before it are let pass. Of an object that was cut off,
    or whose brackets were not closed, what stands there whole is taken; what ``output`` needs and
    was lost makes it a complaint all the same.
    """
    body = _THOUGHT.sub("", text)
    start = body.find("{")
    try:
        if start < 0:
            raise ValueError("no object")
        try:
            value, __ = _DECODER.raw_decode(body, start)
        except json.JSONDecodeError:
            value = _DECODER.decode(_closed(body[start:]))
        return output.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        wrong = f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}"
    except (ValueError, RecursionError) as error:
        wrong = f"not valid JSON ({error.__class__.__name__})"
    mend = f"回答不合要求的 JSON 格式（{wrong}）：只输出一个完整的 JSON 对象，不要别的文字。"
    return Complaint("invalid_output", f"{wrong}: {text}", mend)


# A string that was cut off goes to the end: brackets in it are no brackets.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[{}\[\]]', re.S)


def _closed(text: str) -> str:
    """Return ``text`` up to the end of its last whole object or list, with what is still open
    closed: ``{"a": [{"b": 1}, {"b`` becomes ``{"a": [{"b": 1}]}``."""
    open_, end, left = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            open_.append("]" if token[0] == "[" else "}")
        elif open_ and token[0] in ("}", "]"):
            if open_[-1] != token[0]:
                break
            open_.pop()
            end, left = token.end(), len(open_)
    return text[:end] + "".join(reversed(open_[:left]))


@dataclass
class Job:
    """A task with its models, its prompt, and a way to get answers."""

    task: TaskEntry
    models: Sequence[Model]
    prompt: Prompt
    output: type[BaseModel]
    complete: Complete
    cache: Cache
    settings: Any = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.task.settings

    @property
    def key(self) -> str:
        """The task's key in the recipe."""
        return self.task.task

    @property
    def work(self) -> Task:
        """The task itself."""
        return self.task.work

    async def ask(
        self,
        data: Mapping[str, Any],
        check: Check[Any],
        model: Model | None = None,
        sample: int = 0,
    ) -> Reply[Any]:
        """Ask ``model`` (the first) about ``data`` and return an answer that ``check`` accepts.

        An answer that does not parse or is not accepted goes back to the model with what is wrong
        with it, ``repairs`` times; then :class:`Failed` says what was wrong with the last one.
        """
        model = model or self.models[0]
        said = [*self.prompt.messages, {"role": "user", "content": quoted(data)}]
        tried = []
        while True:
            request = Request(
                model, tuple(said), self.prompt.version, schema_of(self.output), sample
            )
            answer = await self.complete(request)
            tried.append(request.key)
            value = parsed(answer.text, self.output)
            complaint = value if isinstance(value, Complaint) else check(value)
            if complaint is None:
                return Reply(value, model, sample, answer.created[:10])
            if len(tried) > self.task.repairs:
                self.cache.mark_bad(tried)
                cut = " (cut at max_tokens)" if answer.finish == "length" else ""
                raise Failed(complaint.rule, f"{complaint.evidence}{cut}")
            said += [
                {"role": "assistant", "content": answer.text[:SHOWN]},
                {"role": "user", "content": quoted({"complaint": complaint.mend})},
            ]

    def provenance(self, record: Mapping[str, Any], *replies: Reply[Any]) -> dict[str, str]:
        """Return the metadata of a generated record: parent, task, model, prompt, sampling, date.

        ``sampling`` is JSON: the parameters, or a list of them in the order of several replies that
        differ in them. ``date`` (UTC) is that of the latest reply.
        """
        ways = [_compact(r.model.parameters(r.sample)) for r in replies]
        return {
            "parent": record["id"],
            "task": self.task.task,
            "model": ", ".join(dict.fromkeys(r.model.model for r in replies)),
            "prompt": self.prompt.version,
            "sampling": ways[0] if len(set(ways)) == 1 else f"[{', '.join(ways)}]",
            "date": max(r.date for r in replies),
        }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def jobs(recipe: Recipe, complete: Complete, cache: Cache) -> list[Job]:
    """Return the jobs of a recipe's tasks, in its order. Raises :class:`RecipeError`."""
    all_jobs = []
    for task in recipe.tasks:
        output = task.work.output
        written = prompt(task, recipe.base, schema_of(output))
        all_jobs.append(Job(task, recipe.models_of(task), written, output, complete, cache))
    return all_jobs
