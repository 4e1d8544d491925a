"""A large file is read as several parts; no byte of a build depends on where it is cut."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimed_datasets import open_built, records
from chimed_datasets.building import parts as building_parts
from chimed_datasets.building import prepared
from chimed_datasets.building.progress import silent
from chimed_datasets.building.run import build
from chimed_datasets.errors import SourceError
from chimed_datasets.recipe import Recipe
from chimed_datasets.sources.files import parts, unfolding

DISEASES = ("感冒", "胃炎", "高血压", "糖尿病", "肺炎", "失眠", "湿疹", "痛经", "哮喘", "贫血")


def text_of(rng: random.Random, n: int) -> str:
    """Return a text of its own, with some that are near to others."""
    if n % 9 == 4:
        n -= 1
    rng = random.Random(n)
    words = [
        rng.choice(DISEASES) + rng.choice(["的症状", "的治疗", "怎么办", "吃什么药"])
        for _ in range(14)
    ]
    return f"问题{n}：" + "，".join(words) + "。"


def rows(n: int, **changes: object) -> list[dict]:
    rng = random.Random(7)
    return [{"text": text_of(rng, k), "title": f"题{k % 5}"} for k in range(n)]


def lines_of(found: list[dict]) -> list[bytes]:
    return [json.dumps(row, ensure_ascii=False).encode() for row in found]


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def odd(case: str) -> bytes:
    """Return a file of JSON Lines with whatever makes its rows hard to count."""
    found = rows(240)
    if case == "without ids":
        pass
    elif case in ("ids", "broken"):
        found = [{"id": f"r{k}", **row} for k, row in enumerate(found)]
    elif case == "ids that come again":
        found = [{"id": f"r{k % 100}", **row} for k, row in enumerate(found)]
    elif case == "ids that are numbers":
        found = [{"id": (k * 7) % 240, **row} for k, row in enumerate(found)]
        for row in found[100::20]:
            del row["id"]
    elif case == "ids that look numbered":
        found = [
            {"id": ["a", "a~2", f"b{k}"][min(2, k % 80)], **row} for k, row in enumerate(found)
        ]
    elif case == "ids late":
        found = [row if k < 110 else {"id": k, **row} for k, row in enumerate(found)]
    elif case == "a table in a row":
        found[150] = {"text": ["一" * 30, "二" * 40, "三" * 50], "title": ["x", "y", "z"]}
    elif case == "a long line":
        found[90]["text"] = "".join(text_of(random.Random(0), 1000 + k) for k in range(300))
    said = lines_of(found)
    if case == "blank lines":
        said = [part for line in said for part in (line, b"", b"   ")]
    elif case == "several on a line":
        said = [b" ".join(said[k : k + 3]) for k in range(0, 240, 3)]
    elif case == "broken":
        said[50::30] = [line[:-9] for line in said[50::30]]
        said[51::31] = [b"17", b'["x"]', b'{"id": "r5"}'] * 2 + [b"null"] * (len(said[51::31]) - 6)
    elif case == "gb18030":
        said[180] = json.dumps(found[180], ensure_ascii=False).encode("gb18030")
    elif case == "broken bytes":
        said[180] = said[180][:30] + b"\xff" + said[180][30:]
    elif case == "nuls":
        said[180] = b"\0" * 5000 + said[180]
    data = (b"\r\n" if case == "crlf" else b"\n").join(said)
    if case == "bom":
        data = b"\xef\xbb\xbf" + data + b"\n\xef\xbb\xbf" + said[0]
    return data if case == "no line end" else data + b"\n"


CASES = (
    "without ids", "ids", "ids that come again", "ids that are numbers", "ids that look numbered",
    "ids late", "a table in a row", "a long line", "blank lines", "several on a line", "broken",
    "gb18030", "broken bytes", "nuls", "crlf", "bom", "no line end",
)  # fmt: skip
WHOLE = {"gb18030", "broken bytes", "nuls", "ids that look numbered"}


def built(
    folder: Path,
    path: Path,
    size: int,
    *,
    workers: int = 1,
    limit: int | None = None,
    tell: Callable[[str], None] = silent,
    more: dict | None = None,
    **entry: object,
) -> tuple[dict[str, str], int]:
    """Return the hashes of a build of which each part has ``size`` bytes (0: whole), and in how
    many units it was read."""
    units: list[int] = []
    in_parts = building_parts.in_parts

    def counted(*args: object) -> list:
        found = in_parts(*args)
        units.append(len(found))
        return found

    source = {"name": "s", "layout": "jsonl", "path": str(path), "license": "mit", **entry}
    recipe = {"name": "p", "sources": [source], "ledger": {"texts": "all"}, **(more or {})}
    out = folder / f"out-{len(list(folder.glob('out-*'))):02d}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART_BYTES", size or 1 << 40)
        patch.setattr(parts, "LEAST_BYTES", 0 if size else 1 << 40)
        patch.setattr(unfolding, "LEAST_STORED", 0 if size else 1 << 40)
        patch.setattr("chimed_datasets.building.prepared.in_parts", counted)
        build(Recipe(**recipe), out, workers=workers, limit=limit, tell=tell)
    return hashes(out), units[0]


@pytest.mark.parametrize("case", CASES)
def test_no_byte_depends_on_the_cuts(case, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(odd(case))
    entry = {"kind": "document", "fields": {"title": "title"}}
    whole, one = built(tmp_path, path, 0, **entry)
    assert one == 1
    for size in (1 << 10, 1 << 14):
        cut, many = built(tmp_path, path, size, **entry)
        assert cut == whole
        assert (many > 1) == (case not in WHOLE)


def table(case: str) -> bytes:
    """Return a CSV file with whatever makes the ends of its rows hard to find."""
    found = rows(240)
    for k, row in enumerate(found):
        row |= {"id": f"r{k}", "note": "x"}
        if k % 3 == 0:
            row["text"] = row["text"].replace("，", ',\n"').replace("。", '"。\n\n')
    if case == "ids that come again":
        for k, row in enumerate(found):
            row["id"] = f"r{k % 100}"
    names = ["text", "title", "note"] if case == "without ids" else ["id", "text", "title", "note"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n" if case == "crlf" else "\n")
    writer.writerow(names)
    for k, row in enumerate(found):
        writer.writerow([row[name] for name in names])
        if case == "a header again" and k == 120:
            writer.writerow(names)
        elif case == "too many fields" and k % 40 == 5:
            writer.writerow([*names, "more", "and more"])
        elif case == "blank lines" and k % 10 == 0:
            out.write("\n\n")
        elif case == "short rows" and k == 120:
            writer.writerow([f"s{k}", text_of(random.Random(0), 900 + k)])
        elif case == "an inch" and k == 120:
            out.write(f'i{k},{text_of(random.Random(0), 900 + k)} 5" long,t,x\n')
        elif case == "never closed" and k == 120:
            out.write(f'i{k},"{text_of(random.Random(0), 900 + k)},t,x\n')
        elif case == "backslashes" and k == 120:
            out.write(f'i{k},"{text_of(random.Random(0), 900 + k)} \\"a\\", b",t,x\n')
        elif case == "other columns" and k == 120:
            writer.writerow(["title", "text", "id", "note"])
    text = out.getvalue()
    return text.encode("utf-8-sig" if case == "bom" else "utf-8")


TABLES = (
    "plain", "without ids", "ids that come again", "crlf", "bom", "a header again", "blank lines",
    "too many fields", "short rows", "an inch", "never closed", "backslashes", "other columns",
)  # fmt: skip
WHOLE_TABLES = {"short rows", "never closed", "backslashes", "other columns"}


@pytest.mark.parametrize("case", TABLES)
def test_no_byte_of_a_table_depends_on_the_cuts(case, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(table(case))
    entry = {"layout": "csv", "fields": {"title": "title", "note": "note"}}
    whole, _ = built(tmp_path, path, 0, **entry)
    for size in (1 << 11, 1 << 15):
        cut, many = built(tmp_path, path, size, **entry)
        assert cut == whole
        assert case == "an inch" or (many > 1) == (case not in WHOLE_TABLES)


# --- all that a build can do with a file --------------------------------------------------------

ITEM = "患者男，五十六岁，反复上腹部疼痛三年，加重伴黑便两天，最可能的诊断是下列哪一项疾病"


def of_all_kinds() -> list[dict]:
    """Return documents, threads and dialogues in turn, of which all that drops records drops some."""
    found = []
    every = rows(300)
    for k, row in enumerate(every):
        said = every[k - 3 if k % 30 == 6 else k]["text"]
        if k % 23 == 3:
            said = "短。"
        elif k % 29 == 5:
            said = f"{said}{ITEM}：胃溃疡、胃炎、胃癌、十二指肠溃疡。{said}"
        elif k % 31 == 7:
            said += "联系电话：13812345678，欢迎咨询。"
        elif k % 37 == 9:
            said = "哈" * 300
        one = {"key": f"k{k % 120}", "kind": ("document", "thread", "dialogue")[k % 3]}
        if one["kind"] == "document":
            one |= {"text": said, "title": row["title"]}
        elif one["kind"] == "thread":
            one |= {"question": text_of(random.Random(0), 4000 + k), "answers": [{"text": said}]}
        else:
            talk = [("user", text_of(random.Random(0), 7000 + k)), ("assistant", said)]
            one["messages"] = [{"role": role, "content": text} for role, text in talk]
        found.append(one)
    found[40]["kind"] = "song"
    del found[41]["question" if found[41]["kind"] == "thread" else "messages"]
    return found


@pytest.fixture
def of_kinds(tmp_path):
    """Return a file of records of all kinds, and a recipe that does much with them."""
    path = tmp_path / "kinds.jsonl"
    path.write_bytes(b"\n".join(lines_of(of_all_kinds())))
    (tmp_path / "cmmlu").mkdir()
    line = f"0,{ITEM}？,胃溃疡,胃炎,胃癌,十二指肠溃疡,A"
    (tmp_path / "cmmlu" / "clinical.csv").write_text(f",Question,A,B,C,D,Answer\n{line}\n", "utf-8")
    benchmark = {"name": "cmmlu", "layout": "cmmlu", "path": str(tmp_path / "cmmlu")}
    stages = {"passages": {}, "deduplicate": {"contained": "drop"}, "label": {"min_examples": 2}}
    return path, {"benchmarks": [benchmark], "stages": stages}


@pytest.mark.parametrize("texts", ["all", "sample"])
def test_records_of_all_kinds(of_kinds, texts, tmp_path, monkeypatch):
    path, more = of_kinds
    more["ledger"] = {"texts": texts}
    whole, _ = built(tmp_path, path, 0, more=more, layout="generated")
    dropped = open_built(max(tmp_path.glob("out-*"))).ledger("dropped")
    assert {"read", "filter", "decontaminate", "deduplicate"} <= set(dropped["stage"].to_pylist())
    cut, many = built(tmp_path, path, 1 << 12, more=more, layout="generated")
    assert many > 10
    assert cut == whole
    batches = partial(records.batches, max_rows=7)
    monkeypatch.setattr(records, "batches", batches)
    small, _ = built(tmp_path, path, 0, more=more, layout="generated")
    assert small == whole
    cut, _ = built(tmp_path, path, 1 << 14, more=more, workers=2, layout="generated")
    assert cut == whole


def test_takedowns_and_groups_of_a_search(of_kinds, tmp_path, monkeypatch):
    path, more = of_kinds
    monkeypatch.setattr("chimed_datasets.building.decide.deduplicate.AT_ONCE", 40)
    built(tmp_path, path, 0, more=more, layout="generated")
    first = open_built(max(tmp_path.glob("out-*")))
    gone = [
        *first.ledger("kept")["id"].to_pylist()[5:90:20],
        first.ledger("dropped")["id"][3].as_py(),
    ]
    listed = tmp_path / "takedowns.txt"
    listed.write_text("\n".join(gone), "utf-8")
    more["takedowns"] = str(listed)
    found = []
    for size in (0, 1 << 12):
        found.append(built(tmp_path, path, size, more=more, layout="generated")[0])
    assert found[0] == found[1]


def test_a_limit_and_a_condition(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(odd("broken"))
    entry = {"where": "title != 题3", "fields": {"title": "title"}}
    whole, _ = built(tmp_path, path, 0, **entry)
    cut, many = built(tmp_path, path, 1 << 13, **entry)
    assert many > 1
    assert cut == whole
    whole, _ = built(tmp_path, path, 0, limit=130, **entry)
    cut, many = built(tmp_path, path, 1 << 13, limit=130, **entry)
    assert many == 1
    assert cut == whole


# --- a build that dies ---------------------------------------------------------------------------


def dies(folder: Path, path: Path, size: int, after: int, **entry: object) -> list[str]:
    """Build, and die when so many units were read; return their places."""
    read, done = prepared.read_unit, []

    def read_some(chain, unit):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(unit.place)
        return read(chain, unit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "read_unit", read_some)
        with pytest.raises(KeyboardInterrupt):
            built(folder, path, size, **entry)
    return done


def test_a_build_that_dies_goes_on_with_its_parts(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_bytes(odd("ids that are numbers"))
    entry = {"fields": {"title": "title"}}
    whole, _ = built(tmp_path, path, 0, **entry)
    tally, looked = building_parts.look_through, []
    monkeypatch.setattr(
        building_parts, "look_through", lambda *task: looked.append(1) or tally(*task)
    )
    done = dies(tmp_path, path, 1 << 13, 3, **entry)
    assert done == [f"units/00000-0000{k}" for k in range(3)]
    first = len(looked)
    told: list[str] = []
    cut, many = built(tmp_path, path, 1 << 13, tell=told.append, **entry)
    assert cut == whole
    assert told[-1] == f"going on: 3 of {many} units were finished before"
    assert len(looked) == first  # what stands before each part was noted


def test_parts_of_another_size_are_read_anew(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(odd("ids"))
    dies(tmp_path, path, 1 << 13, 2)
    cut, _ = built(tmp_path, path, 1 << 14)
    whole, _ = built(tmp_path, path, 0)
    assert cut == whole


PACKED = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


@pytest.mark.parametrize("ending", PACKED)
def test_a_compressed_file_is_unfolded_once_and_read_in_parts(ending, tmp_path, monkeypatch):
    path = tmp_path / f"a.jsonl{ending}"
    path.write_bytes(PACKED[ending](odd("ids that are numbers")))
    unfold, asked = unfolding.unfold, []
    monkeypatch.setattr(unfolding, "unfold", lambda *task: asked.append(1) or unfold(*task))
    whole, one = built(tmp_path, path, 0)
    assert (one, asked) == (1, [])
    cut, many = built(tmp_path, path, 1 << 13)
    assert many > 3
    assert cut == whole
    assert asked == [1]
    assert not [*tmp_path.rglob("unfolded")]


def test_a_table_that_is_compressed_is_read_in_parts(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(table("plain")))
    entry = {"layout": "csv", "fields": {"title": "title"}}
    whole, _ = built(tmp_path, path, 0, **entry)
    cut, many = built(tmp_path, path, 1 << 13, **entry)
    assert many > 1
    assert cut == whole


def test_a_stream_that_breaks_off_is_told_of_as_ever(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(odd("ids"))[:-3000])
    told = []
    for size in (0, 1 << 13):
        with pytest.raises(SourceError) as error:
            built(tmp_path, path, size)
        told.append(str(error.value))
    assert told[0] == told[1]
    assert not [*tmp_path.rglob("unfolded/*")]


def test_a_compressed_file_is_unfolded_again_where_parts_are_left(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(odd("ids that are numbers")))
    whole, _ = built(tmp_path, path, 0)
    assert dies(tmp_path, path, 1 << 13, 3) == [f"units/00000-0000{k}" for k in range(3)]
    (place,) = tmp_path.rglob("unfolded/*")
    place.unlink()  # somebody cleared it
    told: list[str] = []
    cut, many = built(tmp_path, path, 1 << 13, tell=told.append)
    assert cut == whole
    assert told[-1] == f"going on: 3 of {many} units were finished before"
    assert not [*tmp_path.rglob("unfolded")]


def test_a_file_that_is_little_of_all_stays_folded(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for k in range(9):
        (folder / f"{k}.jsonl.gz").write_bytes(gzip.compress(odd("ids")))
    _, units = built(tmp_path, folder, 1 << 13)
    assert units == 1  # small files are read together


# --- Parquet ------------------------------------------------------------------------------------


def parquet(path: Path, found: list[dict], group: int = 20, **more: object) -> Path:
    pq.write_table(pa.Table.from_pylist(found), path, row_group_size=group, **more)
    return path


@pytest.mark.parametrize(
    "case", ["without ids", "ids", "ids that come again", "ids that are numbers", "ids late"]
)
def test_no_byte_of_parquet_depends_on_the_cuts(case, tmp_path):
    found = [json.loads(line) for line in odd(case).splitlines()]
    for row in found:
        if "id" in row:
            row["id"] = str(row["id"]) if case != "ids that are numbers" else int(row["id"])
    names = dict.fromkeys(name for row in found for name in row)
    path = parquet(tmp_path / "a.parquet", [{n: row.get(n) for n in names} for row in found])
    entry = {"layout": "parquet", "fields": {"title": "title"}}
    whole, one = built(tmp_path, path, 0, **entry)
    assert one == 1
    for size in (1, 1 << 12):
        cut, many = built(tmp_path, path, size, **entry)
        assert cut == whole
        assert many > 1


def test_dialogues_of_parquet_are_read_in_parts(tmp_path):
    """Also whole, their row groups were once more than Arrow could put together."""
    said = [
        {"conversations": [{"from": "human", "value": row["text"]},
                           {"from": "gpt", "value": f"请看{row['text']}"}]}
        for row in rows(240)
    ]  # fmt: skip
    path = parquet(tmp_path / "a.parquet", said)
    whole, _ = built(tmp_path, path, 0, layout="sharegpt")
    cut, many = built(tmp_path, path, 1, layout="sharegpt")
    assert many > 1
    assert cut == whole


def test_parquet_of_which_rows_may_hold_tables_stays_whole(tmp_path):
    found = [{"text": [row["text"]], "title": row["title"]} for row in rows(240)]
    path = parquet(tmp_path / "a.parquet", found)
    _, units = built(tmp_path, path, 1, layout="parquet", fields={"title": "title"})
    assert units == 1


def test_a_row_of_parquet_that_is_too_long(tmp_path, monkeypatch):
    found = [{"id": f"r{k % 200}", **row} for k, row in enumerate(rows(240))]
    found[90]["text"] = "长" * 3000
    path = parquet(tmp_path / "a.parquet", found)
    monkeypatch.setattr("chimed_datasets.sources.parsing.parquet.MAX_RECORD_BYTES", 4000)
    entry = {"layout": "parquet", "fields": {"title": "title"}}
    whole, _ = built(tmp_path, path, 0, **entry)
    cut, many = built(tmp_path, path, 1, **entry)
    assert many > 1
    assert cut == whole


def test_a_bomb_of_parquet_is_told_of_as_ever(tmp_path, monkeypatch):
    """No part of it unfolds to more than all may: all parts together do."""
    found = [{"text": "长" * 3000, "title": "t"} for _ in range(240)]
    path = parquet(tmp_path / "a.parquet", found, compression="zstd")
    monkeypatch.setattr("chimed_datasets.sources.files.opening.RATIO_FLOOR", 1000)
    monkeypatch.setattr("chimed_datasets.sources.files.opening.MAX_RATIO", 100)
    told = []
    for size in (0, 1):
        with pytest.raises(SourceError) as error:
            built(tmp_path, path, size, layout="parquet", fields={"title": "title"})
        told.append(str(error.value))
    assert told[0] == told[1]
    assert "bomb" in told[0]
