"""What is said of files in odd forms: never sure when wrong."""

from __future__ import annotations

import gzip

import pytest

from chimed_datasets.detection import Detected, detect
from chimed_datasets.errors import SourceError
from tests.collect.archives import record
from tests.common.odd_files import FILES, Odd
from tests.common.text import prose

GRADES = ("sure", "likely", "guess")


def said(odd: Odd, folder) -> Detected | None:
    """Return what is said of a file, None where it is refused with an error."""
    try:
        return detect(odd.make(folder))
    except SourceError:
        return None


@pytest.mark.parametrize("odd", FILES, ids=lambda odd: odd.name)
def test_no_wrong_answer_is_sure(odd, tmp_path):
    found = said(odd, tmp_path)
    if found is None:
        assert odd.layout[0] is None
        return
    layout = found.best and found.best.layout
    assert found.grade in GRADES
    assert found.reason
    assert not odd.unclear or found.grade == "guess"
    if found.grade == "sure":
        assert layout in odd.layout
        given = found.best.options.get("fields", {}) if found.best else {}
        assert {name: given.get(name) for name in odd.fields if given} == (
            odd.fields if given else {}
        )


@pytest.mark.parametrize(
    "odd", [odd for odd in FILES if odd.layout[0] is not None], ids=lambda odd: odd.name
)
def test_the_layout_that_reads_a_file_is_found(odd, tmp_path):
    found = detect(odd.make(tmp_path))
    assert found.best is not None
    assert found.best.layout in odd.layout
    if found.best.mapping:
        fields = found.best.options["fields"]
        assert {name: fields.get(name) for name in odd.fields} == odd.fields
    assert found.seconds < 5  # on a machine that does much else


@pytest.mark.parametrize(
    "odd", [odd for odd in FILES if odd.layout == (None,)], ids=lambda odd: odd.name
)
def test_what_no_layout_reads_is_no_more_than_guessed(odd, tmp_path):
    found = said(odd, tmp_path)
    assert found is None or found.best is None or found.grade == "guess"


def test_a_web_archive_is_read_by_its_layout(tmp_path):
    pytest.importorskip("fastwarc")
    pytest.importorskip("trafilatura")
    text = "".join(f"<p>{prose(n, 80)}</p>" for n in range(6))
    page = f"<html><body><article><h1>高血压</h1>{text}</article></body></html>".encode()
    warc = b"".join(record(f"http://a.example/{n}", page) for n in range(6))
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(warc))
    found = detect(tmp_path / "a.warc.gz")
    assert found.form == "a web archive (WARC or WET)"
    assert found.best is not None
    assert (found.best.layout, found.best.kept) == ("warc", 6)
