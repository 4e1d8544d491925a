"""The report: one HTML page that needs no network, with the charts, the tables and the records.

`vl-convert` carries Vega, Vega-Lite and Vega-Embed; the page holds them whole. A policy in its head
(Content-Security-Policy) lets nothing else run and nothing be fetched: texts of the data reach the
page as JSON and are shown as text, never as HTML.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any
from urllib.parse import quote

import jinja2
from rich.table import Table
from rich.text import Text

from ..built import dataset
from ..built.dataset import Built
from ..built.manifest import Manifest
from ..built.reasons import reason
from ..built.statistics import LENGTH_EDGES, Statistics
from ..lang import LOCALES, N_, _, in_language, language
from ..stages import ORDER
from ..stages.mask import PLACEHOLDERS
from . import fonts, items, sampling, tables
from .charts import VEGA_LITE, charts, theme
from .charts import title as title_of
from .figures import figures
from .head import head
from .pictures import renderer
from .words import WORDS, word

Row = dict[str, Any]
FONT = f"system-ui, '{fonts.NAME}', sans-serif"
DISCLAIMER = (N_("Not medical advice."), "不构成医疗建议。")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "script-src {hashes} 'unsafe-eval'; base-uri 'none'; form-action 'none'"
)
FACETS = {
    "rows": {
        "config": N_("Config"),
        "source": N_("Source"),
        "split": N_("Split"),
        "department": N_("Department"),
        "origin": N_("Origin"),
        "domain": N_("Domain"),
        "length": N_("Length"),
        "tag": N_("Tag"),
    },
    "drops": {
        "stage": N_("Stage"),
        "rule": N_("Rule"),
        "source": N_("Source"),
        "department": N_("Department"),
        "length": N_("Length"),
        "tag": N_("Tag"),
    },
}
"""What each list can be filtered by, as page.js knows it, and what the page calls it."""
_FILTERS = {
    "departments": {"list": "rows", "keys": ["config", "department"]},
    "lengths": {"list": "rows", "keys": ["config", "length"]},
    "domains": {"list": "rows", "keys": ["source", "domain"]},
    "waterfall": {"list": "drops", "keys": ["stage", "rule", "source"]},
}
"""What a click on a chart filters, where its specification does not say so (``usermeta``)."""


def page(
    built: Built,
    statistics: Statistics,
    most: int = sampling.ROWS,
    before: sampling.Before | None = None,
) -> str:
    """Return the page with a sample of the records.

    most: rows of the sample. before: see :func:`.sampling.rows`.

    Raises :class:`ReportError` where the renderer is not installed.
    """
    samples = {"rows": sampling.rows(built, most, before), "drops": sampling.drops(built)}
    return _page(built, statistics, samples)


def page_of_all(built: Built, statistics: Statistics) -> str:
    """Return the page that asks a server for its records and checks; it holds none itself."""
    return _page(built, statistics, None)


def _page(
    built: Built,
    statistics: Statistics,
    samples: Mapping[str, list[Row]] | None,
) -> str:
    manifest = built.manifest
    about = head(built, statistics, checks=samples is not None)
    splits = list(dict.fromkeys(one["split"] for one in about["splits"]))
    shown_charts = drawn(built, statistics)
    dropped: list[Row] = [
        {"source": source, "stage": stage, "rule": rule, "records": n}
        for source, stages in manifest["dropped"].items()
        for stage, rules in stages.items()
        for rule, n in rules.items()
    ]
    totals = {"rows": about["rows"], "drops": sum(one["records"] for one in dropped)}
    data = {
        "name": manifest["name"],
        "fingerprint": manifest["fingerprint"],
        "whole": samples is None,
        "charts": shown_charts,
        "themes": {"light": _theme(False), "dark": _theme(True)},
        "marks": sorted(set(PLACEHOLDERS.values())),
        "bins": bins(),
        "order": {
            "config": list(manifest["configs"]),
            "split": splits,
            "stage": ["read", *ORDER],
        },
        "reasons": {f"{d['stage']}/{d['rule']}": reason(d["stage"], d["rule"]) for d in dropped},
        "dropped": dropped,
        "lists": {name: {"total": total} for name, total in totals.items()},
        "words": _said_by_script(),
    }
    records = json.dumps(samples or {}, ensure_ascii=False, separators=(",", ":"))
    library = _inert(renderer().javascript_bundle(vl_version=VEGA_LITE))
    script = _inert(f"{_file('store.js')}\n{_file('page.js')}")
    shown = [_plain(t) for t in _tables(manifest, statistics) if t is not None]
    embedded = json_in_script(data)
    template = _file("page.html.jinja")
    letters = json.dumps([shown, about, manifest["name"]], ensure_ascii=False) + DISCLAIMER[1]
    letters += "".join(map(_, _MARKED.findall(template))) if language() != "en" else ""
    policy = POLICY.format(hashes=f"{_hash(library)} {_hash(script)}")
    return _environment().from_string(template).render(
        lang=LOCALES[language()],
        manifest=manifest,
        head=about,
        splits=splits,
        configs=_configs(built, statistics, splits),
        most_lost=_most_lost(manifest),
        tables=shown,
        charts=shown_charts,
        lists=_lists(samples),
        data=embedded,
        records=packed(records) if samples else "",
        font=fonts.web_font(embedded + records + letters),
        disclaimer=DISCLAIMER,
        style=_file("page.css"),
        library=library,
        script=script,
        policy=policy if samples else f"{policy}; connect-src 'self'",
    )  # fmt: skip


def _configs(built: Built, statistics: Statistics, splits: Sequence[str]) -> list[Row]:
    """Return each config with a line on it, its rows, and those of each split."""
    lines = dataset.about(built.manifest)
    return [
        {
            "name": config,
            "about": _(lines.get(config, "")),
            "rows": counts["all"]["rows"],
            "splits": [counts[split]["rows"] if split in counts else 0 for split in splits],
        }
        for config, counts in statistics.items()
    ]


def _most_lost(manifest: Manifest) -> dict[str, Row]:
    """Return source -> the stage and rule that dropped most of its records, and how many."""
    found: dict[str, Row] = {}
    for source, stages in manifest["dropped"].items():
        lost = [(n, stage, rule) for stage, rules in stages.items() for rule, n in rules.items()]
        for n, stage, rule in sorted(lost)[-1:]:
            found[source] = {"stage": stage, "rule": rule, "records": n}
    return found


def size(count: int) -> str:
    """Return a size in bytes as people write it: 840 kB, 84.1 MB, 12.3 GB.

    >>> size(84_100_000)
    '84.1 MB'
    """
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= of:
            return f"{count / of:,.1f} {unit}"
    return _("{count:,} bytes").format(count=count)


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["number"] = "{:,}".format
    made.filters["size"] = size
    made.filters["urlencode"] = lambda text: quote(str(text), safe="")
    made.filters["word"] = word
    made.filters["fill"] = lambda text, **fields: text.format(**fields)  # escapes what is not safe
    made.globals["_"] = _
    made.tests["chinese"] = lambda text: bool(_HAN.search(str(text)))
    return made


_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def _lists(samples: Mapping[str, list[Row]] | None) -> list[Row]:
    if samples is None:
        rows = _("All rows of the build.")
        drops = _(
            "All dropped records: what the ledger says, and the text where the build kept it."
        )
    else:
        n = sum(row["rows"] for row in samples["rows"])
        rows = _(
            "A sample of {n:,} rows in turn over configs and sources; the same build shows the "
            "same ones. A prompt with several replies is shown once."
        ).format(n=n)
        drops = _(
            "A sample of each rule, {most} records at most: what the ledger says, the text where "
            "the build kept it, beside the record that was kept instead or the benchmark item that "
            "it contains, and what the stages before had changed in it."
        ).format(most=sampling.DROPS)
    return [
        {"name": "rows", "title": _("Records"), "note": rows, "facets": _facets("rows")},
        {"name": "drops", "title": _("Dropped"), "note": drops, "facets": _facets("drops")},
    ]


def _facets(name: str) -> list[tuple[str, str]]:
    return [(key, _(label)) for key, label in FACETS[name].items()]


_MARKED = re.compile(r'(?<![\w.])N?_\(\s{0,20}"((?:[^"\\]|\\.)*)"')


def _said_by_script() -> dict[str, str]:
    """Return English -> the language that is spoken, for what the page's script says."""
    spoken = language()
    if spoken == "en":
        return {}
    texts = [json.loads(f'"{text}"') for text in _MARKED.findall(_file("page.js"))]
    return {text: in_language(text, spoken) for text in (*texts, *WORDS)}


def drawn(built: Built, statistics: Statistics) -> dict[str, Row]:
    """Return, for each chart, its specification, title, sentence, and what a click filters."""
    out: dict[str, Row] = {}
    for name, spec in charts(figures(built, statistics)).items():
        spec |= {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
        about = spec.get("usermeta", {})
        out[name] = {
            "spec": spec,
            "title": title_of(name),
            "says": about.get("says", ""),
            "filters": about.get("filters") or _FILTERS.get(name),
        }
    return out


def bins() -> list[Row]:
    """Return the bins of lengths: value as in an address, label, least and most characters."""
    out = []
    for least, after in zip(LENGTH_EDGES, [*LENGTH_EDGES[1:], None], strict=True):
        most = after - 1 if after else None
        label = f"{least:,}–{most:,}" if most is not None else f"{least:,}+"
        value = f"{least}-{'' if most is None else most}"
        out.append({"value": value, "label": label, "least": least, "most": most})
    return out


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


def _plain(table: Table) -> Row:
    """Return a terminal table's title, columns (name, whether figures), rows of text, and for each
    row what a click on it filters: list and filters, None where nothing."""
    columns = [(Text.from_markup(str(c.header)).plain, c.justify == "right") for c in table.columns]
    cells = [[Text.from_markup(str(cell)).plain for cell in c.cells] for c in table.columns]
    title, rows = str(table.title), list(zip(*cells, strict=True))
    meant = next((means for name, means in _MEANT.items() if _(name) == title), None)
    return {
        "title": title,
        "columns": columns,
        "rows": [(row, meant(row) if meant else None) for row in rows],
    }


def _differs(row: Sequence[str]) -> tuple[str, Row]:
    if row[0] == _(tables.CONTRADICTING):
        return "rows", {"tag": items.CONTRADICTS}
    kinds = {word(kind): kind for kind in WORDS}
    return "rows", {} if row[0] == _("all") else {"tag": f"differs in {kinds.get(row[0], row[0])}"}


_MEANT: dict[str, Callable[[Sequence[str]], tuple[str, Row] | None]] = {
    N_("Records"): lambda row: ("rows", {} if row[0] == _("all") else {"source": row[0]}),
    N_("Configs"): lambda row: (
        "rows",
        {"config": row[0], **({} if row[1] == _("all") else {"split": row[1]})},
    ),
    N_("Dropped, by rule"): lambda row: ("drops", {"stage": row[0], "rule": row[1]}),
    N_("Kept beside a near-duplicate"): _differs,
}
"""What the rows of a table are filtered by, by its title."""


def json_in_script(data: Any) -> str:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def packed(text: str) -> str:
    """Return a text as base64 of gzip: 40 % of its size, and nothing in it can end an element."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _inert(script: str) -> str:
    """Return a script that cannot end its element; in strings and patterns it means the same."""
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
