"""Fuzz every source parser and the masking.

    nice python tests/fuzz/run.py --minutes 10 [--seed 1] [--only jsonl]

Each case is a fixture file that was mutated (bytes changed, cut, doubled, spliced with another
layout's file, with tokens that parsers stumble over), read as a build reads it. A parser may raise
:class:`ChimedError` and nothing else, whatever it yields must have unique keys and fit Arrow, and a
case must not take more than SECONDS of CPU. Masking must keep the number of texts, change nothing
when it is run again, and leave no number that was planted in clear.

What breaks a rule is kept in ``tests/fuzz/found/LAYOUT/`` (``mask/`` for texts), which
``tests/fuzz/test_fuzz.py`` reads again in every run of the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import io
import json
import random
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for _place in (ROOT, ROOT / "tests" / "sources", ROOT / "tests" / "documents"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

from layout_reading import FIXTURES, read  # noqa: E402
from office_made import SEEDS  # noqa: E402

from chimed_datasets.errors import ChimedError  # noqa: E402
from chimed_datasets.sources import layout, layouts  # noqa: E402
from chimed_datasets.stages.mask import Mask  # noqa: E402

FOUND = HERE / "found"
MASKING = "mask"
SECONDS = 10.0
"""CPU time that one case may take; an ordinary one takes some milliseconds."""
MAX_BYTES = 1 << 20
OWN: dict[str, dict[str, Any]] = {
    "jsonl": {"id": "clause_id", "fields": {"text": "original_text"}},
    "csv": {"id": "commentary_id", "fields": {"text": "commentary_text"}},
    "parquet": {"kind": "thread", "fields": {"question": "q", "answer": "a"}},
}
TOKENS = [
    b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\x81", b"\xa1\xa1", b"\x84\x31\x95\x33",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\r", b"\r\n", b"\n\n\n", b"\x0b\x0c\x1c\x85", b"\xe2\x80\xa8",
    b'"', b"'", b"\\", b'\\"', b"\\ud800", b"\\udc00\\ud800", b"\\u0000", b"{", b"}", b"[", b"]", b",", b":",
    b"{}", b"[]", b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 400, b"[" * 3000,
    b'{"a":' * 2000, b'""', b'",""', b"\t", b";", b"|", b"<", b">", b"<!--", b"<p>", b"</script>", b"&amp;",
    b"&#1114112;", b"&#xd800;", b"<![CDATA[", b"<\xc4\xbf\xc2\xbc>", b"<\xc6\xaa\xc3\xfb>", b"\\x",
    "<目录>".encode(), "<篇名>".encode(), "内容：".encode(), "∶".encode(), "□".encode(), "\u3000".encode(),
    "\ufeff".encode(), "\u200b".encode(), "\U000e0001".encode(), "\u202e".encode(), "e\u0301".encode() * 50,
    "第一章".encode(), "问：".encode(), "答：".encode(), b"title,question", b"department,title,ask,answer",
    b"id", b"history", b"messages", b"role", b"content", b"#", b"../../x", b"%00", b"PAR1", b"WARC/1.0\r\n",
    b"{'a':", b"'", b"None", b"True", b"NULL", b"nan", b"\\N", b"\x00" * 600, b"{'question': '", b'"data": [',
    b'["\xe7\x83\xad", "\xe5\xaf\x92"]', b'{"question": ["a", "b"], "answer": ["c", "d"]}', b",]", b"// x\n",
    b"Content-Length: -1\r\n", b"Content-Length: 99999999999\r\n",
    b"sep=;\n", b'"sep=\t"\n', b"sep=\n", b'"""', b',"', b'",', b'"\n', b'\n"', b'"\r', b'\\",', b'\\\\"', b"\r,", b'"\x00"',
    b'"\xef\xbb\xbf', b"\n\xef\xbb\xbf", b",\n" * 300, b'"a" b,', "热寒湿\n".encode("gb18030"), "热寒湿\n".encode(),
    "熱寒濕\n".encode("big5"), "热\n".encode("utf-16"), b'{"id":' * 950, b'{"id": "1,\n', b'[{"id":1,"a":[',
    b"{'id': 1, 'a': [", b"\x1f\x8b\x08", b"BZh91AY&SY", b"PK\x03\x04", b"%PDF-", b"<html>", b"<?xml ",
    b' t="s"', b' r="XFD1048576"', b' hidden="1"', b"<row>", b"</row>", b"<c>", b"<v>", b"<w:p>", b"</w:p>", b"<w:tbl>",
    b"<w:del>", b"<w:t>", b"<li>", b"<ruby>", b"{{", b"}}", b"[[", b"]]", b"{|", b"|}", b"|-", b"-{", b"}-", b"<ref>", b"==",
    b'number-rows-repeated="99999999"', b"&lt;", b'ref="A1:B9"', b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"version https://git-lfs.github.com/spec/v1\n", b"PARE", b"ORC", b"II*\x00", b"RIFF0000WEBP", b"\x00" * 257 + b"ustar",
]  # fmt: skip


def mutated(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """Return ``data`` with one to eight changes."""
    for _ in range(draw.choice((1, 1, 2, 3, 5, 8))):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice((1, 2, 7, 50, 700)))
        kind = draw.randrange(8)
        if kind == 0 and at < len(data):
            data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[end:]
        elif kind == 2:
            data = data[:at] + data[at:end] * draw.choice((2, 3, 200)) + data[end:]
        elif kind == 3:
            data = data[: draw.choice((at, end))]
        elif kind == 4:
            other = draw.choice(others)
            start = draw.randrange(len(other) + 1)
            data = data[:at] + other[start : start + draw.choice((10, 300, 5000))] + data[at:]
        elif kind == 5:
            data = data[:at] + data[at:end][::-1] + data[end:]
        else:
            data = data[:at] + draw.choice(TOKENS) * draw.choice((1, 1, 2, 40)) + data[end:]
        data = data[:MAX_BYTES]
    return data


def repacked(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """Return a ZIP with changes in one or two of its parts, whose sums are right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        changed = set(draw.choices(names, k=draw.choice((1, 1, 2))))
        for name in names:
            part = old.read(name)
            if name in changed and draw.random() < 0.1:
                continue
            new.writestr(name, mutated(part, others, draw) if name in changed else part)
    return out.getvalue()


ODD_VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, 10**30, "", " ", "\u0000", "\ud800", "甲" * 5000, [], {}, [[]], [None],
    [{}], {"role": None}, ["a", 1, None], {"from": "human", "value": 3}, "True", "false", "a>b>c", "1,2",
    ["甲", "乙"], [["甲", "乙"]], "NULL", "nan", {"name": "内科"}, {"data": [{"question": "问"}]}, "中医",
    [["问", "答"], ["问"]], [1, 2], {"": ""}, "\n\n", "2020-13-45", [{"role": "user", "content": None}],
]  # fmt: skip


def with_odd_values(value: Any, draw: random.Random, rate: float = 0.08) -> Any:
    """Return JSON in which some values, keys and items are others."""
    if draw.random() < rate:
        return draw.choice(ODD_VALUES)
    if isinstance(value, dict):
        items = [
            (k, with_odd_values(v, draw, rate)) for k, v in value.items() if draw.random() > 0.03
        ]
        return {(f"{k}x" if draw.random() < 0.02 else k): v for k, v in items}
    if isinstance(value, list):
        items = [with_odd_values(v, draw, rate) for v in value if draw.random() > 0.03]
        return items * draw.choice((1, 1, 1, 2)) if len(items) < 100 else items
    return value


def files_of(key: str) -> list[Path]:
    """Return the fixture files of a layout (those of `html` lie with the web archives)."""
    if key == "html":
        return sorted((FIXTURES / "warc" / "pages").glob("*.html"))
    return sorted(p for p in (FIXTURES / key).rglob("*") if p.is_file())


@functools.cache
def seeds(key: str) -> list[tuple[str, bytes]]:
    """Return (file name, bytes) to start from."""
    suffixes = layout(key).suffixes
    found = [(p.name, p.read_bytes()) for p in files_of(key)]
    found = [(name, data) for name, data in found if "." + name.split(".", 1)[1].lower() in suffixes
             or any(s in name for s in suffixes)]  # fmt: skip
    found += [(name, make()) for name, make in SEEDS.get(key, {}).items()]
    return found or [(f"empty{suffixes[0]}", b"")]


def case_of(key: str, draw: random.Random, corpus: list[bytes]) -> tuple[str, bytes]:
    """Return a file name and its bytes."""
    name, data = draw.choice(seeds(key))
    if name.endswith((".json", ".jsonl")) and draw.random() < 0.5:
        try:
            text = data.decode("utf-8-sig")
            rows = (
                json.loads(text)
                if name.endswith(".json")
                else [json.loads(x) for x in text.splitlines() if x]
            )
        except ValueError:
            rows = []
        odd = [with_odd_values(row, draw) for row in rows]
        told = [json.dumps(row, ensure_ascii=draw.random() < 0.5) for row in odd]
        text = "[" + ",\n".join(told) + "]" if name.endswith(".json") else "\n".join(told)
        data = text.encode("utf-8", "surrogatepass")
        if draw.random() < 0.7:
            return name, data
    if data.startswith(b"PK") and draw.random() < 0.8:
        return name, repacked(data, corpus, draw)
    if draw.random() < 0.1:
        with contextlib.suppress(UnicodeDecodeError):
            encoding = draw.choice(("gb18030", "utf-16", "big5"))
            data = data.decode("utf-8").encode(encoding, "replace")
    return name, mutated(data, corpus, draw)


def check_file(key: str, name: str, data: bytes) -> None:
    """Read a case as a build does. Raises what must not be."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / name
        place.write_bytes(data)
        start = time.process_time()
        try:
            read(key, place, **OWN.get(key, {}))
        except ChimedError as error:
            told = str(error)
            if "\n" in told or len(told) > 2000:
                raise AssertionError(f"an error of more than a line: {told[:200]!r}") from error
        took = time.process_time() - start
        if took > SECONDS:
            raise AssertionError(f"{len(data):,} bytes took {took:.1f} s of CPU")


# --- masking ---------------------------------------------------------------------------------

_PIECES = [
    "电话", "手机", "：", "加微信", "QQ", "qq号", "身份证", "住院号", "病历号", "邮箱", "@", ".com", "http://",
    "www.", "/", "-", "—", "－", " ", "\u3000", "\n", "(", "（", ")", "+86", "0086", "010", "0571", "转", "一", "三",
    "八", "〇", "零", "⑴", "１", "０", "mg", "ml", "克", "年", "月", "日", "血压", "/80", "．", "点", "·", "x", "X",
    "wx", "vx", "V信", "薇信", "扣扣", "银行卡", "卡号", "62", "400", "800", "\u200b", "\ufe0f", "\U0001f4de",
]  # fmt: skip
PLANTED = (
    "13912345678",
    "15800001234",
    "18612349876",
    "11010519491231002X",
    "zhangsan@example.com",
)


def text_case(draw: random.Random) -> str:
    """Return a text of numbers, cues and what may stand between them."""
    out = []
    for _ in range(draw.choice((3, 10, 40, 400))):
        kind = draw.random()
        if kind < 0.45:
            out.append(draw.choice(_PIECES))
        elif kind < 0.75:
            out.append(
                "".join(
                    draw.choice("0123456789")
                    for _ in range(draw.choice((1, 2, 4, 7, 8, 11, 18, 19)))
                )
            )
        elif kind < 0.8:
            out.append(
                chr(draw.choice((draw.randrange(0x20, 0x7F), draw.randrange(0x4E00, 0x9FFF))))
            )
        else:
            out.append(f"，患者{draw.choice(PLANTED)}。")
    return "".join(out)


def check_texts(texts: list[str]) -> None:
    """Mask texts. Raises what must not be."""
    stage = Mask()
    start = time.process_time()
    once, _ = stage.masked(pa.array(texts, pa.string()))
    if len(once) != len(texts):
        raise AssertionError("another number of texts")
    twice, _ = stage.masked(once)
    for given, first, second in zip(texts, once.to_pylist(), twice.to_pylist(), strict=True):
        if first != second:
            raise AssertionError(f"masked again it changes: {given!r}: {first!r}, {second!r}")
        for number in PLANTED:
            if f"，患者{number}。" in first:
                raise AssertionError(f"in clear: {number} in {given!r}")
    took = time.process_time() - start
    if took > SECONDS:
        raise AssertionError(f"{sum(map(len, texts)):,} characters took {took:.1f} s of CPU")


# --- the run ---------------------------------------------------------------------------------


def keep(key: str, name: str, data: bytes) -> Path:
    """Write a case that broke a rule where the tests find it."""
    digest = hashlib.sha256(data).hexdigest()[:10]
    stem, _, ending = name.partition(".")
    place = FOUND / key / f"{stem}-{digest}.{ending}"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def kept() -> Iterator[tuple[str, Path]]:
    """Yield (layout or "mask", file) of all cases that were found."""
    for folder in sorted(p for p in FOUND.glob("*") if p.is_dir()):
        for path in sorted(folder.iterdir()):
            yield folder.name, path


def replay(key: str, path: Path) -> None:
    """Check a kept case. Raises what must not be."""
    if key == MASKING:
        check_texts([path.read_text("utf-8")])
    else:
        stem, _, ending = path.name.partition(".")
        check_file(key, f"{stem.rpartition('-')[0]}.{ending}", path.read_bytes())


def one(key: str, draw: random.Random, corpus: list[bytes]) -> tuple[str, bytes, Exception] | None:
    """Draw and check one case; return it with what it raised, or None."""
    if key == MASKING:
        texts = [text_case(draw) for _ in range(20)]
        try:
            check_texts(texts)
        except Exception:  # whatever it is, it is told
            for text in texts:
                try:
                    check_texts([text])
                except Exception as error:
                    return "text.txt", text.encode("utf-8"), error
        return None
    name, data = case_of(key, draw, corpus)
    try:
        check_file(key, name, data)
    except Exception as error:  # whatever it is, it is told
        return name, data, error
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="A layout, or mask. Left out: all.")
    args = parser.parse_args()
    keys = args.only or [*layouts(), MASKING]
    corpus = [data for key in layouts() for _, data in seeds(key)]
    draw = random.Random(args.seed)
    cases: Counter[str] = Counter()
    broken: Counter[tuple[str, str]] = Counter()
    end = time.monotonic() + args.minutes * 60
    while time.monotonic() < end:
        for key in keys:
            for _ in range(5):
                cases[key] += 1
                bad = one(key, draw, corpus)
                if bad is None:
                    continue
                name, data, error = bad
                last = traceback.extract_tb(error.__traceback__)[-1]
                where = (key, f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}")
                broken[where] += 1
                if broken[where] == 1:  # one of a kind is enough
                    print(f"{keep(key, name, data)}: {where[1]}: {str(error)[:300]}", flush=True)
    print(f"{sum(cases.values()):,} cases in {args.minutes:g} minutes:", dict(cases))
    for (key, where), count in broken.items():
        print(f"broken: {key}: {where}: {count}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
