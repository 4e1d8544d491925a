"""The charts as Vega-Lite specifications: the card's pictures and the report's plots are these.

A specification holds its data and no colours of its own but those of :data:`COLOURS`; the theme
(light or dark, the font) is a Vega-Lite config given by whoever draws it. In ``usermeta`` stand

    says     one sentence with figures on what the chart shows
    filters  what a click on a bar may filter: ``list``, "rows" or "drops"; ``keys``, the names of
             the values of a bar ("" for all) that stand for a filter each; ``under``, of a key
             whose value also stands for all that begin with it and this sign. A bar whose own
             ``list`` is set filters that list.

Figures are written behind the bars, so that a small one is read where its bar is too short to see.
No scale of a bar is logarithmic, and each begins with 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..lang import N_, _, language
from .figures import LEVEL, Row, Told
from .words import word

Spec = dict[str, Any]

VEGA_LITE = "6.4"
COLOURS = {
    # what became of records
    "records": "#76818d", "kept": "#1f77c4", "dropped": "#d1512d",
    # configs
    "pretrain": "#7d6cc9", "sft": "#0d8f6b", "preference": "#a87a00", "unpaired": "#c05a9c",
    "exam": "#6c8a1c", "guest": "#8f6f5a",
}  # fmt: skip
"""What a colour means, in every picture. Each has a contrast of 3 and more on :data:`GROUNDS`, and
what stands side by side in one picture is told apart by the colour-blind."""
GROUNDS = {"light": "#ffffff", "dark": "#1d2127"}
"""What is behind a chart, by theme."""
INKS = {"light": "#24292f", "dark": "#e6e8ea"}
FAINT = {"light": "#5b646e", "dark": "#a3acb5"}
"""Colours of texts, by theme: a contrast of 4.5 and more."""
LINES = {"light": "#d5d9de", "dark": "#4a4f57"}
TITLES = {
    "waterfall": N_("What became of the records"),
    "rules": N_("Which rules dropped most"),
    "domains": N_("Kept and dropped, by source"),
    "lengths": N_("Lengths of rows in characters"),
    "departments": N_("Rows by department"),
    "clusters": N_("Duplicates, by the size of their cluster"),
    "overlap": N_("Sources that share near-duplicates"),
    "bias": N_("How often the longer reply is the chosen one"),
}
WIDTH, LINE = 640, 22
"""Of a chart and of a line in it, in pixels."""
NARROW = 280
"""Where bars and figures have less room, in pixels, as on a phone, figures are ``short``."""
_LETTER = 6.7
"""Pixels of a letter or digit at 12 pixels, a little more than they take."""


def charts(figures: Mapping[str, Told]) -> dict[str, Spec]:
    """Return the specification of every chart that has figures."""
    return {name: _CHARTS[name](told) for name, told in figures.items() if told.rows}


def title(name: str) -> str:
    """Return the title of a chart, in the language that is spoken."""
    return _(TITLES[name])


def theme(font: str, dark: bool = False) -> Spec:
    """Return a Vega-Lite config."""
    name = "dark" if dark else "light"
    ink, faint, line = INKS[name], FAINT[name], LINES[name]
    text = {"labelColor": ink, "titleColor": faint, "labelFont": font, "titleFont": font,
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}  # fmt: skip
    return {
        "background": GROUNDS[name],
        "font": font,
        "padding": 14,
        "title": {"anchor": "start", "frame": "bounds", "color": ink, "font": font, "fontSize": 15,
                  "offset": 12, "subtitleColor": faint, "subtitleFont": font,
                  "subtitleFontSize": 12, "subtitleLineHeight": 17, "subtitlePadding": 5},
        "view": {"stroke": None},
        "axis": {**text, "gridColor": line, "domainColor": line, "tickColor": line,
                 "labelLimit": 260},
        "legend": {**text, "orient": "top", "title": None, "symbolType": "square"},
        "text": {"font": font, "fontSize": 12, "color": ink},
        "rule": {"color": ink},
        "bar": {"cursor": "pointer"},
        "point": {"cursor": "pointer"},
    }  # fmt: skip


def _spec(told: Told, layer: Sequence[Spec], filters: Spec, step: int = LINE, **more: Any) -> Spec:
    """Return a chart with a line for each ``order`` of the rows.

    Its height is a number, not a step: a chart that fits its page's width may have no step.
    """
    lines = 1 + max(row["order"] for row in told.rows)
    y = _lines(told.rows)
    layer = [
        one if "data" in one else {**one, "encoding": {"y": y, **one["encoding"]}} for one in layer
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": told.says,
        "usermeta": {"says": told.says, "filters": filters},
        "data": {"values": told.rows},
        "width": WIDTH,
        "height": step * lines,
        "layer": layer,
        **more,
    }


def _lines(rows: Sequence[Row]) -> Spec:
    """Return the axis with a label for each line: by its number, since two may have one name."""
    labels = {row["order"]: str(row["label"]) for row in rows}
    named = json.dumps([labels.get(k, "") for k in range(1 + max(labels))])
    heads = sorted({row["order"] for row in rows if row.get("head")})
    test = f"indexof({heads}, datum.value) >= 0"
    # A font may have no bold letters: those of the pictures have none.
    bold = {
        "labelFontWeight": {"condition": {"test": test, "value": "bold"}, "value": "normal"},
        "labelOpacity": {"condition": {"test": test, "value": 1}, "value": 0.75},
    }
    return {
        "field": "order",
        "type": "ordinal",
        "title": None,
        "scale": {"domain": list(range(1 + max(labels))), "padding": 0.3},
        "axis": {"labelExpr": f"{named}[datum.value]", "domain": False, "ticks": False,
                 "labelPadding": 6, **(bold if heads else {})},
    }  # fmt: skip


def _bars(rows: Sequence[Row], tips: Sequence[Spec], colour: Spec) -> list[Spec]:
    """Return the bars, from ``start`` to ``end``, and the figures behind them."""
    scale = _scale(rows, max(row["end"] for row in rows) or 1)
    along = {"field": "start", "type": "quantitative", "axis": None, "scale": scale}
    # One pixel of outline: a bar that is too short to see is a line yet.
    outline = {"condition": {"test": "datum.end > datum.start", "value": 1}, "value": 0}
    return [
        {
            "mark": {"type": "bar"},
            "encoding": {"x": along, "x2": {"field": "end"}, "color": colour, "stroke": colour,
                         "strokeWidth": outline, "tooltip": list(tips)},
        },
        _written({"field": "end", "type": "quantitative", "scale": scale}),
    ]  # fmt: skip


def _scale(rows: Sequence[Row], top: float) -> Spec:
    """Return the scale from 0 to ``top`` that leaves room for the longest figure behind it."""
    long, short = (
        round(_LETTER * max(len(row.get(name) or row["figure"]) for row in rows)) + 14
        for name in ("figure", "short")
    )
    room = f"(width < {NARROW} ? {short} : {long})"
    return {"domainMin": 0, "domainMax": {"expr": f"{top} * width / max(width - {room}, 30)"},
            "nice": False}  # fmt: skip


def _written(x: Spec, away: int = 5) -> Spec:
    """Return the figures, so many pixels away from ``x``."""
    text = f"width < {NARROW} && datum.short ? datum.short : datum.figure"
    mark = {"type": "text", "align": "left", "dx": away, "tooltip": None, "text": {"expr": text}}
    return {"mark": mark, "encoding": {"x": x}}


def _colour(field: str, rows: Sequence[Row], legend: bool = True) -> Spec:
    names = list(dict.fromkeys(row[field] for row in rows if row.get(field)))
    colours = [COLOURS.get(name, COLOURS["guest"]) for name in names]
    shown: Spec = {"values": names}
    if language() != "en":
        said = json.dumps({name: word(name) for name in names}, ensure_ascii=False)
        shown["labelExpr"] = f"{said}[datum.label]"
        for row in rows:
            if row.get(field):
                row["became"] = word(row[field])
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": names, "range": colours},
        "legend": shown if legend else None,
    }


def _tips(**titles: str) -> list[Spec]:
    numbers = ("rows", "records", "clusters", "pairs")
    return [
        {
            "field": "became" if name == "kind" and language() != "en" else name,
            "title": title,
            **({"format": ","} if name in numbers else {}),
        }
        for name, title in titles.items()
    ]


def _waterfall(told: Told) -> Spec:
    tips = _tips(label=_("step"), records=_("records"), why=_("why"))
    bars = _bars(told.rows, tips, _colour("kind", told.rows, legend=False))
    return _spec(told, bars, {"list": "drops", "keys": ["stage"]}, 26)


def _rules(told: Told) -> Spec:
    tips = _tips(stage=_("stage"), rule=_("rule"), records=_("records"), why=_("why"))
    bars = _bars(told.rows, tips, _colour("kind", told.rows, legend=False))
    return _spec(told, bars, {"list": "drops", "keys": ["stage", "rule"]})


def _domains(told: Told) -> Spec:
    tips = _tips(source=_("source"), domain=_("domain"), kind=_("what"), records=_("records"))
    bars = _bars(told.rows, tips, _colour("kind", told.rows))
    return _spec(told, bars, {"list": "rows", "keys": ["source", "domain"]})


def _lengths(told: Told) -> Spec:
    tips = _tips(config=_("config"), length=_("characters"), rows=_("rows"))
    bars = _bars(told.rows, tips, _colour("config", told.rows, legend=False))
    return _spec(told, bars, {"list": "rows", "keys": ["config", "length"]}, 19)


def _departments(told: Told) -> Spec:
    tips = _tips(department=_("department"), config=_("config"), rows=_("rows"), names=_("with"))
    bars = _bars(told.rows, tips, _colour("config", told.rows))
    filters = {"list": "rows", "keys": ["config", "department"], "under": {"department": LEVEL}}
    return _spec(told, bars, filters)


def _clusters(told: Told) -> Spec:
    tips = _tips(
        size=_("records in a cluster"), clusters=_("clusters"), kind=_("what"), records=_("records")
    )
    bars = _bars(told.rows, tips, _colour("kind", told.rows))
    return _spec(told, bars, {"list": "drops", "keys": ["stage"]})


def _overlap(told: Told) -> Spec:
    tips = _tips(
        other=_("source"),
        source=_("and"),
        clusters=_("clusters shared"),
        records=_("records in them"),
    )
    bars = _bars(told.rows, tips, _colour("kind", told.rows, legend=False))
    return _spec(told, bars, {"list": "drops", "keys": ["source", "stage"]})


def _bias(told: Told) -> Spec:
    ends = f"width < {NARROW} ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]"
    along = {"field": "share", "type": "quantitative", "title": None, "scale": _scale(told.rows, 1),
             "axis": {"format": "%", "values": {"expr": ends}, "grid": False,
                      "domain": False}}  # fmt: skip
    tips = [*_tips(label=_("pairs of"), pairs=_("pairs that differ in length")),
            {"field": "share", "title": _("longer is chosen"), "format": ".1%"},
            {"field": "low", "title": _("95% interval from"), "format": ".1%"},
            {"field": "high", "title": _("to"), "format": ".1%"}]  # fmt: skip
    colour = COLOURS["preference"]
    layer = [
        {
            "data": {"values": [{"even": 0.5}]},
            "mark": {"type": "rule", "strokeDash": [4, 3]},
            "encoding": {"x": {"field": "even", "type": "quantitative"}},
        },
        {
            "mark": {"type": "rule", "color": colour, "strokeWidth": 3},
            "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"},
                         "tooltip": tips},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "color": colour},
            "encoding": {"x": along, "tooltip": tips},
        },
        _written({"datum": 1, "type": "quantitative"}, away=9),
    ]  # fmt: skip
    filters = {"list": "rows", "keys": ["config", "origin", "department"],
               "under": {"department": LEVEL}}  # fmt: skip
    return _spec(told, layer, filters)


_CHARTS = {
    "waterfall": _waterfall,
    "rules": _rules,
    "domains": _domains,
    "lengths": _lengths,
    "departments": _departments,
    "clusters": _clusters,
    "overlap": _overlap,
    "bias": _bias,
}
