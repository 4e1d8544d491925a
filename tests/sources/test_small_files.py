"""Small files: read in one piece and side by side, and the same comes of them as one by one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from chimed_datasets.records import Columns, Malformed, batches
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files import opening
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.sources.parsing import mapping
from tests.common.stages import COMMON

ROW = {
    "id": "a",
    "question": "头痛三天了怎么办？",
    "answer": "多休息，多喝水。",
    "text": "浮脉主表。",
}
LINE = json.dumps(ROW, ensure_ascii=False)
NO_ID = json.dumps({name: text for name, text in ROW.items() if name != "id"}, ensure_ascii=False)
PRETTY = json.dumps(ROW, ensure_ascii=False, indent=1)


def put_in(more: str, into: str = PRETTY) -> str:
    return into.replace("{", "{" + more, 1)


CONTENTS: dict[str, bytes | str] = {
    "a line": LINE,
    "a line with its end": LINE + "\n",
    "lines": f"{LINE}\n{NO_ID}\n\n{LINE}\r\n",
    "lines, the last of them not sound": f"{LINE}\n{{'question': 1}}\n",
    "lines that are no objects": f"{LINE}\n\n[1]\n3\n",
    "lines, a mark before the second": f"{LINE}\n\ufeff{LINE}",
    "two values in a line": LINE + LINE,
    "over several lines": PRETTY,
    "over several lines of Windows": PRETTY.replace("\n", "\r\n"),
    "over several lines of an old Mac": PRETTY.replace("\n", "\r"),
    "an object that begins the second line": '{"question":\n{"text": "一"},\n"answer": "好"}',
    "numbers": put_in('"book": -0, "n": 1e5, "m": 0.1,'),
    "a number of many digits": put_in(f'"book": {10**25},'),
    "a number out of bounds": put_in('"book": 1e999,'),
    "no number": put_in('"book": NaN,'),
    "half a character": put_in('"book": "\\ud800",'),
    "a field twice": put_in('"text": "x",'),
    "nested": put_in('"book": ' + "[" * 600 + "]" * 600 + ","),
    "a control": put_in('"book": "a\tb",'),
    "NULs": LINE + "\0\0\0",
    "other bytes": LINE.encode("gb18030"),
    "broken bytes": LINE.encode()[:-3] + b'\xe5"}',
    "wide": LINE.encode("utf-16"),
    "a mark": LINE.encode("utf-8-sig"),
    "a mark inside": put_in('"book": "\ufeff",'),
    "U+FFFD": put_in('"book": "\ufffd",'),
    "blanks before": f"  \n{LINE}",
    "of tar": LINE.encode()[:-1] + b', "book": "' + b" " * 100,
    "a pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
    "a page": "<html><body>404</body></html>",
    "RTF": "{\\rtf1 x}",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "controls": bytes(range(1, 9)) * 50,
    "empty": b"",
    "blank": b" \n\n",
    "compressed": gzip.compress(LINE.encode()),
    "a list": f"[{LINE}, {LINE}]",
    "a dict of Python": str(ROW),
    "a table": '{"question": ["一？", "二？"], "answer": ["甲", "乙"], "text": ["上", "下"]}',
    "a list of lines": '{"question": "一？", "answer": ["甲", "乙"], "text": ["上", "下"]}',
    "nothing in it": "{}",
    "no answer": '{"question": "一？", "answer": "", "text": ""}',
    "a trace": put_in('"reasoning_content": "想",'),
    "other ids": f'{{"id": 7, {LINE[1:]}\n{{"id": "", {LINE[1:]}\n{LINE}\n{LINE}',
}
CONTENTS["of tar"] = b'{"book": "' + b" " * 247 + b'ustar", ' + LINE.encode()[1:]
MAY_LACK = {"question": "question?", "answer": "answer?"}
TAKEN = [LINE, LINE + "\n", f"{LINE}\n{NO_ID}\n\n{LINE}\r\n", PRETTY]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, content in enumerate(CONTENTS.values()):
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        for between in ("", "-2"):  # sound ones stand beside each
            place = tmp_path / "in" / f"{number % 3}" / f"{number:03d}{between}.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    return tmp_path / "in"


def made_of(folder: Path, key: str, **own: Any) -> tuple[list[Any], list[dict[str, Any]], Any]:
    """Return what is told of the rows that are none, the records, and the report."""
    found, report = layout(key), FileReport()
    options = found.options(own)
    files = resolve(str(folder), folder, folder / "staging", found.suffixes)
    bad: list[Malformed] = []

    def good() -> Any:
        for item in found.read_columns(files, options, report):
            if isinstance(item, Malformed):
                bad.append(item)
            else:
                yield item

    rows = [row for batch in batches(good(), **COMMON) for row in batch.to_pylist()]
    return [(one.key, one.rule, one.evidence) for one in bad], rows, report


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("jsonl", {"fields": {"text": "text?"}}),
        ("jsonl", {"kind": "thread", "fields": {**MAY_LACK, "title": "book?"}}),
        ("jsonl", {"kind": "thread", "fields": MAY_LACK, "id": "question?"}),
        ("jsonl", {"kind": "thread", "fields": MAY_LACK, "each": "text?"}),
        ("jsonl", {"kind": "thread", "fields": {**MAY_LACK, "question": ["question?"]}}),
        ("instruction", {}),
        ("scored", {}),
    ],
)
def test_the_same_comes_of_small_files_as_one_by_one(folder, monkeypatch, key, own):
    side_by_side = made_of(folder, key, **own)
    monkeypatch.setattr(mapping, "SMALL_ROWS", 1)
    apart = made_of(folder, key, **own)
    monkeypatch.setattr(opening, "SMALL", 0)
    bad, rows, report = made_of(folder, key, **own)
    assert side_by_side == apart == (bad, rows, report)
    assert bad
    assert rows or key != "jsonl"


def test_rows_of_small_files_are_columns_side_by_side(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02d}.json").write_text(TAKEN[number % len(TAKEN)], "utf-8")
    found, report = layout("jsonl"), FileReport()
    files = resolve(str(tmp_path), tmp_path, tmp_path, (".json",))
    made = list(found.read_columns(files, found.options({"kind": "thread"}), report))
    assert [type(one) for one in made] == [Columns]
    assert len(made[0]) == 30
    assert report.encodings == dict.fromkeys((file.name for file in files), "utf-8")


def test_a_column_that_one_small_file_lacks_is_told_of(tmp_path):
    (tmp_path / "a.json").write_text(LINE, "utf-8")
    (tmp_path / "b.json").write_text('{"id": "b", "question": "一？", "answer": "好"}', "utf-8")
    options = {"fields": {"text": "text"}}
    with pytest.raises(Exception, match=r"b\.json: no column 'text' \(fields\.text\)"):
        made_of(tmp_path, "jsonl", **options)


def test_a_small_file_that_changed_is_read_as_it_is_now(tmp_path):
    (tmp_path / "a.json").write_text(LINE, "utf-8")
    (file,) = resolve(str(tmp_path), tmp_path, tmp_path, (".json",))
    assert file.small() == LINE.encode()
    (tmp_path / "a.json").write_text(LINE * 2, "utf-8")
    assert file.small() is None
    assert file.read() == LINE.encode() * 2


def test_the_folder_of_a_recipe_may_have_brackets(tmp_path):
    base = tmp_path / "a[1]"
    (base / "in").mkdir(parents=True)
    (base / "in" / "a.json").write_text(LINE, "utf-8")
    assert [f.name for f in resolve("in/*.json", base, tmp_path, (".json",))] == ["a.json"]
