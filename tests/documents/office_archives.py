"""RAR 5 and 7z archives of known members."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path


def _number(value: int) -> bytes:
    """Return a number in as many bytes as it takes, seven bits each."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _header(*fields: bytes) -> bytes:
    body = b"".join(fields)
    sized = _number(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized


def rar(members: Mapping[str, bytes]) -> bytes:
    """Return a RAR 5 archive whose members are stored as they are."""
    out = [b"Rar!\x1a\x07\x01\x00", _header(_number(1), _number(0), _number(0))]
    for name, data in members.items():
        spelt = name.encode()
        out.append(
            _header(
                _number(2),
                _number(2),
                _number(len(data)),
                _number(4),
                _number(len(data)),
                _number(0o100644),
                struct.pack("<I", zlib.crc32(data)),
                _number(0),
                _number(1),
                _number(len(spelt)),
                spelt,
            )
            + data
        )
    return b"".join([*out, _header(_number(5), _number(0), _number(0))])


def seven(place: Path, members: Mapping[str, bytes]) -> bytes:
    """Write a 7z archive at ``place`` and return its bytes."""
    import libarchive

    with libarchive.file_writer(str(place), "7zip") as archive:
        for name, data in members.items():
            archive.add_file_from_memory(name, len(data), [data])
    return place.read_bytes()
