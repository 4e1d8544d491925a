"""Lines of JSON that a reader stumbles over, and what orjson says of them."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import orjson

from chimed_datasets.loops import (
    ABSENT,
    BREAK,
    EDGE,
    KIND,
    NESTED,
    NULL,
    OTHER,
    SIGN,
    TEXT,
    WHOLE,
    Loops,
)

NAMES = ("id", "text", "题目", "名 b", "", "t", "think", "x" * 70)
WANTED = 5
"""So many of these names are wanted."""
MOST = 9
PIECES = (
    *(
        "头痛三天",
        "发热，",
        "a",
        " ",
        "\n",
        "\t",
        "\r\n",
        '"',
        "\\",
        "/",
        "<b>",
        "[1]",
        "◁",
        "“”…—",
    ),
    *(
        "é",
        "\u0085",
        "\u2028",
        "\u2029",
        "\u3000",
        "\u00a0",
        "\u1680",
        "\u2003",
        "\u205f",
        "\u202f",
    ),
    *(
        "𠀀",
        "🙂",
        "\U0010ffff",
        "\ufffd",
        "\uffff",
        "\u0800",
        "\x00",
        "\x1f",
        "\x1c",
        "\x7f",
        "\ufeff",
    ),
    *("NULL", "nan", "x" * 40, "长" * 90, "\\u4e2d", "{", "}", "]", ":", ","),
)
WHITE = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
SCALARS = (
    *("null", "true", "false", "0", "-0", "7", "12345678901234567", "123456789012345678"),
    *("1234567890123456789", "-3", "1.5", "-0.0e+05", "1E3", "2e-7", "0.1234567890123456789"),
)
ODD = (
    *("", "NaN", "-Infinity", "1e999", "1" * 50, "01", "+1", "1.", ".5", "1e", "--1", "tru", "nul"),
    *(
        '"\\ud83d"',
        '"\\ud83dx"',
        '"\\ude00"',
        '"\\ud83d\\ud83d"',
        '"\\ud83d\\u0041"',
        '"\\x"',
        '"\\u12"',
    ),
    *('"\\u12g4"', '"\\u@000"', '"\\u`000"', '"a', "'a'", "{", "[", "]", "[1,]", "[,1]", '{"a"}'),
    *('{"a":}', '{"a":1,}', "{,}", "{1:2}", "[1 2]", "undefined", "[" * 40 + "]" * 40),
)


def text(random: np.random.Generator) -> str:
    return "".join(random.choice(np.array(PIECES, object), int(random.integers(0, 6))))


def blank(random: np.random.Generator) -> str:
    return str(random.choice(["", "", "", " ", "  "]))


def written(random: np.random.Generator, said: str) -> str:
    """Return a text as JSON; more of it may be escaped than has to be."""
    plain = json.dumps(said, ensure_ascii=bool(random.random() < 0.3))
    if random.random() < 0.2:
        plain = plain.replace("/", "\\/").replace("<", "\\u003C").replace("[", "\\u005b")
    return plain


def value(random: np.random.Generator, depth: int = 0) -> str:
    """Return a value as JSON."""
    chance = random.random()
    if chance < 0.6 or depth > 3:
        return written(random, text(random))
    if chance < 0.8:
        return str(random.choice(SCALARS))
    inner = [value(random, depth + 1) for _ in range(int(random.integers(0, 4)))]
    pad = blank(random)
    if chance < 0.9:
        return "[" + pad + f",{pad}".join(inner) + pad + "]"
    return "{" + pad + ",".join(f"{written(random, text(random))}{pad}:{v}" for v in inner) + "}"


def line(random: np.random.Generator, odd: float = 0.0) -> str:
    """Return an object as a line. odd: the chance of what may be refused."""
    wanted = [name for name in NAMES if random.random() < 0.6]
    others = [f"n{number}" for number in random.integers(0, 99, int(random.integers(0, 4)))]
    names = [*wanted, *others]
    if random.random() < 0.5:
        names = [str(name) for name in random.permutation(np.array(names, object))]
    if odd and names and random.random() < odd / 2:
        names.append(names[0])
    parts = []
    for name in names:
        own = (
            written(random, name) if random.random() < odd else json.dumps(name, ensure_ascii=False)
        )
        said = str(random.choice(ODD)) if random.random() < odd else value(random)
        pads = [blank(random) for _ in range(4)]
        parts.append(f"{pads[0]}{own}{pads[1]}:{pads[2]}{said}{pads[3]}")
    return "{" + (",".join(parts) or blank(random)) + "}"


def lines(random: np.random.Generator, odd: float = 0.0) -> bytes:
    """Return lines of objects, blank ones between; odd: see :func:`line`."""
    end = str(random.choice(["\n", "\n", "\r\n", " \n"]))
    made = []
    for _ in range(int(random.integers(0, 9))):
        made.append(line(random, odd))
        if random.random() < 0.1:
            made.append(blank(random))
    data = end.join(made) + (end if random.random() < 0.7 else "")
    return data.encode()


def harmed(random: np.random.Generator, data: bytes) -> bytes:
    """Return bytes of which some are others, or missing, or twice there."""
    left = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(0, len(left) + 1))
        chance = random.random()
        if chance < 0.3:
            del left[at : at + int(random.integers(1, 5))]
        elif chance < 0.6:
            left[at:at] = bytes(
                random.choice([*b'"\\{}[],:0ue \r\n\t', 0, 0x80, 0xE5, 0xFF], 1).astype(np.uint8)
            )
        elif at < len(left):
            left[at] = int(random.integers(0, 256))
        if chance > 0.95:
            del left[at:]
    return bytes(left)


def looks(said: str) -> int:
    """Return what a text looks like."""
    edge = said.strip() != said or (len(said) <= MOST and said.isascii())
    found = EDGE if edge else 0
    found |= SIGN if any(sign in said for sign in "<[◁") else 0
    return found | (BREAK if any(sign in said for sign in ENDS) else 0)


def kind_of(found: object) -> int:
    """Return what a value is; of a whole number and others, OTHER."""
    if isinstance(found, str):
        return TEXT
    if isinstance(found, (list, dict)):
        return NESTED
    return NULL if found is None else OTHER


def check(made: Loops, data: bytes, *, plain: bool) -> None:
    """Compare what the loops read with what orjson reads. plain: whether they have to take it."""
    names = [name.encode() for name in NAMES]
    whole = np.frombuffer(data, np.uint8).copy()  # bytes of Python have one more behind them
    found = made.rows(whole, names, WANTED, data.count(b"\n") + 1)
    if found is None:
        assert not plain, data
        return
    rows = [orjson.loads(row) for row in data.split(b"\n") if row.strip(b" \r")]
    begun, spans, marks, others = found
    assert len(rows) == len(begun)
    assert [orjson.loads(data[a:b]) for a, b in begun.tolist()] == rows or b"NaN" in data
    assert others.tolist() == [any(name in row for name in NAMES[WANTED:]) for row in rows]
    for at, name in enumerate(NAMES[:WANTED]):
        kinds = marks[:, at] & KIND
        for row, kind, (begin, end) in zip(
            rows, kinds.tolist(), spans[:, at].tolist(), strict=True
        ):
            if kind == WHOLE:
                assert type(row[name]) is int
                assert str(row[name]).encode() == data[begin:end]
            elif kind == ABSENT:
                assert name not in row
            else:
                assert kind == kind_of(row[name])
            if kind in (OTHER, NESTED):
                assert orjson.loads(data[begin:end]) == row[name]
        out, ends, look, chars = made.texts(whole, spans[:, at], marks[:, at], MOST)
        said = [row[name] if isinstance(row.get(name), str) else None for row in rows]
        stored = out.tobytes()
        told = [stored[a:b].decode() for a, b in pairwise(ends.tolist())]
        assert told == [one or "" for one in said]
        assert chars.tolist() == [*map(len, told)]
        assert look.tolist() == [0 if one is None else looks(one) for one in said]
