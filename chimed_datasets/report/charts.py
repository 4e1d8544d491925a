"""The charts as Vega-Lite specifications: the card's pictures and the report's plots are these.

A specification holds its data and no colours of its own but those of :data:`COLOURS`; the theme
(light or dark, the font) is a Vega-Lite config given by whoever draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]
Row = dict[str, Any]

VEGA_LITE = "6.4"
COLOURS = {
    "pretrain": "#3b7dd8", "sft": "#e08a1e", "preference": "#1f9e78",
    "in": "#3b7dd8", "out": "#1f9e78", "dropped": "#d1495b",
    "all": "#3b7dd8", "origin": "#e08a1e", "department": "#1f9e78",
}  # fmt: skip
"""Told apart by the colour-blind, and readable on white as on black."""
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
    scale = {"domain": names, "range": [COLOURS[name] for name in names]}
    return {
        "field": field,
        "type": "nominal",
        "scale": scale,
        **({} if legend else {"legend": None}),
    }


def _ranked(field: str) -> Spec:
    return {"field": field, "type": "nominal", "title": None,
            "sort": {"field": "order", "op": "min"}}  # fmt: skip


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
        height={"step": 22},
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
        encoding={"x": {"field": "length", "type": "ordinal", "title": "characters",
                        "sort": {"field": "order", "op": "min"}, "axis": {"labelAngle": -40}}},
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
    half = max(row["rows"] for row in rows) / 2
    return _spec(
        rows,
        TITLES["domains"],
        height={"step": 26},
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
                              "scale": {"scheme": "blues", "domainMin": 0}},
                    "tooltip": _tips("source", "domain", "rows"),
                },
            },
            {
                "mark": {"type": "text", "tooltip": None},
                "encoding": {
                    "text": {"field": "rows", "format": ","},
                    "color": {"condition": {"test": f"datum.rows > {half}", "value": "white"},
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
        height={"step": 22},
        encoding={"y": _ranked("step")},
        layer=[
            {
                "mark": "bar",
                "encoding": {
                    "x": _count(
                        "start", "records", scale={"domain": [0, top * 1.2], "nice": False}
                    ),
                    "x2": {"field": "end"},
                    "color": _colour("kind", rows),
                    "tooltip": _tips("step", "records"),
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {
                    "x": {"field": "end", "type": "quantitative"},
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
            "x": {
                "field": "size",
                "type": "ordinal",
                "title": "records in the cluster",
                "sort": {"field": "order", "op": "min"},
                "axis": {"labelAngle": 0},
            },
            "y": _count("clusters", "clusters", scale={"type": "symlog", "domain": [0, top * 1.6]}),
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
        height={"step": 22},
        layer=[
            {
                "mark": "bar",
                "encoding": {
                    "y": _ranked("group"),
                    "x": {"field": "share", "type": "quantitative",
                          "title": "of the pairs, the longer reply is the chosen one",
                          "scale": {"domain": [0, 1]}, "axis": {"format": "%", "tickCount": 5}},
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
