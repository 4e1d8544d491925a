"""Members of RAR and 7z archives are read as those of zip are."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from layout_reading import read
from office_archives import rar, seven

from chimed_datasets.detection import detect
from chimed_datasets.errors import SourceError
from chimed_datasets.sources import SourceFile
from chimed_datasets.sources.files.archives import unpack
from chimed_datasets.sources.files.finding import find
from tests.common import packed

libarchive = packed.libarchive()

MEMBERS = {
    "古籍/伤寒论.txt": "第一章 太阳病\n太阳之为病，脉浮。\n".encode(),
    "金匮.txt": "第一章 痉病\n太阳病，发热无汗。\n".encode("gb18030") * 3000,
    "图.png": b"\x89PNG",
    "__MACOSX/x.txt": b"x",
}
KINDS = ["rar", "7z"]


def made(folder: Path, kind: str, members: dict[str, bytes]) -> Path:
    place = folder / f"书.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(place, "w") as file:
            for name, data in members.items():
                file.writestr(name, data)
    elif kind == "rar":
        place.write_bytes(rar(members))
    else:
        seven(place, members)
    return place


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_read_like_those_of_zip(tmp_path, kind):
    got = read("text", made(tmp_path, kind, MEMBERS))
    expected = read("text", made(tmp_path, "zip", MEMBERS))
    for one in expected:
        one.key = one.key.replace("书.zip/", f"书.{kind}/")
    assert len(got) == 3001
    assert sorted(got, key=lambda m: m.key) == sorted(expected, key=lambda m: m.key)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_archives_and_an_archive_in_an_archive(tmp_path, kind):
    inner = made(tmp_path, kind, {"甲.txt": "甲。".encode()})
    folder = tmp_path / "in"
    folder.mkdir()
    with zipfile.ZipFile(folder / "out.zip", "w") as file:
        file.writestr(f"in.{kind}", inner.read_bytes())
    (folder / f"b.{kind}").write_bytes(inner.read_bytes())
    assert [one.key for one in read("text", folder)] == [
        f"b.{kind}/甲.txt#0", f"out.zip/in.{kind}/甲.txt#0"
    ]  # fmt: skip
    found = find(str(folder), Path("/"), tmp_path / "staging", (".csv", ".txt"))
    assert not found.passed


@pytest.mark.parametrize("kind", KINDS)
def test_detect_looks_into_them(tmp_path, kind):
    found = detect(made(tmp_path, kind, {"甲.txt": MEMBERS["金匮.txt"]}))
    assert found.best is not None
    assert found.best.layout == "text"
    assert kind in found.packed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_damaged_one_is_one_line(tmp_path, kind, cut):
    place = made(tmp_path, kind, {"甲.txt": MEMBERS["金匮.txt"], "乙.txt": MEMBERS["金匮.txt"]})
    place.write_bytes(place.read_bytes()[: int(place.stat().st_size * cut)])
    with pytest.raises(SourceError, match=rf"^书\.{kind}: [^\n]*\.$"):
        read("text", place)


@pytest.mark.parametrize("name", ["../x.txt", "/etc/x.txt", "C:/x.txt"])
def test_a_name_that_leads_outside_is_refused(tmp_path, name):
    with pytest.raises(SourceError, match="leads outside the archive"):
        read("text", made(tmp_path, "rar", {name: b"x"}))


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_the_name_of_one_and_is_none_is_passed_over(tmp_path, kind):
    (tmp_path / f"a.{kind}").write_text("这是文字。", "utf-8")
    (tmp_path / "b.txt").write_text("乙。", "utf-8")
    found = find(str(tmp_path), Path("/"), tmp_path / "staging", (".txt",))
    assert found.passed == {f"a.{kind}": "it has the name of an archive and is none"}


def test_a_bomb_is_stopped(tmp_path):
    def zeros():
        for _ in range(300):
            yield bytes(1 << 20)

    place = tmp_path / "a.7z"
    with libarchive.file_writer(str(place), "7zip") as archive:
        archive.add_file_from_memory("a.txt", 300 << 20, zeros())
    with pytest.raises(SourceError, match="bomb"):
        unpack(SourceFile("a.7z", str(place), place.stat().st_size), tmp_path / "o", (".txt",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "raise ModuleNotFoundError(name='libarchive')",
            "libarchive is not installed: pip install",
        ),
        ("raise AttributeError('undefined symbol')", "which this machine lacks: install it (apt"),
    ],
)
def test_a_machine_without_libarchive_is_told_in_one_line(tmp_path, line, said):
    made(tmp_path, "rar", {"甲.txt": "甲。".encode()})
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "libarchive.py").write_text(line, "utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(lib)!r})\n"
        "from pathlib import Path\n"
        "from chimed_datasets.sources.files.finding import find\n"
        f"find('书.rar', Path({str(tmp_path)!r}), Path({str(tmp_path / 's')!r}), ('.txt',))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"Rar!\x1a\x07\0" + bytes(40), "cannot be read"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "an archive without a file"),
    ],
)
def test_one_that_cannot_be_read_beside_others_is_told_of(tmp_path, data, why):
    name = "old.rar" if data.startswith(b"Rar") else "old.7z"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "in" / "a.txt").write_text("甲。", "utf-8")
    found = find("in", tmp_path, tmp_path / "s", (".txt",))
    assert [file.name for file in found.files] == ["a.txt"]
    assert why in found.passed[name]
    with pytest.raises(SourceError, match=name.replace(".", r"\.")):
        find(f"in/{name}", tmp_path, tmp_path / "t", (".txt",))


@pytest.mark.parametrize("package", ["lxml", "xlrd", "mwparserfromhell"])
def test_a_missing_extra_is_told_in_one_line(tmp_path, package):
    from office_docx import DOCX
    from office_sheets import SHEETS
    from office_wiki import WIKI

    key, name, data = {
        "lxml": ("docx", "a.docx", DOCX["notes.docx"]().data),
        "xlrd": ("qa_csv", "a.xls", SHEETS["of_2003.xls"]()),
        "mwparserfromhell": ("mediawiki", "a.xml", WIKI["zhwiki-articles.xml"]().data),
    }[package]
    (tmp_path / name).write_bytes(data)
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / f"{package}.py").write_text(f"raise ModuleNotFoundError(name={package!r})", "utf-8")
    (tmp_path / "r.yaml").write_text(
        f"name: n\nsources: [{{name: s, layout: {key}, path: {name}, license: cc0-1.0, domain: tcm}}]\n",
        "utf-8",
    )
    code = (
        f"import sys; sys.path.insert(0, {str(lib)!r})\nfrom chimed_datasets.cli import app\n"
        "app(['build', '--recipe', 'r.yaml', '--out', 'out', '--workers', '1'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    told = " ".join(done.stderr.split())
    assert f"{package} is not installed: pip install 'chimed-datasets[office]'" in told, told
