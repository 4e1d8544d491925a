"""docs/reference/recipe.md, from the code: ``python docs/recipe_page.py`` prints it.

Types, defaults and allowed values come from the models and dataclasses that check a recipe, what
they mean from docstrings. A docstring tells of a key as "key: meaning", as "key  meaning", or as
keys on a line with their meaning indented below; the rest of it is prose.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import yaml
from pydantic import ByteSize, TypeAdapter

from chimed_datasets import sources
from chimed_datasets.recipe import Benchmark, Ledger, Recipe, Source, Stages
from chimed_datasets.recipe.meanings import doc, explained
from chimed_datasets.rows import builders
from chimed_datasets.sources.exams import LAYOUTS as BENCHMARK_LAYOUTS

EXAMPLE = """\
name: my-dataset
seed: 42
shard_size: 256MiB

sources:
  # Books: a folder, a glob, an archive, a file or an fsspec address.
  - {name: books, layout: tcm_classics, path: books/, license: public-domain, domain: tcm}
  # Questions and answers in the usual columns.
  - {name: clinic, layout: qa_csv, path: qa/*.csv, license: apache-2.0}
  # Any JSON Lines: say which field is what.
  - name: notes
    layout: jsonl
    path: notes.jsonl.zst
    license: cc-by-4.0
    origin: llm
    kind: thread
    fields: {question: q, answer: a, department: meta.dept}

# What must not be in the dataset.
benchmarks:
  - {name: cmmlu, layout: cmmlu, path: cmmlu/}

# Left out, every stage runs with its defaults; false switches one off.
stages:
  simplify: false
  filter: {min_document_chars: 50}
  split: {validation: 0.05, test: 0.05}

builders:
  preference: {pairs: best_worst}
"""

FAULTS = """\
chimed: my.yaml: 4 faults:
  line 1: name: must have small Latin letters (a-z), digits, - and _ only, and begin with a letter or digit, such as qa-1 (got '内科').
  line 4: source 'clinic': unknown key 'layuot'. Did you mean 'layout'? Known: domain, files, id, known, …
  line 6: source 'clinic': domain: must be tcm, modern or general (got '外科').
  line 3: source 'clinic': 'license' is missing. Say under which one it may be used: an SPDX id such as cc-by-4.0, or not-stated.
"""  # noqa: E501

_HEAD = f"""\
<!-- Written by `python docs/recipe_page.py`; a test compares the two. Do not edit it here. -->

# The recipe, key by key

A recipe is a YAML file. It is checked before any work: an unknown key, layout or value, or a path
that leads nowhere, stops the build. All faults are told at once, each with its line, its source and
the mend:

```text
{FAULTS}```

```yaml
{EXAMPLE}```

## In an editor

`chimed schema -o chimed.schema.json` writes the JSON Schema of recipes, with the keys of every
layout, stage and config, and what each means. An editor with the YAML language server (in VS Code
the extension *YAML* of Red Hat; also in Neovim and Helix) then completes keys and values, explains
them and marks what is wrong, where the recipe begins with

```yaml
# yaml-language-server: $schema=chimed.schema.json
```

`chimed init` writes both."""


_EXAMS = """\
The files of any of them may be CSV, TSV, JSON, JSON Lines or Parquet, also compressed or in
an archive. Names count in any case, and in Chinese (题目, 问题, 题干; 选项; 答案). Options
may be a list of texts or of objects (`{"key": "A", "value": …}`), a mapping, columns (`A`,
`option_a`, 选项A), JSON in a text, or one text in which a letter stands before each (`A. …`,
`（A）…`, `A、…`, on lines of their own or not), also behind the question. Several questions
on one case (`share_content`) are an item each. A row that is no item stops the build and is
named: an item passed over in silence would not be protected."""


_ALIASES = """\
Forms of well-known data are also taken by the names that people call them:"""


_MAPPING_HEAD = """\
### What a mapping can say

The layouts `csv`, `jsonl` and `parquet` read files of any columns. What they do with a row, in this
order:"""

_MAPPING_KEYS = (
    (
        "`rows`",
        "`rows: data.list`",
        "The rows stand in this list. `*` stands for all fields of an object: `rows: '*'` reads an "
        "object whose keys are ids, and each key is the row's id. (`jsonl`)",
    ),
    (
        "`header`",
        "`header: [department, label, question, answer]`",
        "Names columns that have no names: those of a table without a header line (`csv`), or the "
        "items of rows that are lists (`jsonl`).",
    ),
    ("`each`", "`each: questions.0`", "The row is read once for each item of this list."),
    (
        "`join`",
        "`join: {with: question.csv, on: question_id}`",
        "Another file of the source is a table. A row's partner in it becomes the field `question` "
        "(the name of the file; `as:` gives another name), so that its columns are "
        "`question.content` and the like. `on: {qid: question_id}` where the columns have "
        "different names. Several partners make several rows. A row of either table without a "
        "partner goes to the ledger under `no_partner`. All files are read together.",
    ),
    (
        "`where`",
        "`where: score >= 4 and lang in [zh, zh-Hans]`",
        "Other rows go to the ledger under `not_selected`.",
    ),
    (
        "`group`",
        "`group: question_id`",
        "The rows in which this column is the same become one thread, with their answers in the "
        "order of the rows; they may lie in several files of the source. Its value is the key. A "
        "row that asks another question goes to the ledger under `group_differs`; in another file, "
        "which may number its groups for itself, it begins another thread. With the target "
        "`adopted` a group needs an answer that is adopted; others go to the ledger under "
        "`no_adopted`. All files are read together.",
    ),
    (
        "`fields`",
        "`fields: {question: q, answer: a}`",
        "Which column is which part of the record; see below.",
    ),
    (
        "`strip`",
        '`strip: {answer: ["答：", "{date}"]}`',
        "Cuts these texts from both ends of a target, once each and in this order. `{date}` is any "
        "date, with a time of day or without.",
    ),
)

_MAPPING = """\
A **column** may be a path: `metadata.book` is a field of an object, `answers.0` the first item of
a list; over a list a name takes that field of each item. With `?` behind it (`diagnosis?`) a
column may be missing in a file; any other that is in none of the first rows stops the build.
Several columns in a list make one text, a line each, without those that are empty:

```yaml
fields:
  text: [name, desc, {病因: cause}, {症状: symptom}]      # 病因：… stands before the cause
```

Several columns of `messages` are the turns of a dialogue, one after another. A text is the user's,
where it does not say who speaks:

```yaml
fields:
  messages: [self_report, dialogue]
---
fields:
  messages: [{system: role}, {user: q}, {assistant: a}]
```

A **condition** compares columns (left) with values (right) by `==`, `!=`, `<`, `<=`, `>`, `>=`,
`in [a, b]`, `not in [a, b]` and `has` (a list has the item, a text has the piece in it), joined by
`and`, `or`, `not` and brackets. A value is a number, `true`, `false`, `null` or a text; a text or
column with blanks or signs stands in quotes (YAML then wants the whole condition in other quotes).
A column that is missing or empty is equal to `null` alone, and neither less nor greater than
anything. With `?` behind it (`score? >= 4`) it may be missing in a file.

With `kind: exam` a row is a question of an exam, or several on one case. Its columns are looked for
under their usual names, as the layout `exam` does it; `fields` names those that have others. The
targets are `stem`, `shared_stem`, `options` (one column, or a list of columns, which are A, B, C…
in this order), `answer`, `explanation`, `type`, `subject`, `year`, `image`, `department`,
`keyphrases` and `domain`:

```yaml
kind: exam
fields:
  stem: q
  options: [opa, opb, opc, opd]
  answer: right
```

The other layouts know their columns. All of them take `where` and `strip`; `strip` says whose text
it is: `user`, `assistant`, `system`; `question`, `answer`, `title`; `text`, `title`; `stem`,
`shared_stem`, `explanation`. Layouts of tables and objects ask the condition of a row's own
columns; they take `id` for the column that names a row, and `metadata` for columns that are kept
under their names. Books, blocks and pages have no columns: there a condition asks for what a record
has, its texts, title and metadata, such as `dynasty == 清` for `tcm_classics` or `date >= 2019` for
`warc`.

Rows of a `join` or `group` lie in a database in the folder for temporary files (`TMPDIR`), not in
memory. It takes up to twice the bytes of the table, or of the rows that are grouped. 10 million
rows joined to as many took 520 MB of memory, and 10 million grouped ones 280 MB; `make joins`
measures it."""


def page() -> str:
    """Return the whole of docs/recipe.md."""
    return "\n\n".join(part for part in _parts() if part) + "\n"


def _parts() -> Iterator[str]:
    yield _HEAD
    yield "## The recipe"
    yield from _of_class(Recipe, deep=False)
    yield "## An entry of `sources`"
    yield from _of_class(Source)
    yield "## An entry of `benchmarks`"
    yield from _of_class(Benchmark)
    reads = [(_code(name), _inline(summary)) for name, summary in BENCHMARK_LAYOUTS.items()]
    yield _table(("layout", "what it reads"), reads)
    yield _EXAMS
    yield "## Layouts of sources"
    every = [sources.layout(key) for key in sources.layouts()]
    reads = [(f"[{_code(one.key)}](#{one.key})", _inline(one.summary)) for one in every]
    yield _table(("layout", "what it reads"), reads)
    yield _ALIASES
    named = [
        (_code(alias), _code(key) + (f" with `{_flow(preset)}`" if preset else ""))
        for alias, (key, preset) in sorted(sources.ALIASES.items())
    ]
    yield _table(("name", "layout"), named)
    for one in every:
        yield f"### {_code(one.key)}"
        yield from _of_layout(one)
    yield _MAPPING_HEAD
    yield _table(("key", "example", "what it does"), _MAPPING_KEYS)
    yield _MAPPING
    yield "## `stages`"
    yield "They run in this order."
    for name, field in Stages.model_fields.items():
        yield f"### {_code(name)}"
        cls: Any = field.annotation
        yield from _of_stage(next(iter(get_args(cls)), cls))  # of "Clean | None" the first
    yield GUESTS
    yield "## `builders`"
    for name, builder in builders().items():
        yield f"### {_code(name)}"
        yield f"{_inline(builder.about)} Columns: {', '.join(map(_code, builder.features))}."
        if builder.part_of is None:
            yield from _of_class(builder.settings)
        else:
            asked = f"`builders: {{{builder.part_of}: {{{name}: true}}}}`"
            yield (
                f"It is made only where {asked} asks for it, and has the settings of "
                f"`{builder.part_of}`."
            )
    yield "## `ledger`"
    yield from _of_class(Ledger)
    yield LEDGER


LEDGER = """The file is described in [the ledger](ledger.md#textsparquet). It is not pushed, unless
`chimed push --texts` asks for it."""

GUESTS = """### Stages from outside

A key under `stages:` may name a stage from outside the package: by the entry point of an installed
package (`phrases: {...}`), by a module (`my_package.phrases: {...}`) or by a file
(`./phrases.py: {...}`). The settings are those of its class; `false` leaves it out. It says itself
where it stands. A layout, a config under `builders:` and a task of a recipe for generating may come
from outside in the same way; see [add code of your own](../how-to/plug-ins.md). What a recipe names
by module or file runs only with `--allow-code`."""


def _flow(value: Mapping[str, Any]) -> str:
    """Return a mapping as YAML has it on one line, without the braces around."""
    return yaml.safe_dump(
        dict(value), default_flow_style=True, sort_keys=False, width=10**6
    ).strip()[1:-1]


def _of_class(cls: type, *, deep: bool = True) -> Iterator[str]:
    """Tell of a class; ``deep``: also of the classes that its keys hold."""
    schema = _schema(cls)
    yield from _of_schema(schema, doc(cls))
    if deep:
        for name, inner in schema.get("$defs", {}).items():
            yield f"{_code(name)}:"
            yield from _of_schema(inner, inner.get("description", ""))


def _schema(cls: type) -> dict[str, Any]:
    """Return the JSON schema of a model or dataclass, with the defaults that factories make."""
    schema = TypeAdapter(cls).json_schema()
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        if field.default_factory is not dataclasses.MISSING:
            schema["properties"][field.name]["default"] = field.default_factory()
    for key, value in getattr(cls, "model_fields", {}).items():
        if value.annotation is ByteSize:  # as one would write it: 256MiB
            written = value.default.human_readable().replace(".0", "")
            schema["properties"][key]["default"] = written
    return schema


def _of_schema(schema: Mapping[str, Any], told: str) -> Iterator[str]:
    prose, meanings = explained(told, schema.get("properties", {}))
    yield _markdown(prose)
    yield _key_table(schema, meanings)


def _of_layout(layout: sources.Layout) -> Iterator[str]:
    """The module tells all; what an option means may also stand with the options."""
    schema = _schema(layout.options_type)
    keys = schema.get("properties", {})
    prose, meanings = explained(doc(layout.module), keys)
    yield _markdown(prose)
    if keys:
        yield "Keys of its own:"
        for cls in layout.options_type.__mro__[:-1]:  # what stands with a base holds here, too
            meanings = explained(doc(cls), keys)[1] | meanings
        yield _key_table(schema, meanings)


def _of_stage(cls: type) -> Iterator[str]:
    first, _, rest = doc(inspect.getmodule(cls)).partition("\n\n")
    yield _markdown(first)
    yield from _of_class(cls)
    yield _markdown(rest)


# --- keys ------------------------------------------------------------------------------------


def _key_table(schema: Mapping[str, Any], meanings: Mapping[str, str]) -> str:
    keys, required = schema.get("properties", {}), schema.get("required", ())
    rows = [
        (
            _code(key),
            _value(value),
            "required" if key in required else _default(value),
            _inline(meanings.get(key, "")),
        )
        for key, value in keys.items()
    ]
    if not rows:
        return ""
    width = 4 if any(meaning for *_, meaning in rows) else 3
    return _table(("key", "value", "default", "meaning")[:width], [row[:width] for row in rows])


_TYPES = {"boolean": "true or false", "string": "text", "integer": "integer", "number": "number"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _value(schema: Mapping[str, Any]) -> str:
    """Say what a JSON schema allows."""
    if "enum" in schema:
        return ", ".join(_code(one) for one in schema["enum"])
    if "const" in schema:
        return _code(schema["const"])
    if "anyOf" in schema:
        parts = [_value(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "prefixItems" in schema:
        parts = [_value(one) for one in schema["prefixItems"]]
        return f"list of {len(parts)}: {'; '.join(dict.fromkeys(parts))}"
    if schema.get("type") == "array":
        return f"list of {_value(schema['items'])}"
    if schema.get("type") == "object":
        names = _value(schema.get("propertyNames", {"type": "string"}))
        inner = schema.get("additionalProperties")
        return f"mapping of {names} to {_value(inner)}" if isinstance(inner, dict) else "mapping"
    if "$ref" in schema:
        return _code(schema["$ref"].rpartition("/")[2])
    said = _TYPES.get(schema.get("type", ""), "any")
    limits = [f"{sign} {schema[name]:g}" for name, sign in _BOUNDS.items() if name in schema]
    return ", ".join([said, *limits])


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if default is None or default in ([], {}):
        return "none"
    if isinstance(default, Mapping) and "$ref" in schema:
        return "see below"
    if isinstance(default, list) and default == schema.get("items", {}).get("enum"):
        return "all"
    return _code(json.dumps(default, ensure_ascii=False).strip('"'))


# --- markdown --------------------------------------------------------------------------------


def _code(text: str) -> str:
    return f"`{text}`"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in one) + " |" for one in lines)


_ROLE = re.compile(r":\w+:`~?[\w.]*?(\w+)`")
_LITERAL = re.compile(r"(?<!`)``(.+?)``(?!`)")
_SPANS = re.compile(r"(?<!`)(`[^`]+`)(?!`)")


def _inline(text: str) -> str:
    """Return a docstring's inline markup as Markdown's."""
    text = _LITERAL.sub(r"`\1`", _ROLE.sub(r"`\1`", text))
    parts = _SPANS.split(text)
    parts[::2] = [re.sub(r"([*<])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


_ITEM = re.compile(r"( *)(\S+(?: \S+)*?) {2,}(\S.*)")


def _markdown(text: str) -> str:
    """Return a docstring's paragraphs as Markdown: ``term  meaning`` becomes a list, what else is
    indented stays as it is laid out."""
    out: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        bullets = block.startswith("- ")
        out += [_inline(block)] if bullets else _laid_out(block.splitlines())
    return "\n\n".join(out)


def _laid_out(lines: Sequence[str]) -> Iterator[str]:
    """Yield the paragraphs, lists and code blocks that stand together in a block of lines."""
    kinds: list[str] = []
    groups: list[list[str]] = []
    indent = 0
    for line in lines:
        match = _ITEM.fullmatch(line)
        deep = len(line) - len(line.lstrip())
        if match:
            kind, indent = "list", len(match[1])
            line = f"- `{match[2]}`: {_inline(match[3])}"
        elif kinds and kinds[-1] == "list" and deep > indent:
            groups[-1][-1] += " " + _inline(line.strip())
            continue
        elif deep:
            kind = "code"
        else:
            kind, line = "prose", _inline(line)
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
            groups.append([])
        groups[-1].append(line)
    for kind, group in zip(kinds, groups, strict=True):
        text = "\n".join(group)
        yield f"```text\n{inspect.cleandoc(text)}\n```" if kind == "code" else text


if __name__ == "__main__":
    print(page(), end="")
