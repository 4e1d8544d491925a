"""Lays a corpus out in a folder in the form in which its publisher gives it away.

`tests/known/published/NAME/` holds the texts of one corpus as plain UTF-8, and a `form.yaml` that says
how the publisher packs them. All texts are written for these tests; only their form is the publisher's.
README.md beside this file describes `form.yaml`.

    folder = lay_out("cmedqa2", tmp_path)      # tmp_path / "question.zip" and the others
    records = wanted("cmedqa2")                # what a careful reader makes of them
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

PUBLISHED = Path(__file__).parent / "published"
Form = dict[str, Any]


def names() -> list[str]:
    """All corpora of `published/`, sorted."""
    return sorted(path.parent.name for path in PUBLISHED.glob("*/form.yaml"))


@cache
def form(name: str) -> Form:
    """`form.yaml` of a corpus."""
    loaded: Form = yaml.load((PUBLISHED / name / "form.yaml").read_text("utf-8"), Loader=_LOADER)
    return loaded


def wanted(name: str) -> list[Form]:
    """The records that a careful reader makes of a corpus, in the order of its rows."""
    rows = [each for each in form(name)["expect"] if "refused" not in each]
    return [record for each in rows for record in each.get("several", [each])]


def refused(name: str) -> list[Form]:
    """The rows that no record should be made of, each with its reason."""
    return [each for each in form(name)["expect"] if "refused" in each]


def lay_out(name: str, folder: Path) -> Path:
    """Write the files of a corpus below `folder`, under the publisher's paths. Returns `folder`.

    The bytes are the same at every call.
    """
    for path, content in contents(name).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def contents(name: str) -> dict[str, bytes]:
    """The publisher's paths of a corpus, each with its bytes."""
    return {file["path"]: packed(name, file) for file in form(name)["files"]}


def packed(name: str, file: Form) -> bytes:
    """The bytes of one entry of `files`, or of one member of an archive."""
    if "hex" in file:
        return bytes.fromhex(file["hex"])
    for kind, pack in _ARCHIVES.items():
        if kind in file:
            return pack([(each["member"], packed(name, each)) for each in file[kind]])
    if "parquet" in file:
        return _parquet(text(name, file), file["parquet"])
    content = text(name, file).encode(file.get("encoding", "utf-8"))
    return gzip.compress(content, mtime=0) if file.get("gzip") else content


def text(name: str, file: Form) -> str:
    """The text of one entry or member, with the line ends that the publisher's file has."""
    content = (PUBLISHED / name / local(file)).read_bytes().decode("utf-8")
    return content.replace("\n", "\r\n") if file.get("newline") == "crlf" else content


def local(file: Form) -> str:
    """The file in `published/NAME/` that an entry or member is made from."""
    path: str = file.get("local") or file.get("path") or file["member"]
    return path


def leaves(file: Form) -> Iterator[Form]:
    """The entries of a file that hold a text: the file itself, or the members of its archive."""
    members = next((file[kind] for kind in _ARCHIVES if kind in file), None)
    if members is not None:
        for member in members:
            yield from leaves(member)
    elif "hex" not in file:
        yield file


def arrow_type(column: Any) -> pa.DataType:
    """A column's type: `string`, `[string]` for a list, `{role: string}` for a struct."""
    if isinstance(column, list):
        return pa.list_(arrow_type(column[0]))
    if isinstance(column, dict):
        return pa.struct([(key, arrow_type(value)) for key, value in column.items()])
    return pa.type_for_alias(column)


def _parquet(lines: str, columns: Form) -> bytes:
    rows = [json.loads(line) for line in lines.splitlines() if line.strip()]
    schema = pa.schema([(key, arrow_type(value)) for key, value in columns.items()])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    return sink.getvalue()


def _zip(members: list[tuple[str, bytes]]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            # The time of a ZipInfo is 1980 where none is given: the same bytes every day.
            info = zipfile.ZipInfo(member)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return sink.getvalue()


def _rar(members: list[tuple[str, bytes]]) -> bytes:
    """A RAR 5 archive whose members are stored, not compressed."""
    archive = b"Rar!\x1a\x07\x01\x00" + _rar_block(1, 0, b"", _vint(0))
    for member, content in members:
        name = member.encode("utf-8")
        with_crc, unix = 4, 1
        fields = _vint(with_crc) + _vint(len(content)) + _vint(0o100644)
        fields += zlib.crc32(content).to_bytes(4, "little")
        fields += _vint(0) + _vint(unix) + _vint(len(name)) + name
        archive += _rar_block(2, 2, _vint(len(content)), fields) + content
    return archive + _rar_block(5, 0, b"", _vint(0))


def _rar_block(kind: int, flags: int, data_size: bytes, fields: bytes) -> bytes:
    body = _vint(kind) + _vint(flags) + data_size + fields
    sized = _vint(len(body)) + body
    return zlib.crc32(sized).to_bytes(4, "little") + sized


def _vint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


_ARCHIVES: dict[str, Callable[[list[tuple[str, bytes]]], bytes]] = {
    "zip": _zip,
    "rar": _rar,
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
