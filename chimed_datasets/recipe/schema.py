"""The JSON Schema of a recipe, by which an editor completes it and marks what is wrong.

It is of draft 7, which the language servers for YAML know. A layout's own keys depend on the
layout: for each there is a condition, which names all keys that an entry with it may have. What
only a look at several parts tells, such as a name that stands twice, no schema can say.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ByteSize, TypeAdapter

from .. import known, plugins, sources
from ..sources.exams import LAYOUTS as BENCHMARK_LAYOUTS
from ..sources.parsing.labels import DOMAIN_OF
from .meanings import doc, explained
from .model import Benchmark, Ledger, Place, Recipe, Source, Stages

_CODE = r"\.py(:\w+)?$|^\w+(\.\w+)+(:\w+)?$|^\w+:\w+$"
"""A key that names code by path or by import."""
_LICENCES = [
    "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "apache-2.0", "mit",
    "public-domain", "odc-by", "not-stated", "proprietary",
]  # fmt: skip
_UNLESS_KNOWN = {
    "if": {"not": {"required": ["known"]}},
    "then": {"required": ["name", "layout", "path"]},
}
_REF = re.compile(r":\w+:`~?[\w.]*?(\w+)`")

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the schema, as JSON can hold it. Layouts, stages and configs of installed packages are
    in it."""
    made = _Maker()
    keys = made.of_class(Recipe)
    own = keys["properties"]
    own["sources"] |= {"items": made.of_source(), "minItems": 1}
    own["benchmarks"] |= {"items": made.of_benchmark()}
    own["stages"] = made.of_stages() | {"description": own["stages"]["description"]}
    own["builders"] = made.of_builders() | {"description": own["builders"]["description"]}
    own["ledger"] = made.of_class(Ledger) | {"description": own["ledger"]["description"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A recipe of chimed-datasets",
        **keys,
        "definitions": made.definitions,
    }


class _Maker:
    """Makes the parts; what they refer to gathers in ``definitions``."""

    def __init__(self) -> None:
        self.definitions: Schema = {}

    def of_class(self, cls: Any, *told: Any) -> Schema:
        """Return the schema of a model or dataclass that takes no other keys. told: what else has a
        docstring that tells of its keys."""
        place = f"{cls.__module__}.{cls.__qualname__}".removeprefix("chimed_datasets.")
        whole = TypeAdapter(cls).json_schema(ref_template=f"#/definitions/{place}.{{model}}")
        for name, inner in whole.pop("$defs", {}).items():
            self.definitions[f"{place}.{name}"] = _seventh(inner)
        properties = {key: _seventh(value) for key, value in whole.get("properties", {}).items()}
        meanings: dict[str, str] = {}
        for owner in (*told, *(one for one in cls.__mro__ if one not in (object, BaseModel))):
            meanings = explained(doc(owner), properties)[1] | meanings
        for key, meaning in meanings.items():
            properties[key]["description"] = _plain(meaning)
        for key, field in getattr(cls, "model_fields", {}).items():
            if field.annotation is ByteSize:
                properties[key] |= {"type": ["integer", "string"], "default": "256MiB"}
                properties[key].pop("minimum", None)
        out: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required := whole.get("required"):
            out["required"] = required
        return out

    def of_source(self) -> Schema:
        common = self._of_place(Source)
        own = common["properties"]
        own["domain"] = {
            "description": own["domain"]["description"],
            "default": "modern",
            "anyOf": [{"enum": ["tcm", "modern", "general"]}, {"pattern": _either(DOMAIN_OF)}],
        }
        own["license"] = {
            "type": "string", "minLength": 1, "examples": _LICENCES,
            "description": own["license"]["description"],
        }  # fmt: skip
        own["licence"] = own["license"] | {"description": "The same as license."}
        names = {key: [key] for key in sources.layouts()}
        for alias, (key, _) in sources.ALIASES.items():
            names[key].append(alias)
        for guest in plugins.installed("layouts"):
            names[guest] = [guest]
        own["layout"] = {
            "description": own["layout"]["description"],
            "anyOf": [{"enum": sorted(n for every in names.values() for n in every)},
                      {"pattern": _CODE}],
        }  # fmt: skip
        return {
            "type": "object",
            "properties": own,
            "anyOf": [{"required": [key]} for key in ("known", "license", "licence")],
            "not": {"required": ["license", "licence"]},
            "allOf": [_UNLESS_KNOWN,
                      *(self._of_layout(key, names[key], own) for key in sources.layouts())],
        }  # fmt: skip

    def _of_layout(self, key: str, names: list[str], common: Schema) -> Schema:
        layout = sources.layout(key)
        own = self.of_class(layout.options_type, layout.module)["properties"]
        return {
            "if": {"properties": {"layout": {"enum": names}}, "required": ["layout"]},
            "then": {"properties": own, "propertyNames": {"enum": [*common, *own]}},
        }

    def of_benchmark(self) -> Schema:
        whole = self._of_place(Benchmark)
        own = whole["properties"]
        own["layout"] = {
            "description": own["layout"]["description"], "enum": sorted(BENCHMARK_LAYOUTS)
        }  # fmt: skip
        whole.pop("required")
        return whole | {"allOf": [_UNLESS_KNOWN]}

    def _of_place(self, cls: type[Place]) -> Schema:
        whole = self.of_class(cls)
        own = whole["properties"]
        own["known"] = {
            "description": own["known"]["description"], "enum": known.names(cls.KNOWN)
        }  # fmt: skip
        own["name"]["description"] = (
            f"{own['name']['description']} Small Latin letters, digits, - and _."
        )
        return whole

    def of_stages(self) -> Schema:
        own: Schema = {}
        for name, field in Stages.model_fields.items():
            cls: Any = field.annotation
            cls = next(iter(get_args(cls)), cls)
            first = doc(inspect.getmodule(cls)).partition("\n\n")[0]
            own[name] = {
                "description": _plain(first),
                "anyOf": [{"type": ["boolean", "null"]}, self.of_class(cls)],
            }
        return _open(own, plugins.installed("stages"))

    def of_builders(self) -> Schema:
        from ..rows import builders

        own = {
            name: {"description": builder.about, **self.of_class(builder.settings)}
            for name, builder in builders().items()
            if builder.part_of is None
        }
        return _open(own, plugins.installed("builders"))


def _open(own: Schema, guests: Iterable[str]) -> Schema:
    """Return the schema of a mapping whose keys may also name code from outside."""
    return {
        "type": "object",
        "properties": own | {guest: {} for guest in guests},
        "patternProperties": {_CODE: {}},
        "additionalProperties": False,
    }


def _seventh(value: Any) -> Any:
    """Return a part of a schema as draft 7 has it, without titles, and without docstrings, which
    tell of keys one by one."""
    if isinstance(value, list):
        return [_seventh(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    out = {key: _seventh(inner) for key, inner in value.items() if key not in ("title", "$defs")}
    if "properties" in value:
        names = value["properties"]
        meanings = explained(str(out.pop("description", "")), names)[1]
        out["properties"] = {key: _seventh(inner) for key, inner in names.items()}
        for key, meaning in meanings.items():
            out["properties"][key].setdefault("description", _plain(meaning))
    if "prefixItems" in out:
        out["items"] = out.pop("prefixItems")
    return out


def _plain(text: str) -> str:
    return " ".join(_REF.sub(r"`\1`", text).replace("``", "`").split())


def _either(words: Iterable[str]) -> str:
    """Return a pattern of words, in letters of any size, with blanks and hyphens between."""
    return f"^[ _-]*({'|'.join(map(_in_any_case, sorted(words)))})$"


def _in_any_case(word: str) -> str:
    signs = (f"[{sign}{sign.upper()}]" if sign.isascii() else sign for sign in word)
    return "".join(f"{sign}[ _-]*" for sign in signs)
