"""Pairs balanced within a source and origin: no rule of length by source tells which is chosen."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from chimed_datasets import build
from chimed_datasets.built.bias import by_source
from chimed_datasets.cli import app

GOOD, PLAIN = "每日5毫克，少盐少油，按时复诊。如出现头晕，请立即就医", "多休息"


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


def pairs_of(folder: Path, split: str) -> list[dict]:
    files = sorted((folder / "preference").glob(f"{split}-*"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def longer(pair: dict) -> int:
    """1 where the chosen side is the longer one, -1 where it is the shorter, 0 for one length."""
    chosen, rejected = (len(pair[side][-1]["content"]) for side in ("chosen", "rejected"))
    return (chosen > rejected) - (chosen < rejected)


def rule_is_right(folder: Path, *by: str) -> float:
    """How often a rule names the chosen side of test: the longer or the shorter one, whichever train
    prefers among the pairs that are alike in ``by``. Counted here anew, by no code of the library."""
    learnt: Counter[tuple] = Counter()
    for pair in pairs_of(folder, "train"):
        learnt[tuple(pair[name] for name in by)] += longer(pair)
    tried = [pair for pair in pairs_of(folder, "test") if longer(pair)]
    right = [longer(p) == (1 if learnt[tuple(p[name] for name in by)] >= 0 else -1) for p in tried]
    return sum(right) / len(right)


def test_the_rule_counted_by_hand_is_right_and_then_is_not(folder):
    assert rule_is_right(folder / "True", "source") > 0.65
    assert rule_is_right(folder / "True", "source") == pytest.approx(
        measured(folder / "True")[""].right, abs=1e-4
    )
    assert rule_is_right(folder / "source", "source") <= 0.55
    assert len(pairs_of(folder / "source", "test")) > 20


def shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """The lines of the table that the command prints, by source."""
    with pytest.raises(SystemExit) as ended:
        app(["stats", str(folder), "--bias"])
    assert not ended.value.code
    _, _, table = capsys.readouterr().out.partition("Bias of preference by source")
    cells = [re.split(r"\s*[│┃|]\s*|\s{2,}", line.strip(" │┃|")) for line in table.splitlines()]
    return {line[0]: line[1:] for line in cells if len(line) == 8}


def test_the_figure_stands_in_the_report(folder, capsys):
    for how, allowed in (("True", (65, 100)), ("source", (0, 55))):
        told = shown(folder / how, capsys)
        assert {"all", "long", "short"} <= told.keys()
        low, high = allowed
        assert low <= float(told["all"][-1].rstrip(" %")) <= high


@pytest.fixture(scope="module")
def origins(tmp_path_factory) -> Path:
    """Pages of a site with adopted answers, mostly the longer ones, of which also defects are planted;
    and threads whose adopted answers alone end in a date, most of them first."""
    place = tmp_path_factory.mktemp("origins")
    pages = []
    for n in range(160):
        topic = chr(0x6000 + n * 11)
        told = answers(n + 3000, n % 5 < 4)
        pages.append(
            {
                "id": str(n),
                "question_content": f"{topic}{n + 3000}号病人血压{n + 3000}怎么调药",
                "answers": [
                    {"mid": "m", "adopted": str(one["adopted"]), "answer": one["text"]}
                    for one in told
                ],
            }
        )
    (place / "pages.json").write_text(json.dumps(pages, ensure_ascii=False), "utf-8")
    threads = []
    for n in range(80):
        topic = chr(0x7000 + n * 13)
        more = "不放心就再挂一次骨科门诊，拍个片子看看关节间隙"
        texts = [
            f"{topic}先观察{n}天。2016-03-1209:41",
            f"{topic}检查{n}次为好。{more * (n // 4 % 2)}",
        ]
        order = [0, 1] if n % 4 else [1, 0]
        threads.append(
            {
                "question": f"{topic}{n + 5000}号关节疼了{n}天",
                "answer": [texts[k] for k in order],
                "adopted": [k == 0 for k in order],
            }
        )
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in threads)
    (place / "dated.jsonl").write_text(lines, "utf-8")
    content = {
        "sources": [
            {"name": "pages", "layout": "chimed_pages", "path": "pages.json", "license": "x"},
            {"name": "dated", "layout": "jsonl", "kind": "thread", "path": "dated.jsonl",
             "license": "x", "fields": {"adopted": "adopted"}},
        ],
        "stages": {"filter": False, "mask": False, "deduplicate": {"near": False},
                   "split": {"validation": 0, "test": 0.3}},
        "builders": {"preference": {
            "balance_length": "source", "length_percentiles": [0, 100],
            "origins": {"adopted_vs_unadopted": None, "corrupted": None},
        }},
    }  # fmt: skip
    path = place / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(path, place / "out")
    return place / "out"


def test_adopted_answers_of_pages_are_balanced_apart_from_planted_defects(origins):
    counted = Counter(
        (split, pair["source"], pair["pair_origin"], longer(pair))
        for split in ("train", "test")
        for pair in pairs_of(origins, split)
    )
    adopted = [key for key in counted if key[1:3] == ("pages", "adopted_vs_unadopted")]
    assert {sign for *_, sign in adopted} >= {1, -1}
    assert {origin for _, _, origin, _ in counted} == {"adopted_vs_unadopted", "corrupted"}
    for split, source, origin, sign in counted:
        if sign:
            assert counted[split, source, origin, 1] == counted[split, source, origin, -1]


def test_the_place_the_author_and_a_date_stand_in_the_report(origins, capsys):
    told = shown(origins, capsys)["dated"]
    pairs, _, first, dated, authors, *_ = told
    assert int(pairs) > 0
    assert float(first.rstrip(" %")) == pytest.approx(75, abs=15)
    assert dated.startswith("100")
    assert authors.startswith("0")
