"""The chart of the README: how long each pipeline takes, drawn from docs/why/benchmarks.json.

    python docs/benchmark_chart.py [RESULTS.json]

RESULTS.json is what tests/benchmarks/run.py writes; where it is given, benchmarks.json becomes a
copy of it first. Writes docs/start/screens/peers-LANGUAGE-THEME.webp. Needs the extra `report`.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from chimed_datasets.report.charts import COLOURS, WIDTH
from chimed_datasets.report.pictures import png

HERE = Path(__file__).parent
RESULTS = HERE / "why" / "benchmarks.json"
SCREENS = HERE / "start" / "screens"
SAYS = {
    "en": {
        "title": "Seconds for 558,100 records, on two cores",
        "floor": "read and write alone (pyarrow)",
        "chimed": "chimed build",
        "datatrove": "datatrove, by characters",
        "data-juicer": "data-juicer",
        "told": "{seconds:,.0f} s",
        "times": "{seconds:,.0f} s, {times:.0f} times",
    },
    "zh": {
        "title": "双核机器处理 558,100 条记录的秒数",
        "floor": "只读写（pyarrow）",
        "chimed": "chimed build",
        "datatrove": "datatrove（按字符）",
        "data-juicer": "data-juicer",
        "told": "{seconds:,.0f} 秒",
        "times": "{seconds:,.0f} 秒，{times:.0f} 倍",
    },
}
SHOWN = ("floor", "chimed", "datatrove", "data-juicer")


def chart(results: dict[str, Any], says: dict[str, str]) -> dict[str, Any]:
    """Return the specification: a bar for each pipeline, with its seconds behind it."""
    ours = results["chimed"]["seconds"]
    rows = []
    for name in SHOWN:
        seconds = results[name]["seconds"]
        told = says["times" if seconds > 2 * ours else "told"]
        text = told.format(seconds=seconds, times=seconds / ours)
        rows.append(
            {"name": says[name], "seconds": seconds, "text": text, "ours": name == "chimed"}
        )
    x = {
        "field": "seconds", "type": "quantitative", "axis": None,
        "scale": {"domain": [0, 1.3 * max(row["seconds"] for row in rows)]},
    }  # fmt: skip
    y = {
        "field": "name", "type": "nominal", "title": None, "sort": None,
        "axis": {"domain": False, "ticks": False, "labelPadding": 6},
    }  # fmt: skip
    colours = {
        "condition": {"test": "datum.ours", "value": COLOURS["kept"]},
        "value": COLOURS["records"],
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": says["title"],
        "data": {"values": rows},
        "width": WIDTH,
        "height": 30 * len(rows),
        "encoding": {"y": y, "x": x},
        "layer": [
            {"mark": {"type": "bar", "height": 18}, "encoding": {"color": colours}},
            {
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {"text": {"field": "text"}},
            },
        ],
    }


def main() -> None:
    if sys.argv[1:]:
        RESULTS.write_bytes(Path(sys.argv[1]).read_bytes())
    results = json.loads(RESULTS.read_text("utf-8"))
    for language, says in SAYS.items():
        for dark in (False, True):
            drawn = Image.open(io.BytesIO(png(chart(results, says), dark)))
            name = f"peers-{language}-{'dark' if dark else 'light'}.webp"
            drawn.save(SCREENS / name, lossless=True, method=6)
            print(SCREENS / name)


if __name__ == "__main__":
    main()
