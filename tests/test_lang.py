"""The languages: which one is spoken, and a catalogue that holds all that is said."""

from __future__ import annotations

import ast
import gettext
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimed_datasets import lang
from chimed_datasets.cli import app
from chimed_datasets.recipe import parse
from tests import make_catalogue
from tests.test_safety import MODULES

VARIABLES = ("CHIMED_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
SOURCE = {"name": "a", "layout": "qa_csv", "path": "a.csv", "license": "mit"}


@pytest.fixture(autouse=True)
def nobody_asked(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    lang.use(None)
    lang.suggest(None)
    yield
    lang.use(None)
    lang.suggest(None)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """English -> Chinese, as chimed.po has it."""
    return {one.id: one.string for one in make_catalogue.catalogue() if one.id}


# --- which one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LC_MESSAGES": "en_US.UTF-8", "LC_ALL": "zh_CN.GB18030"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
        ({"LANG": "en_US.UTF-8", "CHIMED_LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "CHIMED_LANG": "en"}, "en"),
        ({"CHIMED_LANG": "fr", "LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_what_the_surroundings_ask_for(monkeypatch, variables, spoken):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert lang.language() == spoken


def test_the_order(monkeypatch):
    """The locale, a recipe, CHIMED_LANG, --lang, and a file that has its own: the last one wins."""
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    lang.suggest("zh")
    assert lang.language() == "zh"
    monkeypatch.setenv("CHIMED_LANG", "en")
    assert lang.language() == "en"
    lang.use("zh")
    assert lang.language() == "zh"
    with lang.speaking("en"):
        assert lang.language() == "en"
    assert lang.language() == "zh"


@pytest.mark.parametrize(
    ("given", "found"),
    [("zh", "zh"), ("ZH", "zh"), ("zh-Hans", "zh"), ("zh_CN.UTF-8", "zh"), ("cn", "zh"),
     ("中文", "zh"), ("chinese", "zh"), ("en", "en"), ("en-GB", "en"), ("fr", None), ("", None)],
)  # fmt: skip
def test_names_of_languages(given, found):
    assert lang.named(given) == found


def test_a_recipe_names_its_language():
    recipe = parse({"sources": [SOURCE], "lang": "zh-CN"}, Path())
    assert recipe.lang == "zh"
    assert recipe.model_dump(mode="json")["lang"] == "zh"


def test_a_recipe_without_one_is_written_as_before():
    recipe = parse({"sources": [SOURCE]}, Path())
    assert "lang" not in recipe.model_dump(mode="json")
    assert '"lang"' not in recipe.model_dump_json()


# --- the command line ----------------------------------------------------------------------------

BUILD = "Build pretrain, sft and preference from a recipe's sources."


@pytest.mark.parametrize(
    "line",
    [
        "--lang zh build --help",
        "build --lang zh --help",
        "build --help --lang=zh",
        "--help --lang zh",
    ],
)
def test_help_in_chinese(texts, line):
    said = re.sub(r"\s", "", CliRunner(env={"COLUMNS": "200"}).invoke(app, line.split()).output)
    assert texts[BUILD].replace(" ", "") in said


def test_help_in_english_afterwards():
    CliRunner().invoke(app, ["build", "--lang", "zh", "--help"])
    assert BUILD in CliRunner(env={"COLUMNS": "200"}).invoke(app, ["build", "--help"]).output


def test_a_language_that_is_not_spoken():
    done = CliRunner().invoke(app, ["stats", "--lang", "fr", "x"])
    assert done.exit_code == 2
    assert "Known: en, zh" in done.output


# --- the catalogue -------------------------------------------------------------------------------


def names(function: ast.AST) -> Iterator[ast.Name | ast.arg]:
    """Yield the names of a function, without those of functions and comprehensions in it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Name | ast.arg):
            yield node
        if not isinstance(node, SCOPES):
            yield from names(node)


SCOPES = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def test_what_translates_is_no_variable():
    """A function that throws something away as `_` cannot speak."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, SCOPES):
                own = [n for n in names(node) if (n.arg if isinstance(n, ast.arg) else n.id) == "_"]
                kinds = {isinstance(getattr(one, "ctx", None), ast.Load) for one in own}
                assert len(kinds) < 2, (path.name, node.lineno)


def test_the_catalogue_is_what_the_code_says():
    """Else: ``make lang``, write the Chinese, ``make lang``."""
    settled = make_catalogue.as_po(make_catalogue.settled()).decode()
    assert settled == make_catalogue.PO.read_text("utf-8")


def test_every_text_has_its_chinese(texts):
    assert [text for text, chinese in texts.items() if not chinese] == []


def test_what_is_read_is_compiled_from_it(texts):
    with make_catalogue.MO.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text, chinese in texts.items():
        assert compiled.gettext(text) == (chinese or text)


def fields(text: str) -> set[str]:
    """Return the fields of a text, each with its form: {name!r}, {count:,}."""
    return {
        f"{name}!{how}:{form}"
        for _, name, form, how in string.Formatter().parse(text)
        if name is not None
    }


def test_both_have_the_same_fields(texts):
    for text, chinese in texts.items():
        if chinese and "{" in text:
            assert fields(chinese) == fields(text), text


def test_marks_of_code_stay(texts):
    """Options and commands are no words: they stand in both."""
    for text, chinese in texts.items():
        if chinese:
            options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
            assert options <= set(re.findall(r"--[a-z][a-z-]+", chinese)), text


PUNCTUATION = re.compile(r"[\u4e00-\u9fff][,;!?](?!\d)|[\u4e00-\u9fff]\.(?=\s|$)|[\u4e00-\u9fff]: ")
"""English punctuation behind Chinese."""
GLOSSARY = make_catalogue.ROOT / "docs" / "reference" / "glossary.md"


def not_said() -> set[str]:
    """Return the words for which the glossary has others."""
    cells = re.findall(r"^\|.*\| ([^|]*) \|$", GLOSSARY.read_text("utf-8"), re.M)
    return {word for cell in cells for word in re.findall("[\u4e00-\u9fff]+", cell)} - {"不说"}


def test_the_glossary_is_read():
    assert {"碎片", "重复数据删除"} <= not_said()


def test_it_is_written_as_chinese_is(texts):
    for chinese in texts.values():
        assert not PUNCTUATION.search(re.sub(r"\{\{.*?\}\}", "", chinese)), chinese
        assert not [word for word in not_said() if word in chinese], chinese


CHINESE = ("README.zh-CN.md", "docs/start/first-dataset.zh.md", "docs/reference/recipe.zh.md",
           "cards/dataset_card.zh.md.jinja")  # fmt: skip


@pytest.mark.parametrize("name", CHINESE)
def test_pages_are_written_as_chinese_is(name):
    page = (make_catalogue.ROOT / name).read_text("utf-8")
    bare = re.sub(r"^```.*?^```|`[^`\n]*`|\{[{%].*?[%}]\}", "", page, flags=re.M | re.S)
    assert PUNCTUATION.findall(bare) == []
    assert [word for word in not_said() if word in bare] == []
    if name.endswith(".md"):
        assert BROKEN.findall(bare) == []  # shown as a blank between two characters


BROKEN = re.compile(r"[\u4e00-\u9fff，。；：、）”]\n {0,4}[\u4e00-\u9fff（“\[]")


# --- bytes ---------------------------------------------------------------------------------------


def test_the_bytes_of_a_build_do_not_depend_on_who_reads(tmp_path, monkeypatch):
    """The ledger and the manifest are for machines; the card follows the recipe alone."""
    from chimed_datasets import building, samples
    from chimed_datasets.recipe import load

    made = []
    for spoken in ("en", "zh"):
        monkeypatch.setenv("CHIMED_LANG", spoken)
        out = tmp_path / spoken / "built"
        building.build(load(samples.RECIPE), out, workers=1, limit=20)
        files = (path for path in out.rglob("*") if path.is_file())
        made.append({path.relative_to(out): path.read_bytes() for path in files})
    assert made[0] == made[1]


def test_a_card_in_chinese_is_sound(tmp_path):
    from chimed_datasets import building, samples
    from chimed_datasets.built.checks import validate
    from chimed_datasets.recipe import load

    recipe = load(samples.RECIPE).model_copy(update={"lang": "zh"})
    building.build(recipe, tmp_path / "built", workers=1, limit=5)
    card = (tmp_path / "built" / "README.md").read_text("utf-8")
    assert "## 去污染" in card
    assert "lang: zh" in card
    assert validate(tmp_path / "built") == []


def tags(template: str) -> list[str]:
    """Return what a template asks of the data: its tags without their words."""
    found = re.findall(r"\{[{%].*?[%}]\}", template, re.S)
    bare = (re.sub(r'"[^"]*"', '""', re.sub(r"\s+", " ", tag)) for tag in found)
    return sorted(tag for tag in bare if not re.search(r"\{\{ \"\" if .* (> 1|== 1)", tag))


def test_both_cards_tell_the_same():
    """Plurals aside, which Chinese does not have."""
    english, chinese = (
        (make_catalogue.ROOT / "cards" / f"dataset_card{name}.md.jinja").read_text("utf-8")
        for name in ("", ".zh")
    )
    assert tags(english) == tags(chinese)
    assert len(re.findall("^#+ ", english, re.M)) == len(re.findall("^#+ ", chinese, re.M))


# --- pages ---------------------------------------------------------------------------------------

PAGES = [
    ("README.md", "README.zh-CN.md"),
    ("docs/start/first-dataset.md", "docs/start/first-dataset.zh.md"),
    ("docs/reference/recipe.md", "docs/reference/recipe.zh.md"),
]


def outline(page: str) -> list[str]:
    """Return the levels of a page's headings, and those that are names of keys, in their order."""
    bare = re.sub(r"^```.*?^```", "", page, flags=re.M | re.S)
    found = re.findall(r"^(#+) (.*)$", bare, re.M)
    return [f"{level} {name}" if name.startswith("`") else level for level, name in found]


def code(page: str) -> list[tuple[str, str]]:
    """Return the blocks of a page but for what a command printed, without comments."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page, re.M | re.S)
    return [
        (language, "" if language == "text" else re.sub(r"(^|\s)#.*$", "", text, flags=re.M))
        for language, text in blocks
    ]


@pytest.mark.parametrize(("english", "chinese"), PAGES)
def test_pages_are_kept_together(english, chinese):
    """The same sections and the same code, in the same order."""
    one, other = ((make_catalogue.ROOT / name).read_text("utf-8") for name in (english, chinese))
    assert outline(one) == outline(other)
    assert code(one) == code(other)


def links(page: str) -> list[str]:
    """Return where a page leads, in its order, as if each page there were English."""
    return [
        address.replace(".zh.md", ".md")
        for address in re.findall(r"\]\(([^)\s]+)\)", page)
        if not address.startswith("README")
    ]


@pytest.mark.parametrize(("english", "chinese"), PAGES)
def test_pages_lead_to_the_same(english, chinese):
    one, other = ((make_catalogue.ROOT / name).read_text("utf-8") for name in (english, chinese))
    assert links(one) == links(other)


def test_both_readmes_name_the_same_code():
    named = []
    for name in PAGES[0]:
        bare = re.sub(
            r"^```.*?^```", "", (make_catalogue.ROOT / name).read_text("utf-8"), flags=re.M | re.S
        )
        named.append({" ".join(code.split()) for code in re.findall(r"`([^`]+)`", bare)})
    assert named[0] == named[1]


def keys(page: str) -> list[str]:
    """Return the names in the first column of the tables of a page."""
    return re.findall(r"^\| (\[?`[^|]*`(?:\]\([^)]*\))?) \|", page, re.M)


def test_the_recipe_has_the_same_keys_in_both():
    one, other = ((make_catalogue.ROOT / name).read_text("utf-8") for name in PAGES[-1])
    assert keys(one) == keys(other)


def test_the_citation_is_of_this_version():
    from chimed_datasets import __version__

    cited = (make_catalogue.ROOT / "CITATION.cff").read_text("utf-8")
    assert f"version: {__version__}\n" in cited
