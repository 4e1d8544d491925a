"""The simplify stage: what is converted, what a simplified text keeps, which terms are safe."""

from __future__ import annotations

import itertools

import opencc
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.errors import RecipeError
from chimed_datasets.records import Answer, Dialogue, Document, Message, QAThread, ledger
from chimed_datasets.settings import checked
from chimed_datasets.stages.simplify import LAWFUL, Simplify, clause_ends, script_tables
from tests.common.files import read_jsonl
from tests.common.seconds import cpu_seconds
from tests.common.stages import OnTables, batch_of

simplify = OnTables(Simplify())
plain = opencc.OpenCC("t2s").convert
to_traditional = opencc.OpenCC("s2t").convert
TRADITIONAL = "太陽之為病，脈浮，頭項強痛而惡寒。"
SIMPLIFIED = "太阳之为病，脉浮，头项强痛而恶寒。"
LONG = SIMPLIFIED * 4
PHRASES = ["瞭解", "深沈", "回覆", "一目瞭然", "乾坤", "頭髮", "憑藉着", "土坏", "么麼", "陰陰沈沈"]


def text_of(text: str) -> str:
    return simplify(batch_of(Document("k", text))).batch["text"][0].as_py()


def in_traditional(text: str) -> str:
    """The text inside a passage of traditional script."""
    done = text_of(f"{TRADITIONAL}{text}。{TRADITIONAL}")
    assert done.startswith(SIMPLIFIED)
    assert done.endswith(SIMPLIFIED)
    return done[len(SIMPLIFIED) : -len(SIMPLIFIED) - 1]


def in_simplified(text: str) -> str:
    """The text inside a passage of simplified script."""
    done = text_of(f"{LONG}{text}。{LONG}")
    assert done.startswith(LONG)
    assert done.endswith(LONG)
    return done[len(LONG) : -len(LONG) - 1]


# --- what is converted ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        (TRADITIONAL, SIMPLIFIED),
        ("乾薑、白朮、茯苓", "干姜、白术、茯苓"),
        ("口乾舌燥，乾嘔", "口干舌燥，干呕"),
        ("胸中鬱熱，懊憹不得眠", "胸中郁热，懊憹不得眠"),
        ("頭髮與發熱，麵與面", "头发与发热，面与面"),
        ("於後", "于后"),
        ("黃耆", "黄耆"),
        ("徵兆", "征兆"),
        ("浮沈遲數", "浮沉迟数"),
        ("足陽明胃經脈", "足阳明胃经脉"),
    ],
)
def test_traditional_script(text, converted):
    assert in_traditional(text) == converted


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("眼黃，尿黃", "眼黄，尿黄"),
        ("口眼喎斜，瘛瘲", "口眼㖞斜，瘛疭"),
        ("神麴、酒麴", "神曲、酒曲"),
        ("由於什麽原因，然後", "由于什么原因，然后"),
        ("檢査", "检查"),
        ("創口癒合，腰痠", "创口愈合，腰酸"),
    ],
)
def test_stray_characters_in_simplified_script(text, converted):
    assert in_simplified(text) == converted


@pytest.mark.parametrize(
    "text",
    [
        "乾元资始，乾健不息，乾隆五十年，清乾嘉年间",
        "沈括、苏轼、沈金鳌",
        "角徵宫商羽，少徵之运",
        "藉此一往，慰藉，狼藉",
        "数重覆之，反覆再三",
        "土坏而不能制其水，根本一坏",
        "显著，著作，合著",
        "甚夥，拚死吃河豚，哪吒",
        "芸薹子、蒜薹",
        "癥瘕积聚",
        "磺胺甲噁唑，二噁英",
        "身瞤动，心中懊憹，膹郁",
        "魏徵，毕昇，袷袢",
        "黄耆建中汤",
        "诊断明瞭，眼睛瞭望",
        "苧烯",
    ],
)
def test_simplified_text_is_never_rewritten(text):
    """Even with a stray character beside it, which is converted."""
    assert text_of(text) == text
    assert in_simplified(text + "，眼黃") == text + "，眼黄"


@pytest.mark.parametrize(
    "text", ["乾健", "少徵", "藉此", "数重覆", "土坏", "甚夥", "芸薹", "癥瘕", "懊憹", "瞤动"]
)
def test_plain_t2s_would_rewrite_such_text(text):
    assert plain(text) != text


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("肢體麻痺，睪丸腫痛", "肢体麻痹，睾丸肿痛"),
        ("小兒痲痺，敍述病史", "小儿麻痹，叙述病史"),
        ("注意衞生，化粧品", "注意卫生，化妆品"),
        ("望著窗外，緊接著，著涼", "望着窗外，紧接着，着凉"),
        ("胚胎著床，固著於骨，不必著急", "胚胎着床，固着于骨，不必着急"),
        (
            "李時珍著《本草綱目》，此書為名著，療效顯著",
            "李时珍著《本草纲目》，此书为名著，疗效显著",
        ),
        ("此節更著其變，既著麻黃之治矣", "此节更著其变，既著麻黄之治矣"),
        ("濕邪故著於肌表", "湿邪故着于肌表"),
        ("葉桂著，門人錄", "叶桂著，门人录"),
        ("主治醫師：王著民", "主治医师：王著民"),
        ("脈沈細，血沈快，沈澱", "脉沉细，血沉快，沉淀"),
        ("沈括、沈金鰲", "沈括、沈金鳌"),
    ],
)
def test_characters_of_taiwan_and_hong_kong(text, converted):
    assert in_traditional(text) == converted
    assert in_simplified("显著，看著，沈括") == "显著，看著，沈括"


@pytest.mark.parametrize(
    ("region", "converted"),
    [
        ("auto", "麻痹，卫生，看着"),
        ("tw", "麻痹，衞生，看着"),
        ("hk", "麻痺，卫生，看着"),
        ("none", "麻痺，衞生，看著"),
    ],
)
def test_regions(region, converted):
    stage = OnTables(Simplify(region=region))
    done = stage(batch_of(Document("k", f"{TRADITIONAL}麻痺，衞生，看著"))).batch["text"][0].as_py()
    assert done == SIMPLIFIED + converted


def test_variants_and_words_are_options():
    text = f"{TRADITIONAL}欬逆脇痛，攝護腺，C型肝炎"
    assert text_of(text) == f"{SIMPLIFIED}欬逆脇痛，摄护腺，C型肝炎"
    stage = OnTables(Simplify(classics=True, words=True))
    once = stage(batch_of(Document("k", text)))
    assert once.batch["text"][0].as_py() == f"{SIMPLIFIED}咳逆胁痛，前列腺，丙型肝炎"
    assert once.counts["words"] == 2
    assert stage(once.batch).batch.equals(once.batch)


@pytest.mark.parametrize(
    "text", ["漢方では芍薬甘草湯を用いる。體質を見る。", "處方은 醫師와 상담한다."]
)
def test_japanese_and_korean_stay(text):
    result = simplify(batch_of(Document("k", text), Document("l", TRADITIONAL)))
    assert result.batch["text"].to_pylist() == [text, SIMPLIFIED]
    assert result.counts["other_language"] == 1


@given(
    st.lists(st.sampled_from([*PHRASES, *"，。、：\n a1「」々〇", "氣血", "沈", "癥"]), max_size=20)
)
def test_clauses_are_converted_as_in_their_text(parts):
    """No phrase of OpenCC's reaches beyond a clause, so that a clause is enough to look at."""
    text = "".join(parts)
    ends = clause_ends()
    cut = [i for i, c in enumerate(text) if ends[ord(c)]]
    clauses = [text[i:j] for i, j in itertools.pairwise([0, *cut, len(text)])]
    assert "".join(map(plain, clauses)) == plain(text)


# --- protected terms ------------------------------------------------------------------------------


def spellings() -> list[tuple[str, str]]:
    terms = script_tables().terms
    return [("".join(map(chr, t.spelling)), "".join(map(chr, t.right))) for t in terms]


@pytest.mark.parametrize(("spelling", "right"), spellings())
def test_every_protected_term_is_right_in_either_script(spelling, right):
    assert in_traditional(spelling) == right
    assert in_traditional(right) == right
    if spelling == right:
        assert in_simplified(f"{spelling}，眼黃") == f"{right}，眼黄"


def test_no_term_is_listed_twice_or_in_vain():
    found = [spelling for spelling, _ in spellings()]
    assert len(found) == len(set(found))
    folded = script_tables().simplified
    for spelling, right in spellings():
        by_character = "".join(chr(folded[ord(c)]) for c in spelling)
        assert {by_character, plain(spelling), plain(to_traditional(spelling))} != {right}


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("癥瘕積聚", "癥瘕积聚"),
        ("破癥塊", "破癥块"),
        ("癥狀，敗血癥", "症状，败血症"),
        ("纖維化癥", "纤维化症"),
        ("宮商角徵羽", "宫商角徵羽"),
        ("太徵之運，少徵同化", "太徵之运，少徵同化"),
        ("乾為天，乾健", "乾为天，乾健"),
        ("乾隆年間", "乾隆年间"),
        ("蕓薹、芸薹", "芸薹、芸薹"),
        ("於朮、於潛", "於术、於潜"),
        ("至於術後", "至于术后"),
        ("磺胺甲噁唑，噁心", "磺胺甲噁唑，恶心"),
        ("以衣被重覆之，重覆汗出", "以衣被重覆之，重覆汗出"),
        ("筋惕肉瞤", "筋惕肉瞤"),
        ("諸氣膹鬱", "诸气膹郁"),
    ],
)
def test_terms_in_context(text, converted):
    assert in_traditional(text) == converted


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # in simplified text, and in traditional
        (["癥瘕之病，癥者有形可征，瘕者无形可征。"], ["癥瘕之病，癥者有形可征，瘕者无形可征。"]),
        (["癥瘕之病，癥者有形，瘕者無形。"], ["癥瘕之病，癥者有形，瘕者无形。"]),
        (["何谓癥块？", "癥，腹中之块也。"], ["何谓癥块？", "癥，腹中之块也。"]),
        # nothing says that 癥 is meant, or something says that it is not
        (["癥者，病之所见也。"], ["症者，病之所见也。"]),
        (["癥瘕之癥状，血癥。"], ["癥瘕之症状，血症。"]),
        (["癥瘕病之癥结，癥者有形。"], ["癥瘕病之症结，癥者有形。"]),
        (["癥瘕为癥", "状者形也"], ["癥瘕为癥", "状者形也"]),
    ],
)
def test_a_mass_is_no_illness_where_the_record_says_so(texts, expected):
    dialogue = Dialogue("k", [Message("user", text) for text in texts])
    other = Dialogue("l", [Message("user", "敗血癥")])
    first, second = simplify(batch_of(dialogue, other)).batch["messages"].to_pylist()
    assert [m["content"] for m in first] == expected
    assert [m["content"] for m in second] == ["败血症"]
    again = simplify(batch_of(Dialogue("k", [Message("user", text) for text in expected])))
    assert [m["content"] for m in again.batch["messages"][0].as_py()] == expected


def test_a_term_does_not_reach_into_the_next_text():
    batch = batch_of(Document("a", f"{TRADITIONAL}癥"), Document("b", f"瘕{TRADITIONAL}"))
    assert simplify(batch).batch["text"].to_pylist() == [f"{SIMPLIFIED}症", f"瘕{SIMPLIFIED}"]


# --- records, counts, settings --------------------------------------------------------------------


def test_all_texts_of_a_record_follow_its_script():
    thread = QAThread(
        "k",
        TRADITIONAL,
        [Answer("口乾"), Answer("乾燥")],
        title="乾燥",
        department="內科",
        keyphrases=["後背"],
        metadata={"書": "傷寒論"},
    )
    result = simplify(batch_of(thread, QAThread("l", SIMPLIFIED, [Answer("乾，天也")])))
    row, other = result.batch.to_pylist()
    assert [a["text"] for a in row["answers"]] == ["口干", "干燥"]
    assert (row["title"], row["department"], row["keyphrases"]) == ("干燥", "内科", ["后背"])
    assert row["metadata"] == [("書", "伤寒论")]
    assert other["answers"][0]["text"] == "乾，天也"


def test_counts():
    dialogue = Dialogue("k", [Message("user", "癥瘕何謂"), Message("assistant", "腹中結塊")])
    result = simplify(batch_of(dialogue))
    assert [m["content"] for m in result.batch["messages"][0].as_py()] == ["癥瘕何谓", "腹中结块"]
    assert result.counts == {"converted": 2, "characters": 3, "protected": 1}
    assert result.drops.num_rows == 0


def test_simplified_batches_are_not_copied():
    batch = batch_of(Document("k", SIMPLIFIED, title="乾坤"))
    assert simplify(batch) == ledger.Result(batch, ledger.rows(batch, "simplify", {}), {})


@pytest.mark.parametrize("kind", records.KINDS)
def test_an_empty_batch(kind):
    batch = pa.RecordBatch.from_pylist([], schema=records.SCHEMAS[kind])
    assert simplify(batch) == ledger.Result(batch, ledger.rows(batch, "simplify", {}), {})


def test_share_decides_what_is_traditional_script():
    text = SIMPLIFIED + "乾薑"
    assert text_of(text) == SIMPLIFIED + "干姜"
    batch = batch_of(Document("k", text))
    assert OnTables(Simplify(share=0.5))(batch).batch["text"][0].as_py() == SIMPLIFIED + "乾姜"


@pytest.mark.parametrize("share", [0, 1.5, "much"])
def test_settings_are_checked(share):
    with pytest.raises(RecipeError, match=r"stages\.simplify: share"):
        checked(Simplify, {"share": share}, "stages.simplify")


# --- whatever the text ----------------------------------------------------------------------------


def test_the_table_of_traditional_characters():
    script = script_tables()
    for c in "陽後麽於麴癥噁査㑳":
        assert script.traditional[ord(c)], c
    for c in LAWFUL + "苧瞤憹膹齘著藉沈覆坏凉a，":
        assert not script.traditional[ord(c)], c
    assert 2900 < script.traditional.sum() < 4500


MIXED = (
    "太陽陰乾薑坤卦癥瘕塊狀徵羽少宮商角於潛術朮薹芸噁唑心重覆汗"
    "數瞤憹黃耆後麽麼幺些氾勝之沈香浮藉此口坏土隆 \n，。a1"
)
KEPT = [
    "樊於期",
    "束脩",
    "扞格",
    "氾勝之",
    "幺麼",
    "於戲",
    "不可貲計",
    "哪吒",
    "反覆",
    "二噁英",
    "蒐獵",
    "薴烯",
]
ANY = (
    st.text(st.sampled_from(MIXED), max_size=30)
    | st.lists(
        st.sampled_from(KEPT + [s for s, _ in spellings()] + list("，乾陽后。")), max_size=8
    ).map("".join)
    | st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=30)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)


@given(st.lists(ANY, min_size=1, max_size=4), ANY)
def test_simplifying_twice_changes_nothing_more(texts, title):
    some = [Document(str(i), text, title=title) for i, text in enumerate(texts)]
    once = simplify(batch_of(*some))
    twice = simplify(once.batch)
    assert twice.batch.equals(once.batch)
    assert set(twice.counts) <= {"protected", "other_language"}  # told of, not changed


@given(st.lists(ANY, min_size=1, max_size=4))
def test_lengths_rows_and_other_columns_stay(texts):
    batch = batch_of(*texts)
    done = simplify(batch).batch
    done.validate(full=True)
    assert [len(t) for t in done["text"].to_pylist()] == [len(t) for t in texts]
    assert done.drop_columns(["text"]).equals(batch.drop_columns(["text"]))
    for text, new in zip(texts, done["text"].to_pylist(), strict=True):
        alone = simplify(batch_of(Document("0", text))).batch["text"][0].as_py()
        assert new == alone


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "piece", ["陽", "乾薑", "癥瘕", "於潛", "噁唑", "重覆汗", "太徵少", "薹", "乾", "a後"]
)
def test_a_hostile_megabyte_takes_no_time(piece):
    batch = batch_of(Document("k", piece * (1_000_000 // len(piece))))
    assert cpu_seconds(lambda: simplify(batch), below=2) < 2


# --- real data ------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_a_traditional_classic(shared_data):
    """No traditional character is left, and a second pass finds nothing to do."""
    path = shared_data / "tao_shanghan" / "03_clauses" / "clauses.jsonl"
    texts = [row["original_text"] for row in read_jsonl(path)]
    batch = batch_of(*texts)
    done = simplify(batch).batch
    assert simplify(done).batch.equals(done)
    told = "".join(done["text"].to_pylist())
    assert len(told) == sum(map(len, texts))
    left = {c for c in told if script_tables().traditional[ord(c)]}
    assert left == set()
    assert told.count("懊憹") == "".join(texts).count("懊憹") > 0
