"""Test rows that stand inside a training row: what counts, and what `chimed validate` prints."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from chimed_datasets import build, open_built
from chimed_datasets.built import overlap
from chimed_datasets.cli import app
from chimed_datasets.recipe import parse
from chimed_datasets.stages.text.inside import shares
from tests.common.files import write_jsonl

SECTION = (
    "桂枝去皮三两，芍药三两，甘草炙二两，生姜切三两，大枣擘十二枚。右五味，以水七升，微火煮取三升。"
)
OTHER = "太阳病，项背强几几，反汗出恶风者，桂枝加葛根汤主之。葛根四两，麻黄去节三两，余依前法将息。"


@pytest.mark.parametrize(
    ("text", "others", "share"),
    [
        (SECTION, [OTHER + SECTION + OTHER], 1.0),
        (SECTION, ["".join(f" {sign}" for sign in OTHER + SECTION)], 1.0),  # signs do not count
        (SECTION, [OTHER], 0.0),
        (SECTION, [OTHER + SECTION[:24], OTHER + SECTION[24:]], 0.5),  # the halves are in two
        (SECTION * 2, [SECTION], 0.9),  # what comes twice counts once
        ("短", [SECTION], 0.0),
        (SECTION, [], 0.0),
    ],
)
def test_the_share_that_one_text_holds(text, others, share):
    texts = pa.array([OTHER, text])
    together = shares(texts, [pa.array(others, pa.string())])
    apart = shares(texts, (pa.array([one]) for one in others))
    assert together.tolist() == apart.tolist()
    assert together[1] == pytest.approx(share, abs=0.15)
    assert (share == 1.0) == (together[1] == 1.0)


def test_no_texts():
    assert shares(pa.array([], pa.string()), [pa.array([SECTION])]).tolist() == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Sections, and a book that quotes every one of them; conversations that share nothing."""
    folder = tmp_path_factory.mktemp("overlap")
    draw = [
        f"{SECTION[i % 20 :][:20]}第{i}条，{i * 7919}。{OTHER[i % 15 :][:25]}{i}"
        for i in range(300)
    ]
    book = {"id": "book", "text": "\n".join(draw)}
    write_jsonl(
        folder / "a.jsonl", [book, *({"id": f"s{i}", "text": t} for i, t in enumerate(draw))]
    )
    write_jsonl(folder / "b.jsonl", [
        {"q": f"第{i}个病人{i * 31}天前起咳嗽，该看什么科？", "a": f"先看呼吸科，{i}号诊室，复诊约{i * 17}天后。"}
        for i in range(200)
    ])  # fmt: skip
    one = {"name": "a", "layout": "jsonl", "path": "a.jsonl", "license": "mit"}
    two = {"name": "b", "layout": "jsonl", "path": "b.jsonl", "license": "mit", "kind": "thread"}
    sources = [one | {"id": "id", "fields": {"text": "text"}}]
    sources += [two | {"fields": {"question": "q", "answer": "a"}}]
    stages = {"split": {"test": 0.1}, "filter": False, "mask": False, "deduplicate": False}
    build(parse({"name": "o", "sources": sources, "stages": stages}, folder), folder / "built")
    return open_built(folder / "built")


def test_a_book_that_quotes_sections_is_seen(built):
    found = {one.config: one for one in overlap.measure(built.folder)}
    book_in_train = json.loads((built.folder / "statistics.json").read_text("utf-8"))
    assert book_in_train["pretrain"]["train"]["rows"] > 200
    tests = book_in_train["pretrain"]["test"]["rows"]
    assert found["pretrain"].looked_at == tests
    assert found["pretrain"].inside == tests > 10
    assert found["sft"].looked_at == book_in_train["sft"]["test"]["rows"] > 5


def test_validate_prints_it(built):
    done = CliRunner().invoke(app, ["validate", str(built.folder)])
    assert done.exit_code == 0, done.output
    one = overlap.measure(built.folder)[0]
    assert one.told() in done.output
    assert f"({one.inside / one.looked_at:.1%}) stand mostly inside one training row" in one.told()


def test_a_sample_is_the_same_each_time(built, monkeypatch):
    monkeypatch.setattr(overlap, "SAMPLE", 5)
    once, again = overlap.measure(built.folder), overlap.measure(built.folder)
    assert once == again
    assert [one.looked_at for one in once] == [5, 5]
