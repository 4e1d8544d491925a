"""Pairs balanced within a source and origin: no rule of length by source tells which is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from chimed_datasets import build
from chimed_datasets.built.bias import by_source
from chimed_datasets.cli import app

GOOD, PLAIN = "少盐少油，按时复诊，留意血压变化，如有头晕及时就医", "多休息"


def answers(number: int, longer: bool) -> list[dict[str, object]]:
    texts = [f"{GOOD}，记录第{number}次的数值。", f"{PLAIN}，第{number}天再看。"]
    adopted = texts[0] if longer else texts[1]
    return [{"text": text, "adopted": text == adopted} for text in texts]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two sites: on one the longer answer is adopted three times of four, on the other the shorter.
    Over both the longer one wins as often as the shorter."""
    place = tmp_path_factory.mktemp("tempt")
    sources = []
    for site, share in (("long", 3), ("short", 1)):
        rows = []
        for n in range(240):
            number = n if site == "long" else n + 1000
            topic = chr(0x4E00 + number * 7)
            told = answers(number, n % 4 < share)
            rows.append(
                {
                    "question": f"{topic}{number}号患者血压{number}该怎么办",
                    "answer": [one["text"] for one in told],
                    "adopted": [one["adopted"] for one in told],
                }
            )
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (place / f"{site}.jsonl").write_text(lines, "utf-8")
        sources.append(
            {
                "name": site,
                "layout": "jsonl",
                "kind": "thread",
                "path": f"{site}.jsonl",
                "license": "x",
                "fields": {"adopted": "adopted"},
            }
        )
    for how in (True, "source"):
        content = {
            "sources": sources,
            "stages": {
                "filter": False,
                "deduplicate": {"near": False},
                "split": {"validation": 0, "test": 0.3},
            },
            "builders": {"preference": {"balance_length": how, "length_percentiles": [0, 100]}},
        }
        path = place / f"{how}.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        build(path, place / str(how))
    return place


def measured(folder: Path) -> dict:
    files = {s: sorted((folder / "preference").glob(f"{s}-*")) for s in ("train", "test")}
    assert all(pq.read_table(path).num_rows for some in files.values() for path in some)
    return by_source(files)


def test_balanced_over_all_a_rule_by_source_is_right(folder):
    found = measured(folder / "True")
    assert found[""].longer_wins == pytest.approx(0.5, abs=0.02)
    assert found[""].right > 0.65


def test_balanced_by_source_no_rule_is(folder):
    found = measured(folder / "source")
    assert set(found) == {"", "long", "short"}
    assert all(one.right <= 0.55 for one in found.values())
    assert all(one.longer_wins == pytest.approx(0.5, abs=0.02) for one in found.values())
    assert found[""].tested > 20


def test_the_report_tells_it(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        app(["stats", str(folder / "source"), "--bias"])
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "Bias of preference by source" in shown
    assert "short" in shown
