"""Wiki dumps of known text: MediaWiki XML and CirrusSearch JSON."""

from __future__ import annotations

import bz2
import json
from collections.abc import Callable
from xml.sax.saxutils import escape

from office_docx import GONE, Known

from tests.common.text import prose

_HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="zh">\n'
    "<siteinfo><sitename>维基百科</sitename><dbname>zhwiki</dbname><namespaces>"
    '<namespace key="0"/></namespaces></siteinfo>\n'
)


def page(title: str, text: str, space: int = 0, ident: int = 1, redirect: str = "") -> str:
    led = f'<redirect title="{redirect}"/>' if redirect else ""
    old = f"<revision><id>1</id><text>{GONE}</text></revision>" if ident == 2 else ""
    return (
        f"<page><title>{escape(title)}</title><ns>{space}</ns><id>{ident}</id>{led}{old}"
        f'<revision><id>9</id><contributor><username>{GONE}</username></contributor><text xml:space="preserve">'
        f"{escape(text)}</text></revision></page>\n"
    )


def dump(*pages: str) -> bytes:
    return f"{_HEAD}{''.join(pages)}</mediawiki>\n".encode()


# What is written, and what a reader sees of it.
PIECES = {
    "a link": ("[[慢性病|慢性疾病]]与[[血压]]", "慢性疾病与血压"),
    "a link to a part": ("[[高血压#病因|病因]]，[[药物 (医学)|]]", "病因，药物"),
    "links to other wikis": ("[[en:Blood pressure]][[:en:Blood|血]]", "血"),
    "a file within a sentence": (
        f"心脏[[File:heart.jpg|thumb|200px|{GONE}[[心室]]的[[心脏|图]]]]跳动。[[檔案:a.png|{GONE}]]",
        "心脏跳动。",
    ),
    "notes": (
        f'血压<ref name="a">{GONE}</ref>高<ref name=b />于<ref group="注" name="c" />常',
        "血压高于常",
    ),
    "templates": (
        f"{{{{NoteTA|G1=Medicine}}}}甲{{{{cite web|title={GONE}}}}}乙{{{{not known|{GONE}}}}}",
        "甲乙",
    ),
    "a template with templates": (
        f"{{{{Infobox|名={{{{lang|en|{GONE}}}}}|b=[[{GONE}|x]]}}}}丙",
        "丙",
    ),
    "templates with text": (
        "高血压（{{lang-en|hypertension}}），{{le|收缩压|Systolic|收缩期血压}}{{nowrap|120 mmHg}}",
        "高血压（英语：hypertension），收缩期血压120 mmHg",
    ),
    "empty brackets": ("甲（{{IPA-en|x}}）乙", "甲乙"),
    "plain rule": ("-{龍膽}-草", "龍膽草"),
    "rule of scripts": (
        "-{zh-hans:软件;zh-hant:軟體}-与-{zh-tw:滑鼠;zh-cn:鼠标;zh-hans:鼠標}-",
        "软件与鼠标",
    ),
    "rules that show nothing": (f"-{{H|zh-hans:{GONE};zh-hant:x}}-丁-{{T|zh-hans:{GONE}}}-", "丁"),
    "rule that shows and adds": ("-{A|zh-hans:硬盘;zh-hant:硬碟}-坏了", "硬盘坏了"),
    "rule within a template": ("{{nowrap|-{zh-hans:信息;zh-hant:資訊}-}}。", "信息。"),
    "template within a rule": ("-{zh-hans:{{nowrap|网络}};zh-hant:網路}-。", "网络。"),
    "rule within a rule": ("-{zh-hans:外-{zh-hans:内;zh-hant:x}-;zh-hant:y}-", "外内"),
    "rule within a link": ("[[心脏|-{zh-hans:心脏;zh-hant:心臟}-]]", "心脏"),
    "nowiki": (
        "<nowiki>[[不是链接]]</nowiki>和<nowiki>-{zh-hans:甲}-</nowiki>",
        "[[不是链接]]和-{zh-hans:甲}-",
    ),
    "a formula": ("体重指数<math>m/h^2</math>", "体重指数m/h^2"),
    "a comment": (f"前<!-- {GONE} -{{ -->后", "前后"),
    "style": ("'''粗'''与''斜''<sub>2</sub><br>下一行", "粗与斜2\n下一行"),
    "entities": ("甲&nbsp;乙&mdash;丙&#x4e01;", "甲 乙—丙丁"),
    "outer links": ("[http://a.example 链接]与[http://b.example]", "链接与"),
    "a list": ("* 一\n** 二\n# 三\n; 术语: 解释\n: 缩进", "一\n二\n三\n术语 解释\n缩进"),
    "ruby": ("<ruby>匹<rp>(</rp><rt>音匹</rt><rp>)</rp></ruby>", "匹"),
    "magic words": ("__NOTOC__庚__目录__", "庚"),
    "a gallery": (f"<gallery>\nFile:a.jpg|{GONE}\n</gallery>辛", "辛"),
    "a category": ("[[Category:心血管疾病|血]][[分类:慢性病]]壬", "壬"),
}
_TABLE = """{| class="wikitable" style="width:50%"
|+ 常用药
! 类别 !! style="color:red" | 药名
! 用量
|-
| rowspan="2" | 补气药
| style="text-align:left" | 人参{{efn|GONE}} || 6克
|-
| 黄芪<ref>GONE</ref> || [[克|9克]]
|}""".replace("GONE", GONE)
TABLE = ["常用药", "类别\t药名\t用量", "补气药\t人参\t6克", "补气药\t黄芪\t9克"]


def articles() -> Known:
    a, b, c, d = (prose(n, 200) for n in range(200, 204))
    text = "\n\n".join(piece for piece, _ in PIECES.values())
    seen = "\n".join(shown for _, shown in PIECES.values())
    sections = f"\n== 病因 ==\n{b}\n=== 空 ===\n== 治疗 ==\n{c}\n{_TABLE}\n{d}\n== 参考文献 ==\n{{{{reflist}}}}\n"
    data = dump(
        page("高血压", f"{a}\n\n{text}{sections}", ident=2),
        page("血压高", "#REDIRECT [[高血压]]", ident=3, redirect="高血压"),
        page("Talk:高血压", GONE, space=1, ident=4),
        page("Template:药", GONE, space=10, ident=5),
        page("Category:疾病", GONE, space=14, ident=6),
        page("低血压", f"{d}[[Category:疾病]]", ident=7),
        page("旧重定向", "#重定向 [[高血压]]", ident=8),
    )
    lines = [a, *seen.split("\n"), "病因", b, "治疗", c, *TABLE, d]
    return Known(data, [("高血压", lines), ("低血压", [d])], rows=TABLE[1:])


def articles_bz2() -> Known:
    """A dump in several streams, as the publisher packs it."""
    known = articles()
    middle = known.data.index(b"<page><title>\xe8\xa1\x80")
    packed = bz2.compress(known.data[:middle]) + bz2.compress(known.data[middle:])
    return Known(packed, known.sections, rows=known.rows)


def search() -> Known:
    a, b = prose(210, 300), prose(211, 300)
    rows = [
        {"index": {"_type": "_doc", "_id": "11"}},
        {"title": "糖尿病", "namespace": 0, "text": a, "source_text": GONE, "category": ["内分泌疾病", "慢性病"],
         "redirect": [{"title": GONE}], "heading": [GONE], "auxiliary_text": [GONE], "wiki": "zhwiki"},
        {"index": {"_type": "_doc", "_id": "12"}},
        {"title": "Talk:糖尿病", "namespace": 1, "text": GONE, "category": []},
        {"page_id": 13, "title": "胰岛素", "namespace": 0, "text": f"-{{zh-hans:激素;zh-hant:荷爾蒙}}-{b}"},
    ]  # fmt: skip
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    return Known(data, [("糖尿病", [a]), ("胰岛素", [f"激素{b}"])])


WIKI: dict[str, Callable[[], Known]] = {
    "zhwiki-articles.xml": articles,
    "zhwiki-multistream.xml.bz2": articles_bz2,
}
SEARCH: dict[str, Callable[[], Known]] = {"zhwiki-cirrussearch.json": search}
