"""What the Tab key offers for the values of arguments and options.

It runs at each press of the key, so that it imports little.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from .console import expanded


def known_names(incomplete: str) -> list[str]:
    """Names of known sources and benchmarks."""
    root = resources.files("chimed_datasets.known")
    kinds = (root / kind for kind in ("sources", "benchmarks"))
    names = {file.name.removesuffix(".yaml") for kind in kinds for file in kind.iterdir()}
    return _begun(names, incomplete)


def export_formats(incomplete: str) -> list[str]:
    """Formats of this library; what other packages bring is not looked for."""
    from ..export import formats

    return _begun(formats(), incomplete)


def configs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Configs of the build whose folder was typed before."""
    return _begun(_manifest(ctx).get("configs", {}), incomplete)


def sources(ctx: typer.Context, incomplete: str) -> list[str]:
    """Sources of that build."""
    return _begun((one["name"] for one in _manifest(ctx).get("sources", ())), incomplete)


def rules(ctx: typer.Context, incomplete: str) -> list[str]:
    """Rules by which records of that build were dropped."""
    found: set[str] = set()
    for stages in _manifest(ctx).get("dropped", {}).values():
        for stage, rules in stages.items():
            found |= {stage, *rules}
    return _begun(found, incomplete)


def _manifest(ctx: typer.Context) -> dict[str, Any]:
    # Behind an option that still lacks its value, arguments are not yet told apart.
    folder = ctx.params.get("folder") or next(iter(ctx.args), None)
    if not folder:
        return {}
    try:
        text = (Path(expanded(str(folder))) / "manifest.json").read_text("utf-8")
        found: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return {}
    return found


def _begun(names: Any, incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
