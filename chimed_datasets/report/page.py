"""The report: one HTML page that needs no network, with the charts, the tables and the records.

`vl-convert` carries Vega, Vega-Lite and Vega-Embed; the page holds them whole. A policy in its head
(Content-Security-Policy) lets nothing else run and nothing be fetched: texts of the data reach the
page as JSON and are shown as text, never as HTML.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

import jinja2
from rich.table import Table
from rich.text import Text

from ..built.dataset import Built
from ..built.manifest import Manifest
from ..built.statistics import Statistics
from ..stages.mask import PLACEHOLDERS
from . import fonts, sampling, tables
from .charts import TITLES, VEGA_LITE, charts, theme
from .figures import figures
from .pictures import renderer

FONT = f"system-ui, '{fonts.NAME}', sans-serif"

DISCLAIMER = "Not medical advice. 不构成医疗建议。"


def page(built: Built, statistics: Statistics) -> str:
    """Return the page. Raises :class:`ReportError` where the renderer is not installed."""
    manifest = built.manifest
    specs = charts(figures(built, statistics))
    for spec in specs.values():
        spec |= {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
    data = {
        "specs": specs,
        "titles": TITLES,
        "themes": {"light": _theme(False), "dark": _theme(True)},
        "marks": sorted(set(PLACEHOLDERS.values())),
        "rows": sampling.rows(built),
        "drops": sampling.drops(built),
    }
    library = _inert(renderer().javascript_bundle(vl_version=VEGA_LITE))
    script = _inert(_file("page.js"))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = lambda n: f"{n:,}"
    template = environment.from_string(_file("page.html.jinja"))
    shown = [_plain(t) for t in _tables(manifest, statistics) if t is not None]
    embedded = json_in_script(data)
    return template.render(
        manifest=manifest,
        totals=_totals(built, statistics),
        tables=shown,
        charts={name: TITLES[name] for name in specs},
        data=embedded,
        font=fonts.web_font(embedded + json.dumps(shown, ensure_ascii=False) + DISCLAIMER),
        disclaimer=DISCLAIMER,
        style=_file("page.css"),
        library=library,
        script=script,
        hashes=[_hash(library), _hash(script)],
        dropped=sum(source["dropped"] for source in manifest["sources"]),
    )


def _theme(dark: bool) -> dict[str, Any]:
    """Return the charts' theme on the page, where each stands in a box of its own."""
    return theme(FONT, dark) | {"background": None, "padding": 5}


def _file(name: str) -> str:
    return resources.files("chimed_datasets.report").joinpath(name).read_text("utf-8")


def _tables(manifest: Manifest, statistics: Statistics) -> list[Table | None]:
    labels = (manifest.get("measured") or {}).get("unpaired")
    return [
        tables.account(manifest),
        tables.configs(dict(statistics)),
        *tables.reasoning(manifest, dict(statistics)),
        tables.drops(manifest),
        *tables.weighed(manifest),
        *tables.contained(manifest),
        *tables.passages(manifest),
        tables.changes(manifest),
        tables.benchmarks(manifest),
        tables.disguises(manifest),
        tables.masking(manifest),
        tables.labels(labels) if labels else None,
    ]


def _plain(table: Table) -> dict[str, Any]:
    """Return a terminal table's title, columns (name, whether figures) and rows of text."""
    columns = [(Text.from_markup(str(c.header)).plain, c.justify == "right") for c in table.columns]
    cells = [[Text.from_markup(str(cell)).plain for cell in c.cells] for c in table.columns]
    return {"title": str(table.title), "columns": columns, "rows": list(zip(*cells, strict=True))}


def _totals(built: Built, statistics: Statistics) -> list[tuple[str, int]]:
    configs = [(config, splits["all"]["rows"]) for config, splits in statistics.items()]
    han = sum(splits["all"]["han_chars"] for splits in statistics.values())
    return [*configs, ("Chinese characters", han)]


def json_in_script(data: Any) -> str:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _inert(script: str) -> str:
    """Return a script that cannot end its element; in strings and patterns it means the same."""
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
