"""The charts as Vega-Lite specifications: the card's pictures and the report's plots are these.

A specification holds its data and no colours of its own but those of :data:`COLOURS`; the theme
(light or dark, the font) is a Vega-Lite config given by whoever draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .figures import Row

Spec = dict[str, Any]

VEGA_LITE = "6.4"
COLOURS = {
    "pretrain": "#3b7dd8", "sft": "#e08a1e", "preference": "#1f9e78",
    "unpaired": "#a8609e", "exam": "#6f7d12",
    "in": "#3b7dd8", "out": "#1f9e78", "dropped": "#d1495b",
    "all": "#3b7dd8", "origin": "#e08a1e", "department": "#1f9e78",
}  # fmt: skip
"""Told apart by the colour-blind, and readable on white as on black."""
OTHER = "#8a6fc0"
"""What has no colour of its own: the config of a guest."""
TITLES = {
    "departments": "Rows by department",
    "lengths": "Lengths of rows",
    "domains": "Rows by source and domain",
    "waterfall": "What became of the records",
    "clusters": "Clusters of duplicates by size",
    "bias": "How often the longer reply is the chosen one",
}


def charts(figures: Mapping[str, list[Row]]) -> dict[str, Spec]:
    """Return the specification of every chart that has figures."""
    return {name: _CHARTS[name](rows) for name, rows in figures.items() if rows}


def theme(font: str, dark: bool = False) -> Spec:
    """Return a Vega-Lite config."""
    ink, faint = ("#e6e6e6", "#4a4f57") if dark else ("#24292f", "#d5d9de")
    text = {"labelColor": ink, "titleColor": ink, "labelFont": font, "titleFont": font,
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}  # fmt: skip
    return {
        "background": None if dark else "white",
        "font": font,
        "padding": 10,
        "title": {"anchor": "start", "color": ink, "font": font, "fontSize": 15, "offset": 12},
        "view": {"stroke": None},
        "axis": {**text, "gridColor": faint, "domainColor": faint, "tickColor": faint,
                 "labelLimit": 260},
        "legend": {**text, "orient": "top", "title": None},
        "header": {**text, "title": None},
        "text": {"font": font, "fontSize": 12, "color": ink},
        "rule": {"color": ink},
    }  # fmt: skip


def _spec(rows: list[Row], about: str, **more: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": about,
        "data": {"values": rows},
        "width": 640,
        **more,
    }


def _colour(field: str, rows: list[Row], legend: bool = True) -> Spec:
    names = list(dict.fromkeys(row[field] for row in rows))
    scale = {"domain": names, "range": [COLOURS.get(name, OTHER) for name in names]}
    return {
        "field": field,
        "type": "nominal",
        "scale": scale,
        **({} if legend else {"legend": None}),
    }


def _tall(field: str, rows: list[Row], step: int = 22) -> int:
    """Return the height of a chart with a line for each value of ``field``.

    It is a number, not a step: a chart that fits its page's width may have no step.
    """
    return step * len({row[field] for row in rows})


def _ranked(field: str) -> Spec:
    return {"field": field, "type": "nominal", "title": None,
            "sort": {"field": "order", "op": "min"}}  # fmt: skip


def _binned(title: str) -> Spec:
    """A bin's axis shows its lower edge: whole bins would overlap on a narrow screen."""
    return {"field": "from", "type": "ordinal", "title": title,
            "sort": {"field": "order", "op": "min"},
            "axis": {"labelAngle": 0, "labelOverlap": "parity", "labelSeparation": 4}}  # fmt: skip


def _count(field: str, title: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", "title": title,
            "axis": {"format": ",d", "tickCount": 6}, **more}  # fmt: skip


def _tips(*fields: str) -> list[Spec]:
    return [{"field": field, "format": ","} if field in ("rows", "records", "clusters", "pairs")
            else {"field": field} for field in fields]  # fmt: skip


def _departments(rows: list[Row]) -> Spec:
    return _spec(
        rows,
        TITLES["departments"],
        height=_tall("department", rows),
        mark="bar",
        encoding={
            "y": _ranked("department"),
            "x": _count("rows", "rows", stack="zero"),
            "color": _colour("config", rows),
            "tooltip": _tips("department", "config", "rows"),
        },
    )


def _lengths(rows: list[Row]) -> Spec:
    return _spec(
        rows,
        TITLES["lengths"],
        height=220,
        encoding={"x": _binned("characters, from")},
        layer=[
            {
                "mark": {"type": "line", "point": {"size": 50}, "interpolate": "monotone"},
                "encoding": {
                    "y": {"field": "share", "type": "quantitative", "title": "share of the config",
                          "axis": {"format": "%", "tickCount": 5}},
                    "color": _colour("config", rows),
                    "tooltip": [*_tips("config", "length", "rows"),
                                {"field": "share", "format": ".1%"}],
                },
            }
        ],
    )  # fmt: skip


def _domains(rows: list[Row]) -> Spec:
    dark = max(row["rows"] for row in rows) / 4
    return _spec(
        rows,
        TITLES["domains"],
        height=_tall("source", rows, 26),
        encoding={
            "y": _ranked("source"),
            "x": {"field": "domain", "type": "nominal", "title": None,
                  "axis": {"orient": "top", "labelAngle": 0}},
        },
        layer=[
            {
                "mark": "rect",
                "encoding": {
                    "color": {"field": "rows", "type": "quantitative", "legend": None,
                              "scale": {"scheme": "blues", "type": "sqrt", "domainMin": 0}},
                    "tooltip": _tips("source", "domain", "rows"),
                },
            },
            {
                "mark": {"type": "text", "tooltip": None},
                "encoding": {
                    "text": {"field": "rows", "format": ","},
                    "color": {"condition": {"test": f"datum.rows > {dark}", "value": "white"},
                              "value": "#24292f"},
                },
            },
        ],
    )  # fmt: skip


def _waterfall(rows: list[Row]) -> Spec:
    top = max(row["end"] for row in rows)
    return _spec(
        rows,
        TITLES["waterfall"],
        height=_tall("step", rows),
        encoding={"y": _ranked("step")},
        layer=[
            {
                "mark": {"type": "bar", "strokeWidth": 1},  # few records are a line at least
                "encoding": {
                    "x": _count(
                        "start", "records", scale={"domain": [0, top * 1.5], "nice": False}
                    ),
                    "x2": {"field": "end"},
                    "color": _colour("kind", rows),
                    "stroke": _colour("kind", rows),
                    "tooltip": _tips("step", "records"),
                },
            },
            {
                "mark": {"type": "text", "align": "right", "dx": -2},
                "encoding": {
                    "x": {"value": "width"},
                    "text": {"field": "records", "format": ","},
                },
            },
        ],
    )


def _clusters(rows: list[Row]) -> Spec:
    top = max(row["clusters"] for row in rows)
    return _spec(
        rows,
        TITLES["clusters"],
        height=200,
        encoding={
            "x": _binned("records in the cluster"),
            "y": {
                "field": "clusters",
                "type": "quantitative",
                "title": "clusters",
                "scale": {"type": "symlog", "domain": [0, top * 2]},
                "axis": {"format": ",d", "values": [0, *(10**n for n in range(9) if 10**n <= top)]},
            },
            "tooltip": _tips("size", "clusters", "records"),
        },
        layer=[
            {"mark": {"type": "bar", "color": COLOURS["dropped"]}},
            {
                "mark": {"type": "text", "dy": -8},
                "encoding": {
                    "text": {
                        "condition": {
                            "test": "datum.clusters > 0",
                            "field": "clusters",
                            "format": ",",
                        },
                        "value": "",
                    }
                },
            },
        ],
    )


def _bias(rows: list[Row]) -> Spec:
    return _spec(
        rows,
        TITLES["bias"],
        height=_tall("group", rows),
        layer=[
            {
                "mark": "bar",
                "encoding": {
                    "y": _ranked("group"),
                    "x": {"field": "share", "type": "quantitative",
                          "title": "share of the pairs", "scale": {"domain": [0, 1]},
                          "axis": {"format": "%", "values": [0, 0.25, 0.5, 0.75, 1]}},
                    "color": _colour("kind", rows),
                    "tooltip": [*_tips("group", "pairs"), {"field": "share", "format": ".1%"}],
                },
            },
            {
                "data": {"values": [{"even": 0.5}]},
                "mark": {"type": "rule", "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "even", "type": "quantitative"}},
            },
        ],
    )  # fmt: skip


_CHARTS = {
    "departments": _departments,
    "lengths": _lengths,
    "domains": _domains,
    "waterfall": _waterfall,
    "clusters": _clusters,
    "bias": _bias,
}
