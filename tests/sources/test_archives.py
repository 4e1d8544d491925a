"""Archives: what comes out, and what is refused."""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from chimed_datasets.errors import SourceError
from chimed_datasets.sources.files import archives, opening
from chimed_datasets.sources.files.finding import find, resolve
from chimed_datasets.sources.files.opening import SourceFile

TEXT = "本草者，以草木为本也。\n".encode() * 20
MEMBERS = {"books/卷二.txt": TEXT, "books/卷一.txt": b"1" + TEXT, "books/readme.md": b"#"}
HIDDEN = {"__MACOSX/books/._卷一.txt": b"x", "books/.DS_Store": b"x", ".cache/a.txt": b"x"}


def tar_bytes(members: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        tar.addfile(_folder("books"))
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def zip_bytes(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("books/", b"")
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


PACKED = {
    "a.zip": zip_bytes,
    "a.tar": tar_bytes,
    "a.tar.gz": lambda m: tar_bytes(m, "w:gz"),
    "a.tgz": lambda m: tar_bytes(m, "w:gz"),
    "a.tar.bz2": lambda m: tar_bytes(m, "w:bz2"),
    "a.tbz2": lambda m: tar_bytes(m, "w:bz2"),
    "a.tar.xz": lambda m: tar_bytes(m, "w:xz"),
    "a.txz": lambda m: tar_bytes(m, "w:xz"),
    "a.tar.zst": lambda m: zstandard.compress(tar_bytes(m)),
    "A.TAR.GZ": lambda m: tar_bytes(m, "w:gz"),
}


def unpacked(path: Path, suffixes: tuple[str, ...] = (".txt",)) -> list[SourceFile]:
    return resolve(path.name, path.parent, path.parent / "staging", suffixes)


@pytest.mark.parametrize("name", PACKED)
def test_wanted_members_come_out_sorted_and_named_after_the_archive(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(PACKED[name](MEMBERS | HIDDEN))
    files = unpacked(path)
    assert [file.name for file in files] == [f"{name}/books/卷一.txt", f"{name}/books/卷二.txt"]
    assert [file.read() for file in files] == [b"1" + TEXT, TEXT]
    assert [file.size for file in files] == [len(TEXT) + 1, len(TEXT)]
    assert len(list((tmp_path / "staging").rglob("*.*"))) == 0  # numbers, no names of others


def test_archives_lie_beside_files_in_a_folder_and_may_hold_compressed_members(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "b.zip").write_bytes(zip_bytes({"x.txt.zst": zstandard.compress(TEXT)}))
    (folder / "a.tar").write_bytes(tar_bytes({"y.txt": TEXT}))
    (folder / "c.txt").write_bytes(TEXT)
    files = unpacked(folder)
    assert [file.name for file in files] == ["a.tar/y.txt", "b.zip/x.txt.zst", "c.txt"]
    assert {file.read() for file in files} == {TEXT}


def test_two_members_of_one_name_are_both_kept(tmp_path):
    (tmp_path / "a.tar").write_bytes(
        tar_bytes({"x.txt": b"1"})[:1536] + tar_bytes({"x.txt": b"2"})[512:]
    )
    files = unpacked(tmp_path / "a.tar")
    assert [(file.name, file.read()) for file in files] == [
        ("a.tar/x.txt", b"1"),
        ("a.tar/x.txt~2", b"2"),
    ]


def test_names_in_gbk_without_the_utf8_mark(tmp_path):
    raw = zip_bytes({"books/aaaaaa.txt": TEXT})
    raw = raw.replace(b"aaaaaa", "伤寒论".encode("gb18030"))
    (tmp_path / "a.zip").write_bytes(raw)
    (tmp_path / "b.tar").write_bytes(tar_bytes({}))
    with tarfile.open(
        tmp_path / "b.tar", "w", encoding="gb18030", format=tarfile.GNU_FORMAT
    ) as tar:
        info = tarfile.TarInfo("金匮.txt")
        info.size = len(TEXT)
        tar.addfile(info, io.BytesIO(TEXT))
    assert unpacked(tmp_path / "a.zip")[0].name == "a.zip/books/伤寒论.txt"
    assert unpacked(tmp_path / "b.tar")[0].name == "b.tar/金匮.txt"


# --- refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize(
    "member",
    ["../evil.txt", "books/../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:\\evil.txt"],
)
def test_a_name_that_leads_outside_is_refused(tmp_path, name, member):
    (tmp_path / name).write_bytes(PACKED[name]({"good.txt": TEXT, member: TEXT}))
    with pytest.raises(SourceError, match=rf"^{name}: member .*evil.* leads outside the archive"):
        unpacked(tmp_path / name)
    assert not list(tmp_path.parent.rglob("evil*"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("a.txt")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(SourceError, match=r"a\.tar: member 'a\.txt' is a link or a device"):
        unpacked(tmp_path / "a.tar")


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("a.txt")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(SourceError, match="link or a device"):
        unpacked(tmp_path / "a.zip")


@pytest.mark.parametrize("name", [name for name in PACKED if name != "A.TAR.GZ"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9])
def test_a_truncated_archive_is_named(tmp_path, name, part):
    noise = {f"{i}.txt": bytes((i * j * j) % 251 for j in range(20_000)) for i in range(1, 5)}
    raw = PACKED[name](noise)
    (tmp_path / name).write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(SourceError, match=f"^{name}: "):
        unpacked(tmp_path / name)


@pytest.mark.parametrize("name", PACKED)
def test_what_is_no_archive_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>404 Not Found</html>" * 100)
    with pytest.raises(SourceError, match=f"^{name}: "):
        unpacked(tmp_path / name)


def test_a_member_whose_bytes_changed_is_found_by_its_checksum(tmp_path):
    raw = bytearray(zip_bytes({"a.txt": TEXT}))
    raw[raw.index(b"a.txt") + 5 + 10] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(SourceError, match=r"^a\.zip: "):
        unpacked(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.zst"])
def test_a_bomb_is_stopped(tmp_path, monkeypatch, name):
    monkeypatch.setattr(opening, "RATIO_FLOOR", 4 * 1024 * 1024)
    (tmp_path / name).write_bytes(PACKED[name]({f"{i}.txt": bytes(3 * 1024**2) for i in range(4)}))
    with pytest.raises(SourceError, match=f"^{name}: .*decompression bomb"):
        unpacked(tmp_path / name)
    stored = sum(
        place.stat().st_size for place in (tmp_path / "staging").rglob("*") if place.is_file()
    )
    assert stored <= 8 * 1024 * 1024


def test_a_size_that_lies_does_not_help(tmp_path):
    raw = bytearray(zip_bytes({"a.txt": bytes(1_000_000)}))
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 10)  # the uncompressed size in the directory
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(SourceError, match=r"^a\.zip: "):
        unpacked(tmp_path / "a.zip")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    (tmp_path / "a.zip").write_bytes(zip_bytes({f"{i}.txt": b"x" for i in range(4)}))
    with pytest.raises(SourceError, match=r"a\.zip: more than 3 files"):
        unpacked(tmp_path / "a.zip")


def test_a_password_is_asked_for_in_words(tmp_path):
    raw = bytearray(zip_bytes({"a.txt": TEXT}))
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(SourceError, match="password"):
        unpacked(tmp_path / "a.zip")


def test_an_archive_without_the_wanted_files(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_bytes({"a.pdf": b"x"}))
    with pytest.raises(SourceError, match=r"a\.zip: no file ending in \.txt"):
        unpacked(tmp_path / "a.zip")


# --- archives in archives, and what is passed over ------------------------------------------


def nested(depth: int, pack=zip_bytes, name: str = "b.zip") -> bytes:
    data = zip_bytes({"里.txt": TEXT})
    for _ in range(depth - 1):
        data = pack({name: data, "外.txt": b"0" + TEXT})
    return data


@pytest.mark.parametrize(("pack", "name"), [(zip_bytes, "a.zip"), (PACKED["a.tgz"], "a.tgz")])
def test_an_archive_in_an_archive_is_unpacked(tmp_path, pack, name):
    inside = {"sub/b.tar.xz": PACKED["a.tar.xz"](MEMBERS), "c.zip": nested(1), "d.txt": TEXT}
    (tmp_path / name).write_bytes(pack(inside))
    found = find(name, tmp_path, tmp_path / "staging", (".txt",))
    assert [file.name for file in found.files] == [
        f"{name}/{member}"
        for member in ("c.zip/里.txt", "d.txt", "sub/b.tar.xz/books/卷一.txt",
                       "sub/b.tar.xz/books/卷二.txt")
    ]  # fmt: skip
    assert [file.read() for file in found.files] == [TEXT, TEXT, b"1" + TEXT, TEXT]
    assert found.passed == {f"{name}/sub/b.tar.xz/books/readme.md": "layout text reads it"}


def test_archives_are_unpacked_to_a_depth(tmp_path):
    (tmp_path / "a.zip").write_bytes(nested(archives.MAX_DEPTH))
    assert next(f.name for f in unpacked(tmp_path / "a.zip")) == "a.zip/b.zip/b.zip/里.txt"
    (tmp_path / "a.zip").write_bytes(nested(archives.MAX_DEPTH + 2))
    found = find("a.zip", tmp_path, tmp_path / "staging", (".txt",))
    assert [file.read() for file in found.files] == [b"0" + TEXT] * 3
    assert found.passed == {"a.zip/b.zip/b.zip/b.zip": "it lies too deep in archives"}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"PK\x03\x04 and no more", r"cannot be read \(File is not a zip file\)"),
        (zip_bytes({"../evil.txt": TEXT}), "leads outside"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!doctype html><title>404</title>", "web page .*'404'"),
    ],
)
def test_a_bad_archive_in_an_archive_is_passed_over(tmp_path, bad, why):
    (tmp_path / "a.zip").write_bytes(zip_bytes({"b.zip": bad, "c.txt": TEXT}))
    found = find("a.zip", tmp_path, tmp_path / "staging", (".txt",))
    assert [file.read() for file in found.files] == [TEXT]
    assert list(found.passed) == ["a.zip/b.zip"]
    assert re.search(why, found.passed["a.zip/b.zip"])
    assert not list(tmp_path.parent.rglob("evil*"))


def test_archives_in_an_archive_keep_its_bounds(tmp_path, monkeypatch):
    """What stays small in each is too much in all."""
    monkeypatch.setattr(opening, "MAX_BYTES", 30 * len(TEXT))
    many = {f"{n}.zip": zip_bytes({f"{m}.txt": TEXT for m in range(8)}) for n in range(8)}
    (tmp_path / "a.zip").write_bytes(zip_bytes(many))
    with pytest.raises(SourceError, match=r"^a\.zip: becomes more than"):
        unpacked(tmp_path / "a.zip")
    monkeypatch.setattr(opening, "MAX_BYTES", 1 << 30)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 30)
    with pytest.raises(SourceError, match=r"^a\.zip: more than 30 files in it"):
        unpacked(tmp_path / "a.zip")


def test_members_that_nobody_wants_do_not_fill_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 30)
    (tmp_path / "a.tar").write_bytes(tar_bytes({f"{n}.png": b"" for n in range(99)} | MEMBERS))
    found = find("a.tar", tmp_path, tmp_path / "staging", (".txt",))
    assert len(found.files) == 2
    assert len(found.passed) == 30
