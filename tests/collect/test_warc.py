"""Web archives: what becomes of each record, how much main text is kept, and whole builds."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
import zstandard

import chimed_datasets as chimed
from chimed_datasets.collect.examples import PLATFORM
from chimed_datasets.collect.examples.content import THREADS
from chimed_datasets.collect.examples.site import platform
from chimed_datasets.errors import BuildError, RecipeError, SourceError
from chimed_datasets.recipe import parse
from chimed_datasets.records import Document, Malformed, QAThread
from chimed_datasets.sources.site.pages import element_text, main_text
from chimed_datasets.sources.site.pages import parse as parse_page

from archives import PAGES, archived, bare, kept, record, served  # isort: skip
from tests.common.files import write_jsonl
from tests.sources.layout_reading import outcome, read

COUGH = "咳嗽超过三周，或者痰中带血、发热不退、活动后气促，应当到呼吸科就诊。"
PAGE = f"<html><body><h1>咳嗽</h1><p>{COUGH}</p><p>{COUGH[:20]}</p></body></html>".encode()
PACKED = gzip.compress(PAGE)
CHUNKS = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (9, PACKED[:9], len(PACKED) - 9, PACKED[9:])
GZIP = "Content-Encoding: gzip\r\n"
JAPANESE = "高血圧は自覚症状が少ない病気ですが、放置すると脳卒中や心筋梗塞の原因になります。" * 3


def page(text: str) -> bytes:
    return f"<html><body><p>{text}</p></body></html>".encode()


# --- which pages, and which texts ------------------------------------------------------------


def test_pages_are_chosen_and_their_texts_cut(tmp_path):
    found = [record("http://a/1", PAGE), record("http://b/2", PAGE)]
    (tmp_path / "a.warc").write_bytes(b"".join(found))
    own = {"where": "url has '//b/' and title == 咳嗽", "strip": {"text": ["咳嗽", "咳嗽"]}}
    one, two = read("warc", tmp_path / "a.warc", **own)
    assert (one.key, one.rule) == ("a.warc#0", "not_selected")
    assert one.evidence == f"where {own['where']}: url is 'http://a/1', title is '咳嗽'"
    assert isinstance(two, Document)
    assert two.text.startswith(COUGH[2:])
    with pytest.raises(RecipeError, match=r"there is no 'adress'\. Known: date, text, title, url"):
        read("warc", tmp_path / "a.warc", where="adress has a")


def test_a_condition_may_ask_for_what_the_pages_of_a_site_have(tmp_path):
    for number in range(len(THREADS)):
        (tmp_path / f"{number:02d}.html").write_bytes(platform_page(number))
    every = read("html", tmp_path, site=str(PLATFORM))
    asked = every[0].department
    own = {"site": str(PLATFORM), "where": f"department == '{asked}'"}
    made = read("html", tmp_path, **own)
    assert [m for m in made if isinstance(m, QAThread)] == [
        m for m in every if m.department == asked
    ]
    assert {m.rule for m in made if isinstance(m, Malformed)} == {"not_selected"}
    with pytest.raises(RecipeError, match="Did you mean 'department'"):
        read("html", tmp_path, site=str(PLATFORM), where="departmnt == a")


def platform_page(number: int) -> bytes:
    return served(platform, f"/question/{number}").body


# --- one record ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "becomes"),
    [
        (record("http://a/1", PAGE), "Document"),
        (record("http://a/1", PAGE, status="404 Not Found"), "status_404"),
        (record("http://a/1", PAGE, status="301 Moved"), "status_301"),
        (record("http://a/1", b"GIF89a", content_type="image/gif"), "not_html"),
        (record("http://a/1", PAGE, content_type=""), "Document"),
        (record("http://a/1", CHUNKS, headers=f"Transfer-Encoding: chunked\r\n{GZIP}"), "Document"),
        (record("http://a/1", b"no gzip at all", headers=GZIP), "damaged"),
        (record("http://a/1", PAGE, headers=GZIP), "Document"),
        (record("http://a/1", PAGE, headers="Content-Encoding: br\r\n"), "Document"),
        (record("http://a/1", PAGE, headers="Content-Encoding: deflate\r\n"), "Document"),
        (record("http://a/1", PAGE, headers=f"Transfer-Encoding: chunked\r\n{GZIP}"), "Document"),
        (record("http://a/1", PAGE, headers="Transfer-Encoding: chunked\r\n"), "Document"),
        (record("http://a/1", PACKED, headers=f"Transfer-Encoding: chunked\r\n{GZIP}"), "Document"),
        (record("http://a/1", CHUNKS, headers=GZIP), "Document"),
        (record("http://a/1", CHUNKS), "Document"),
        (record("http://a/1", PACKED), "Document"),
        (record("http://a/1", PACKED[:-30], headers=f"Transfer-Encoding: chunked\r\n{GZIP}"),
         "damaged"),
        (record("http://a/1", gzip.compress(b"0" * 70_000_000), headers=GZIP), "too_long"),
        (record("http://a/1", PAGE)[:-60], "truncated"),
        (record("http://a/1", "没有头".encode(), http=False), "no_text"),
        (record("http://a/1", b"", http=True), "no_text"),
        (record("http://a/1", PAGE, kind="resource", content_type="text/html", http=False),
         "Document"),
        (record("http://a/1", COUGH.encode(), kind="conversion", content_type="text/plain",
                http=False), "Document"),
        (record("http://a/1", page("Hypertension is common. " * 9)), "not_chinese"),
        (record("http://a/1", page(JAPANESE)), "not_chinese"),
        (record("http://a/1", page("고혈압은 증상이 거의 없다 高血壓 " * 9)), "not_chinese"),
        (record("http://a/1", page(COUGH * 2 + "ロキソニン")), "Document"),
        (record("http://a/1", page("久咳不已，三焦受之，其狀咳而腹滿，不欲食飲，此皆聚於胃，關於肺。")),
         "Document"),
        (record("http://a/1", page("咳嗽")), "no_text"),
        (record("http://a/1", COUGH.encode("gb18030"), content_type="text/html"), "Document"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_record(tmp_path, made, becomes):
    (tmp_path / "a.warc").write_bytes(record("", b"x", kind="warcinfo", http=False) + made)
    (found,) = read("warc", tmp_path / "a.warc")
    assert (found.rule if isinstance(found, Malformed) else type(found).__name__) == becomes
    if isinstance(found, Malformed):
        assert "http://a/1" in found.evidence
    else:
        assert COUGH[:8] in found.text or "久咳" in found.text
        assert found.metadata == {"url": "http://a/1", "date": "2024-05-01"}


def test_a_bad_record_is_its_own_loss_alone(tmp_path):
    """Whatever stands between two good records, the second is read."""
    bad = [
        record("http://a/2", b"no gzip at all", headers=GZIP),
        record("http://a/3", b"no brotli either", headers="Content-Encoding: br\r\n"),
        record("http://a/4", "没有头".encode(), http=False, content_type="application/http"),
        record("http://a/5", b"\0\xff" * 500),
        record("http://a/6", b"<p>" * 100_000),
        record("", b"x", kind="request"),
    ]
    good = record("http://a/1", PAGE)
    (tmp_path / "a.warc").write_bytes(b"".join([good, *bad, good]))
    made = read("warc", tmp_path / "a.warc")
    assert [type(m) for m in made] == [Document, *[Malformed] * 5, Document]
    assert [m.key for m in made] == [f"a.warc#{n}" for n in range(7)]


def test_compressed_archives_say_the_same(tmp_path):
    records = [record(f"http://a/{k}", bare(p.read_text("utf-8")).encode()) for k, p in
               enumerate(PAGES)]  # fmt: skip
    packs = {"warc": bytes, "warc.gz": gzip.compress, "warc.zst": zstandard.compress}
    made = {}
    for name, pack in packs.items():
        (tmp_path / f"a.{name}").write_bytes(b"".join(map(pack, records)))
        found = read("warc", tmp_path / f"a.{name}")
        made[name] = [(m.key.partition("#")[2], m.title, m.text) for m in found]
    assert len(made["warc"]) == len(PAGES)
    assert made["warc"] == made["warc.gz"] == made["warc.zst"]


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("wet", bytes), ("wet.gz", gzip.compress), ("wet.zst", zstandard.compress),
     ("warc.wet.gz", gzip.compress)],
)  # fmt: skip
def test_texts_of_a_wet_archive(tmp_path, ending, pack):
    """A crawl's own conversions, each record packed for itself, as Common Crawl has them."""
    texts = [COUGH, f"{COUGH}\n二、三天后复诊。", "Hypertension is common. " * 9]
    records = [
        record(f"http://a/{n}", text.encode(), "conversion", content_type="text/plain", http=False)
        for n, text in enumerate(texts)
    ]
    about = record("", b"software: x", kind="warcinfo", http=False)
    (tmp_path / f"a.{ending}").write_bytes(b"".join(map(pack, [about, *records])))
    made = read("warc", tmp_path)
    assert [getattr(m, "text", None) for m in made] == [*texts[:2], None]
    assert made[2].rule == "not_chinese"
    assert made[0].metadata["url"] == "http://a/0"


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_an_archive_cut_off_is_told(tmp_path, cut):
    """A compressed one stops the build, as any damaged file; in a plain one the rest is whole."""
    whole = gzip.compress(record("http://a/1", PAGE) * 9)
    (tmp_path / "a.warc.gz").write_bytes(whole[:-cut] if cut < len(whole) else whole[:50])
    with pytest.raises(SourceError, match=r"a\.warc\.gz: cannot be read"):
        read("warc", tmp_path / "a.warc.gz")


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "a.warc").write_bytes(b"hello, this is no archive\n" * 99)
    assert outcome(read("warc", tmp_path / "a.warc")) == [("0", "no_records")]


# --- main text -------------------------------------------------------------------------------


def measured(extract) -> tuple[float, float]:
    """Return the mean shares of main text kept, and of what is none in the output."""
    found = [kept(p.read_text("utf-8"), extract(bare(p.read_text("utf-8"))) or "") for p in PAGES]
    share, foreign = np.mean(found, axis=0)
    return float(share), float(foreign)


def ours(text: str) -> str:
    return main_text(text, element_text(parse_page(text).root))


def test_main_text_keeps_what_medicine_needs():
    share, foreign = measured(ours)
    assert share > 0.99
    assert foreign < 0.2
    everything, menus = measured(lambda text: element_text(parse_page(text).root))
    assert everything == 1
    assert menus > foreign


def test_the_figures_of_the_documents():
    """docs/why/main-text.md compares extractors over these pages; the table is what they give."""
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text

    ways = {
        "as we do": ours,
        "trafilatura": lambda t: trafilatura.extract(t, include_comments=False),
        "trafilatura, precision": lambda t: trafilatura.extract(t, favor_precision=True),
        "resiliparse": lambda t: extract_plain_text(t, main_content=True, list_bullets=False),
        "the whole page": lambda t: element_text(parse_page(t).root),
    }
    page = (Path(__file__).parents[2] / "docs" / "why" / "main-text.md").read_text("utf-8")
    told = {
        name: (float(share), float(foreign))
        for name, share, foreign in re.findall(r"^\| ([^|]+) \| ([\d.]+) % \| ([\d.]+) % \|", page,
                                               re.M)
    }  # fmt: skip
    assert set(told) == set(ways)
    for name, extract in ways.items():
        share, foreign = (100 * figure for figure in measured(extract))
        # Other versions of the packages may move them a little.
        assert abs(told[name][0] - share) < 3, name
        assert abs(told[name][1] - foreign) < 5, name


def test_lines_stay_lines():
    by_name = {p.stem: ours(bare(p.read_text("utf-8"))) for p in PAGES}
    assert "二诊：三月十二。" in by_name["case_pre"].split("\n")[4]  # <pre>
    assert "4～6岁 16～21公斤 一片" in by_name["dose_table"].split("\n")
    assert "面色苍白、指甲变薄" in by_name["encyclopedia"].split("\n")


# --- with a site file ------------------------------------------------------------------------


def site_yaml(folder: Path) -> Path:
    content = yaml.safe_load(PLATFORM.read_text("utf-8"))
    content |= {"start_urls": ["http://qa.test/"], "allowed_domains": ["qa.test"]}
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


def test_threads_of_an_archived_platform(tmp_path):
    paths = [f"/question/{number}" for number in range(len(THREADS))]
    records = archived("qa.test", platform, [*paths, "/list/?page=1", "/question/unanswered"])
    records += archived("other.test", platform, ["/question/0"])
    (tmp_path / "a.warc.gz").write_bytes(b"".join(map(gzip.compress, records)))
    made = read("warc", tmp_path / "a.warc.gz", site=str(site_yaml(tmp_path)))
    threads, rest = made[: len(THREADS)], made[len(THREADS) :]
    for thread, told in zip(threads, THREADS, strict=True):
        assert isinstance(thread, QAThread)
        assert thread.title == told.title
        assert sorted(a.text for a in thread.answers) == sorted(told.answers)
        assert [a.text for a in thread.answers if a.adopted] == (
            [] if told.best is None else [told.answers[told.best]]
        )
    assert [m.rule for m in rest] == ["no_rule", "no_answer", "no_rule"]


def test_a_missing_package_stops_the_recipe(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastwarc", None)
    with pytest.raises(chimed.ChimedError, match=r"fastwarc.*chimed-datasets\[collect\]"):
        parse({"sources": [web(tmp_path)], "stages": {"relevance": False}}, tmp_path)


# --- relevance -------------------------------------------------------------------------------

ILLS = ["头痛", "咳嗽", "胃胀", "失眠", "腰酸", "皮疹", "便秘", "心悸", "耳鸣", "膝痛"]
CARE = ["到门诊量血压", "多喝温水，少吃辛辣", "按疗程服药，不要自行停药", "先拍片再决定", "热敷并卧床休息",
        "复查血常规", "注意有没有发热", "忌烟酒，早些睡"]  # fmt: skip
THINGS = ["图书馆", "球队", "列车", "手机", "番茄", "租约", "电影", "展览", "桥梁", "菜谱"]
NEWS = ["今天上午对外开放，参观的人排起长队", "比上个月便宜了两成，店家说还会再降", "将在下周公布新的安排",
        "吸引了许多年轻人前来拍照", "由志愿者负责维护和讲解", "要先在网上登记再领取号码", "比原计划提前了十天",
        "换了新的屏幕和电池"]  # fmt: skip


def texts(things: list[str], said: list[str], number: int) -> list[str]:
    rng = np.random.default_rng(number)
    return [
        f"关于{things[k % len(things)]}的第{k}件事：" + "；".join(rng.permutation(said)[:4]) + "。"
        for k in range(number)
    ]


def web(folder: Path, **more) -> dict:
    return {"name": "web", "layout": "warc", "path": "web.warc", "license": "cc0-1.0"} | more


@pytest.fixture
def sources(tmp_path) -> list[dict]:
    """A web archive with medicine and news, a medical source, a general one."""
    for name, things, said in (("medical", ILLS, CARE), ("general", THINGS, NEWS)):
        rows = [{"text": text} for text in texts(things, said, 120)]
        write_jsonl(tmp_path / f"{name}.jsonl", rows)
    pages = [*texts(ILLS, CARE[::-1], 31)[-11:], *texts(THINGS, NEWS[::-1], 29)[-9:]]
    records = [record(f"http://w/{k}", page(f"{text}（网页{k}）")) for k, text in enumerate(pages)]
    (tmp_path / "web.warc").write_bytes(b"".join(records))
    shared = {"layout": "jsonl", "license": "cc0-1.0", "kind": "document",
              "fields": {"text": "text"}}  # fmt: skip
    return [
        web(tmp_path),
        shared | {"name": "medical", "path": "medical.jsonl"},
        shared | {"name": "general", "path": "general.jsonl", "domain": "general"},
    ]


OFF = {"deduplicate": False, "filter": {"no_content": []}}  # texts much alike, that say little


def test_what_is_not_about_medicine_is_refused(tmp_path, sources):
    lines = []
    recipe = parse({"name": "w", "sources": sources, "stages": OFF}, tmp_path)
    manifest = chimed.build(recipe, tmp_path / "built", tell=lines.append)
    assert chimed.validate(tmp_path / "built") == []
    assert manifest["dropped"]["web"] == {"relevance": {"not_medical": 9}}
    told = manifest["measured"]["learnt"]["relevance"]
    assert told["judged"] == 20
    assert told["precision"] >= 0.95
    assert told["recall"] >= 0.9
    (line,) = (line for line in lines if line.startswith("relevance: precision"))
    assert f"on {sum(told['held_out'].values())} held-out records" in line
    assert {s["name"]: s["out"] for s in manifest["sources"]} == {
        "web": 11, "medical": 120, "general": 120,
    }  # fmt: skip


def test_the_general_texts_need_not_stay(tmp_path, sources):
    stages = OFF | {"relevance": {"keep_general": False}}
    recipe = parse({"name": "w", "sources": sources, "stages": stages}, tmp_path)
    manifest = chimed.build(recipe, tmp_path / "built")
    assert chimed.validate(tmp_path / "built") == []
    assert manifest["dropped"]["general"] == {"relevance": {"general_text": 120}}


def test_the_same_bytes_with_two_workers(tmp_path, sources):
    recipe = parse({"name": "w", "sources": sources, "stages": {"label": True}}, tmp_path)
    prints = {chimed.build(recipe, tmp_path / f"b{n}", workers=n)["fingerprint"] for n in (1, 2)}
    assert len(prints) == 1


def test_a_duplicate_is_kept_where_its_twin_is_refused(tmp_path, sources):
    """A refused page is nobody's twin: the medical source has the same words."""
    text = texts(THINGS, NEWS, 200)[-1]
    rows = [{"text": one} for one in (*texts(ILLS, CARE, 120), text)]
    write_jsonl(tmp_path / "medical.jsonl", rows)
    (tmp_path / "web.warc").write_bytes(record("http://w/1", page(text)))
    recipe = parse({"name": "w", "sources": sources}, tmp_path)
    manifest = chimed.build(recipe, tmp_path / "built")
    assert chimed.validate(tmp_path / "built") == []
    assert manifest["dropped"]["web"] == {"relevance": {"not_medical": 1}}


@pytest.mark.parametrize(
    ("keep", "stages", "message"),
    [
        ((0, 1), {}, "web cannot be judged without a source with domain: general"),
        ((0, 2), {}, "web cannot be judged without a medical source"),
        ((0,), {}, "cannot be judged without"),
        ((0, 1, 2), {"relevance": {"sources": ["wbe"]}}, "unknown source 'wbe'. Did you mean"),
    ],
)
def test_nothing_to_learn_from_stops_the_recipe(tmp_path, sources, keep, stages, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        parse({"sources": [sources[k] for k in keep], "stages": stages}, tmp_path)


def test_switched_off_it_asks_for_nothing(tmp_path, sources):
    recipe = parse({"sources": sources[:1], "stages": {"relevance": False}}, tmp_path)
    manifest = chimed.build(recipe, tmp_path / "built")
    assert manifest["measured"]["learnt"]["relevance"] is None


def test_too_little_to_learn_from(tmp_path, sources):
    lines = (tmp_path / "general.jsonl").read_text("utf-8").splitlines()[:20]
    (tmp_path / "general.jsonl").write_text("\n".join(lines), "utf-8")
    recipe = parse({"name": "w", "sources": sources, "stages": OFF}, tmp_path)
    with pytest.raises(BuildError, match="general texts to learn from, 50 are needed"):
        chimed.build(recipe, tmp_path / "built")


def test_sides_that_cannot_be_told_apart(tmp_path, sources):
    (tmp_path / "general.jsonl").write_text((tmp_path / "medical.jsonl").read_text("utf-8"))
    recipe = parse({"name": "w", "sources": sources, "stages": OFF}, tmp_path)
    with pytest.raises(BuildError, match="no margin tells medicine from general text"):
        chimed.build(recipe, tmp_path / "built")
