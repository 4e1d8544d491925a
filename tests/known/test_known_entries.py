"""Every known source and benchmark reads its corpus in its published form, and loses no row of it
without a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chimed_datasets import known
from chimed_datasets.errors import RecipeError
from chimed_datasets.recipe import Source, parse
from chimed_datasets.records import Dialogue, Document, ExamItem, Malformed, QAThread
from chimed_datasets.sources import FileReport
from chimed_datasets.sources.files.finding import resolve
from tests.common.packed import libarchive
from tests.known import make
from tests.known.reading import (
    fixture_of,
    has_fixture,
    read_benchmark,
    read_source,
    rows_left_out,
)

LEFT = {"ppmsa-factory": r"/(?:no_)?think", "ticoag-dialogue": r"无$"}
"""What stays in a text though it might go: the entry names it as a defect."""
SOURCES = [name for name in known.names("sources") if has_fixture(name)]
NO_FIXTURE = {"shizhengpt-vision"}
"""Refused by name: nothing of it is read."""
REFUSED = {
    "ceval-medical": "for evaluation",
    "cmmlu-medical": "for evaluation",
    "huatuo-consultation-qa": "web addresses",
    "shizhengpt-vision": "images",
    "tcmbench": "for evaluation",
}
NOT_TAKEN = {
    ("webmedqa", "一岁宝宝晚上磨牙是缺钙吗？"): "no_adopted",  # of its answers none is adopted
}
"""Records that a careful reader could make, and that a rule leaves out."""
PACKED = {"zy-bert-corpus"}
"""A RAR archive, which takes the extra office: it is read as it is and unpacked."""


def texts_of(record: Any) -> list[tuple[str, str]]:
    """Return (who, text) of a record's texts, in their order."""
    if isinstance(record, Document):
        return [("text", record.text)]
    if isinstance(record, QAThread):
        return [("user", record.question), *(("assistant", a.text) for a in record.answers)]
    if isinstance(record, ExamItem):
        options = [(option.letter, option.text) for option in record.options]
        return [("user", f"{record.shared_stem or ''}{record.stem}"), *options]
    said = [(m.role, m.content) for m in record.messages]
    return said + [("assistant", c.text) for c in record.candidates]


def expected_texts(form: dict[str, Any]) -> list[tuple[str, Any]]:
    kind = form["record"]
    if kind == "thread":
        return [("user", form["question"]), *(("assistant", a["text"]) for a in form["answers"])]
    if kind == "exam":
        return [("user", f"{form.get('shared', '')}{form['stem']}"), *form["options"].items()]
    if kind == "document":
        return [("text", form.get("text") or form["parts"])]
    turns = [next((k, v) for k, v in turn.items() if k != "reasoning") for turn in form["turns"]]
    if kind == "preference":
        return turns + [("assistant", text) for text in form["ranked"]]
    if turns[0][0] == "assistant":
        turns = turns[1:]
    return turns[:-1] if turns[-1][0] == "user" else turns


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def holds(text: str, wanted: Any) -> bool:
    """Whether a text is what is wanted; of a list, whether it has all parts in their order."""
    if isinstance(wanted, str):
        return bare(text) == bare(wanted)
    at = 0
    for part in wanted:
        found = bare(text).find(bare(part), at)
        if found < 0:
            return False
        at = found + len(bare(part))
    return True


def fits(record: Any, form: dict[str, Any], left: str = "") -> bool:
    given, wanted = texts_of(record), expected_texts(form)
    if left:
        given = [(who, re.sub(left, "", text)) for who, text in given]
    if [who for who, _ in given] != [who for who, _ in wanted]:
        return False
    return all(holds(text, want) for (_, text), (_, want) in zip(given, wanted, strict=True))


def well_said(record: Any, form: dict[str, Any]) -> Iterator[str]:
    """Yield what a record that fits says wrongly."""
    if "key" in form and not re.search(rf"#{re.escape(str(form['key']))}(~\d+)?$", record.key):
        yield f"key {record.key}, not {form['key']}"
    if form.get("department") and record.department != form["department"]:
        yield f"department {record.department}, not {form['department']}"
    if form["record"] == "thread":
        marks = [a.get("adopted") for a in form["answers"]]
        given = record.answers if isinstance(record, QAThread) else [None] * len(marks)
        if any(m is not None for m in marks) and [a.adopted for a in given] != marks:
            yield f"marks {[a.adopted for a in given]}, not {marks}"
    if form["record"] == "dialogue" and isinstance(record, Dialogue):
        traces = [turn["reasoning"] for turn in form["turns"] if "reasoning" in turn]
        said = [m.reasoning_content for m in record.messages if m.reasoning_content]
        if traces != said:
            yield f"traces {said}, not {traces}"
    if form["record"] == "exam":
        if record.answer != form["answers"]:
            yield f"answers {record.answer}, not {form['answers']}"
        if bare(record.explanation or "") != bare(form.get("explanation", "")):
            yield f"explanation {record.explanation}"
        if "subject" in form and record.subject != form["subject"]:
            yield f"subject {record.subject}, not {form['subject']}"
    for text in form.get("absent", ()):
        if text in repr(record):
            yield f"{text} stands in it"
    if form.get("origin") == "doctor_vs_model" and [c.model for c in record.candidates] != [
        None,
        "BenTsao",
    ]:
        yield "its origin"


def whole_files(made: list[Any]) -> list[Any]:
    """Return documents of one text file as one, as an expectation of a book may have them."""
    books: dict[str, Document] = {}
    for one in made:
        file = one.key.partition("#")[0]
        if file in books:
            books[file].text += "\n" + one.text
        else:
            books[file] = Document(one.key, one.text, one.title)
    return list(books.values())


@pytest.mark.parametrize("name", sorted(set(SOURCES) - REFUSED.keys() - PACKED))
def test_no_row_is_lost_without_a_reason(tmp_path, name):
    form = make.form(fixture_of(name))
    made, files = read_source(name, tmp_path)
    malformed = [one for one in made if isinstance(one, Malformed)]
    records = [one for one in made if not isinstance(one, Malformed)]
    every = [one for each in form["expect"] for one in each.get("several", [each])]
    kinds = {leaf["kind"] for file in form["files"] for leaf in make.leaves(file)}
    if kinds <= {"text", "aside"} and len(every) == form["rows"]:
        records = whole_files(records)
    left_out = rows_left_out(name, files)
    assert not left_out or known.entry("sources", name).omits
    accounted = len(malformed) + left_out
    accounted -= sum(len(each["several"]) - 1 for each in form["expect"] if "several" in each)
    missing = []
    for want in every:
        if "refused" in want:
            continue
        found = next((one for one in records if fits(one, want, LEFT.get(name, ""))), None)
        if found is None:
            missing.append(want)
            continue
        records.remove(found)
        assert list(well_said(found, want)) == []
        accounted += want.get("of", 1)
    for want in missing:
        said = expected_texts(want)[0][1]
        rule = NOT_TAKEN.get((name, said if isinstance(said, str) else said[0]))
        if rule:
            assert rule in {one.rule for one in malformed}
            accounted += want.get("of", 1) - 1
            left_out += 1
    expected_missing = sum(want.get("of", 1) for want in missing)
    assert records == [], f"no expectation fits these; nothing was read that fits {missing}"
    assert accounted == form["rows"], (malformed, missing)
    assert expected_missing <= left_out + sum(want.get("of", 1) - 1 for want in missing), missing


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_build_takes_is_refused_by_name(name, tmp_path):
    with pytest.raises(RecipeError, match=f"'{name}' is refused: .*{REFUSED[name]}"):
        parse({"sources": [{"known": name, "path": str(tmp_path)}]}, tmp_path)


@pytest.mark.parametrize("name", PACKED)
def test_what_takes_libarchive_is_read_packed_and_unpacked(name, tmp_path):
    libarchive()
    packed, _ = read_source(name, tmp_path)
    for want in make.form(name)["expect"]:
        assert any(fits(one, want) for one in packed)
    unpacked = tmp_path / "folder"
    for file in make.form(name)["files"]:
        for leaf in make.leaves(file):
            place = unpacked / leaf["member"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(make.text(name, leaf), "utf-8")
    source = Source.model_validate({"known": name, "path": str(unpacked)})
    files = resolve(source.path, unpacked, tmp_path / "u", source.reader.suffixes, source.files)
    records = whole_files(list(source.reader.read(files, source.options, FileReport())))
    for want in make.form(name)["expect"]:
        assert any(fits(one, want) for one in records)


@pytest.mark.parametrize("name", known.names("benchmarks"))
def test_every_item_of_a_benchmark_is_read(tmp_path, name):
    items = read_benchmark(name, tmp_path)
    stems = Counter(bare(item.stem) for item in items)
    expected = make.form(fixture_of(name, "benchmarks"))["expect"]
    every = [one for each in expected for one in each.get("several", [each])]
    for want in every:
        if want.get("record") == "exam":
            stem = bare(want["stem"])
            assert any(stem in found or found in stem for found in stems), want
    wanted = [one for one in every if "refused" not in one and one["record"] != "thread"]
    assert len(items) >= len(wanted)


@pytest.mark.parametrize("kind", ["sources", "benchmarks"])
def test_entries_are_sound(kind):
    for entry in known.entries(kind):
        assert (entry.path is None) <= entry.page.startswith("https://")
        assert entry.page.startswith("https://")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry.checked.when)
        assert entry.licence.id == entry.licence.id.lower()
        assert "\n" not in repr(entry.as_dict())
    assert {name for name in known.names("sources") if not has_fixture(name)} == NO_FIXTURE
    assert all(has_fixture(name, "benchmarks") for name in known.names("benchmarks"))


def test_the_registry_is_as_large_as_was_promised():
    assert len(known.names("sources")) >= 52
    assert len(known.names("benchmarks")) >= 15
