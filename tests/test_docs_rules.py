"""built/reasons.json has a sentence for every rule that the code writes, and no other; the reference
page, `explain`, `show` and the card say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from chimed_datasets.built.reasons import reason, reasons
from docs import rules_page
from tests.common import rules

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reference" / "drop-rules.md").read_text("utf-8")
# Where the rules of a section are written. The other rooms write none, as a test below sees to.
WRITTEN = {
    "read": ["chimed_datasets/sources"],
    "takedown": ["chimed_datasets/recipe"],
    "clean": ["chimed_datasets/stages/clean.py", "chimed_datasets/stages/text"],
    "filter": ["chimed_datasets/stages/filter.py"],
    "decontaminate": ["chimed_datasets/stages/leaks"],
    "relevance": ["chimed_datasets/building/decide/relevance.py"],
    "passages": ["chimed_datasets/building/decide/passages.py"],
    "deduplicate": ["chimed_datasets/building/decide/keep.py"],
    "sft": ["builders/sft.py"],
    "exam": ["chimed_datasets/rows/exams.py", "builders/exam.py"],
    "preference": ["chimed_datasets/rows/pairs.py", "builders/preference.py"],
    "unpaired": ["chimed_datasets/rows/unpaired.py", "builders/unpaired.py"],
    "generate": ["chimed_datasets/generate"],
    "export": ["chimed_datasets/export"],
}
# No loss: the record has a wider pair; a dry run writes no ledger; a badge or a line of the page is cut,
# nothing is dropped.
NEVER_IN_A_LEDGER = {"other_pair", "not_asked", "badge", "page_lines"}


def rules_of(*places: str) -> set[str]:
    found = set()
    for place in places:
        path = ROOT / place
        found |= rules.of_files(path) if path.is_dir() else rules.of_text(path.read_text("utf-8"))
    return found - NEVER_IN_A_LEDGER


def on_page(section: str) -> dict[str, str]:
    """Return rule -> sentence of a section."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M))


@pytest.mark.parametrize("section", WRITTEN)
def test_the_page_has_the_rules_of_the_code(section):
    assert set(on_page(section)) == rules_of(*WRITTEN[section])


def test_no_rule_is_written_elsewhere():
    everywhere = rules_of("chimed_datasets", "builders")
    assert everywhere - rules_of("chimed_datasets/collect") == {
        r for s in WRITTEN for r in on_page(s)
    }


def test_the_reasons_of_a_crawl():
    tree = ast.parse((ROOT / "chimed_datasets" / "collect" / "crawl.py").read_text("utf-8"))
    (meanings,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MEANINGS"
    )
    assert isinstance(meanings, ast.Dict)
    assert set(on_page("collect")) == set(map(ast.literal_eval, filter(None, meanings.keys)))


def test_the_page_says_what_the_list_says():
    assert rules_page.page(PAGE) == PAGE, "python docs/rules_page.py"
    assert [*reasons()] == re.findall(r"^## (\w+)$", PAGE, re.M)
    for section, sentences in reasons().items():
        assert on_page(section) == sentences


def test_a_changed_sentence_comes_to_the_page():
    section, rule = "filter", "too_long"
    old = reasons()[section][rule]
    assert rules_page.page(PAGE.replace(old, "Something else.")) == PAGE


def test_every_rule_has_one_plain_sentence():
    for section, sentences in reasons().items():
        for rule, sentence in sentences.items():
            assert sentence[0].isupper() or sentence[0] == "`", rule
            assert sentence.endswith("."), rule
            assert len(sentence) < 130, rule
            assert reason(section, rule) == sentence.replace("`", ""), rule


@pytest.mark.parametrize(
    ("stage", "rule", "said"),
    [
        ("read", "status_503", "A web server answered with status 503, not with 200."),
        ("sft", "few_options", "Fewer than two options are left."),
        ("sft", "needs_image", "Nobody can answer the exam item without its picture."),
        ("guest", "odd", "The stage guest dropped it by its own rule odd."),
    ],
)
def test_reasons(stage, rule, said):
    assert reason(stage, rule) == said


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('raise RowError("no_answer", text)', {"no_answer"}),
        ('yield Malformed(key, "too_long", why)', {"too_long"}),
        ('Malformed(key, f"status_{code}", url)', {"status_N"}),
        ('wrong = "csv_quote" if open else ""\nMalformed(key, wrong, line)', {"csv_quote"}),
        ('rule, why = "task_error", "x"\nDrop("", rule, why)', {"task_error"}),
        ('refused[row] = ("no_reply", "x")', {"no_reply"}),
        ('rule = np.full(len(gone), "contained")', {"contained"}),
        ('bad.setdefault(at, ("run", figure))', {"run"}),
        ('yield at, ("symbols", figure)', {"symbols"}),
        ('checks.length("answer", text, 1, 2)', {"answer_length"}),
        ('RowError(error.rule, "no_answer")', set()),
    ],
)
def test_how_rules_are_found(code, found):
    assert rules.of_text("def f():\n    " + code.replace("\n", "\n    ")) == found
