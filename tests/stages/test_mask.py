"""The mask stage: what it finds, what it leaves alone, and that it costs next to nothing."""

from __future__ import annotations

import csv
import datetime
import io
import json
import lzma
import random
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.errors import RecipeError
from chimed_datasets.records import ledger
from chimed_datasets.settings import checked
from chimed_datasets.stages import mask
from chimed_datasets.stages.mask import (
    FINDERS,
    MAX_ROUNDS,
    PLACEHOLDERS,
    TYPES,
    Mask,
    Span,
    find,
    fold,
    id_checksum,
    luhn,
    mask_text,
)
from chimed_datasets.stages.mask_eval import Score, evaluate, load_cases, main, table
from tests.common.seconds import cpu_seconds
from tests.common.stages import OnTables, batch_of

VALID_ID = "110101199003075" + "83"
VALID_ID += id_checksum(VALID_ID)


def masked(text: str) -> str:
    return mask_text(text)[0]


# --- the labelled set --------------------------------------------------------------------------


def test_the_labelled_set_is_sound():
    cases = load_cases()
    assert len(cases) >= 350
    assert len(load_cases("held")) >= 120
    assert len({case["text"] for case in cases}) == len(cases)
    negative = sum(not case["spans"] for case in cases)
    assert 0.4 <= negative / len(cases) <= 0.6
    for case in cases:
        assert set(case) == {"text", "spans", "note", "split"}
        at = 0
        for start, end, type_ in case["spans"]:
            assert at <= start < end <= len(case["text"])
            assert type_ in TYPES
            at = end
    labelled = {type_: score.labelled for type_, score in evaluate(cases).items()}
    assert min(labelled.values()) >= 25


@pytest.mark.parametrize(
    ("split", "precision", "recall"),
    [("dev", 0.99, 0.99), ("held", 0.98, 0.97), (None, 0.98, 0.98)],
)
def test_precision_and_recall_on_the_labelled_set(split, precision, recall):
    scores = evaluate(load_cases(split))
    overall = scores.pop("overall")
    assert overall.precision >= precision
    assert overall.recall >= recall
    for type_, score in scores.items():
        assert score.precision >= 0.94, type_
        assert score.recall >= 0.94, type_


def test_the_module_tells_what_is_measured_today():
    for split in ("held", None):
        overall = evaluate(load_cases(split))["overall"]
        told = f"precision {overall.precision:.3f}, recall {overall.recall:.3f}"
        assert told in mask.__doc__
    labelled = evaluate(load_cases())["overall"].labelled
    assert f"{len(load_cases())} labelled sentences with {labelled} such" in mask.__doc__


def test_evaluate_counts_exact_and_overlapping_spans_of_the_same_type():
    case = {"text": "0123456789", "spans": [[0, 3, "qq"], [5, 8, "url"], [8, 9, "email"]]}
    found = [Span(0, 3, "qq"), Span(5, 9, "url"), Span(8, 9, "mobile")]
    scores = evaluate([case], lambda text: found)
    assert scores["qq"] == Score(labelled=1, found=1, exact=1, found_hits=1, labelled_hits=1)
    assert scores["url"] == Score(labelled=1, found=1, exact=0, found_hits=1, labelled_hits=1)
    assert scores["mobile"] == Score(found=1)
    assert scores["email"] == Score(labelled=1)
    overall = scores["overall"]
    assert (overall.precision, overall.recall) == (1 / 3, 1 / 3)
    assert (overall.overlap_precision, overall.overlap_recall) == (2 / 3, 2 / 3)
    assert "mobile" in table(scores)


def test_the_module_prints_its_table(capsys):
    main()
    printed = capsys.readouterr().out
    assert printed.count("overall") == 3
    assert "record_number" in printed


# --- hard cases --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("电话13912345678，谢谢", "电话[手机号]，谢谢"),
        ("（139-1234-5678）", "（[手机号]）"),
        ("+86 139 1234 5678", "[手机号]"),
        ("008613912345678", "[手机号]"),
        ("１３９１２３４５６７８", "[手机号]"),
        ("139\u30001234\u30005678", "[手机号]"),
        ("一三九一二三四五六七八", "[手机号]"),
        ("1三9一2三4五6七8", "[手机号]"),
        ("（0755）2653-1847转801。", "[电话]。"),
        ("010-62345671、62345672", "[电话]、[电话]"),
        ("400-617-3825", "[电话]"),
        ("电话6234-5671", "电话[电话]"),
        (f"{VALID_ID}，男", "[身份证号]，男"),
        ("把片子发a.b-c_1@mail.example.com谢谢", "把片子发[邮箱]谢谢"),
        ("QQ：58372615或61537285", "QQ：[QQ]或[QQ]"),
        ("微信号：zhang_yi123备注", "微信号：[微信]备注"),
        ("卡号6222020200043219878", "卡号[银行卡号]"),
        ("见http://www.example.com/a(b).html）。", "见[网址]）。"),
        ("见http://www.example.com/百科", "见[网址]百科"),
        ("(see https://example.org/x).", "(see [网址])."),
        ("住院号：0058372", "住院号：[病历号]"),
        # the same digits, something else
        ("血压120/80mmHg", None),
        ("白细胞15000000000/L", None),
        ("HBV-DNA 13912345678 IU/ml", None),
        ("0.13912345678", None),
        ("13912345678.5", None),
        ("139123456789", None),
        ("rs13912345678", None),
        ("批号：13912345678", None),
        ("2012-2013年、1998年3月15日", None),
        ("20120301-20120405", None),
        ("国药准字H20030123", None),
        ("电话20130502起停用", None),
        ("拨打120、12320、12345、96120", None),
        ("139****5678", None),
        ("微信（WeChat）", None),
        ("微信公众号health2020", None),
        ("加QQ群交流，群里500人", None),
        ("E.coli、i.v.gtt、10.cm、v1.2.com2", None),
        ("doi:10.1016/j.jacc.2013.05.028", None),
        ("6222020200043219876", None),  # fails Luhn
        ("一九四九年十月一二三日", None),
    ],
)
def test_hard_cases(text, expected):
    assert masked(text) == (text if expected is None else expected)


def test_an_earlier_type_wins_over_what_it_holds():
    assert masked("邮箱13912345678@example.com") == "邮箱[邮箱]"
    assert masked("微信13912345678") == "微信[手机号]"
    assert masked("http://example.com/t/13912345678") == "[网址]"


def test_a_number_freed_by_its_neighbour_is_masked_too():
    text = "139 1234 5678 86 138 1234 5678"
    assert [span.type for span in find(text)] == ["mobile"]
    assert masked(text) == "[手机号] [手机号]"


# --- the stage on batches ----------------------------------------------------------------------

PHONE = "13912345678"


def batch_of_kind(kind: str) -> pa.RecordBatch:
    if kind == "document":
        made = [
            records.Document(
                f"k{i}", f"第{i}篇 {PHONE}" if i % 3 else "无", title=f"作者QQ5837261{i}"
            )
            for i in range(7)
        ]
        made[2].metadata = {"link": "http://example.com/a", "book": "某书"}
        made[4].title = None
    elif kind == "thread":
        answer = records.Answer(f"请打{PHONE}", adopted=True, author="甲", score=1.5, rank=2)
        made = [
            records.QAThread(f"k{i}", f"问{i}？", [answer] * (i % 3), keyphrases=["胃痛", PHONE])
            for i in range(7)
        ]
        made[3].department = "外科"
    else:
        messages = [records.Message("user", "电话？"), records.Message("assistant", PHONE)]
        made = [
            records.Dialogue(f"k{i}", messages, [records.Answer("a@example.com", model="m")])
            for i in range(7)
        ]
    return batch_of(*made)


@pytest.mark.parametrize("kind", records.KINDS)
@pytest.mark.parametrize("slice_", [(0, 7), (2, 3), (7, 0)])
def test_only_texts_change_and_each_stays_in_its_row(kind, slice_):
    batch = batch_of_kind(kind).slice(*slice_)
    result = OnTables(Mask())(batch)
    result.batch.validate(full=True)
    assert result.batch.schema == batch.schema
    assert result.drops.num_rows == 0
    assert result.drops.schema == ledger.SCHEMA
    assert sum(result.counts.values()) == json.dumps(result.batch.to_pylist()).count("[") - (
        json.dumps(batch.to_pylist()).count("[")
    )
    before, after = records.Batch(batch).leaves, records.Batch(result.batch).leaves
    expected = [None if t is None else masked(t) for t in before.texts.to_pylist()]
    assert after.texts.to_pylist() == expected
    restored = records.Batch(result.batch).with_texts(before.texts)
    assert restored.table.equals(batch)


def test_counts_are_spans_per_type():
    made = [records.Document("a", f"{PHONE}、{PHONE}，QQ58372615"), records.Document("b", "无")]
    counts = OnTables(Mask())(batch_of(*made)).counts
    assert counts == {"mobile": 2, "qq": 1}


def test_a_batch_without_personal_data_is_returned_as_it_is():
    batch = batch_of(records.Document("a", "黄芪30g，2013年5月，血压120/80。"))
    result = OnTables(Mask())(batch)
    assert result.batch is batch
    assert result.counts == {}


EXAMPLES = {
    "email": "a@example.com",
    "url": "http://example.com/a",
    "resident_id": VALID_ID,
    "bank_card": "6222020200043219878",
    "mobile": PHONE,
    "landline": "010-62345671",
    "qq": "QQ58372615",
    "wechat": "微信abc_12345",
    "record_number": "住院号0058372",
    "passport": "护照E58201937",
    "other_id": "回乡证H60517283",
    "licence_plate": "车牌京A58372",
    "person_name": "姓名：王小满",
    "postal_address": "住址：青禾市望湖区栖霞路7号",
}


@pytest.mark.parametrize("type_", TYPES)
def test_each_type_can_be_switched_off_and_stands_alone(type_):
    text = "；".join(EXAMPLES.values())
    others = tuple(t for t in TYPES if t != type_)
    assert set(mask_text(text, (type_,))[1]) == {type_}
    assert set(mask_text(text, others)[1]) == set(others)
    batch = batch_of(records.Document("a", text))
    assert set(OnTables(Mask(types=others))(batch).counts) == set(others)


def test_settings_are_checked():
    assert checked(Mask, {"types": ["qq", "email"]}, "stages.mask") == Mask(types=("qq", "email"))
    with pytest.raises(RecipeError, match=r"stages\.mask: types"):
        checked(Mask, {"types": ["qqq"]}, "stages.mask")
    with pytest.raises(ValueError, match="Did you mean 'mobile'"):
        Mask(types=("mobil",))


def test_placeholders_are_distinct_and_never_found():
    assert set(PLACEHOLDERS) == set(TYPES)
    assert len(set(PLACEHOLDERS.values())) == len(TYPES)
    joined = "".join(PLACEHOLDERS.values())
    for text in (joined, joined * 2, "电话" + joined + "12", *PLACEHOLDERS.values()):
        assert find(text) == []


# --- properties --------------------------------------------------------------------------------

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=12)
SPELT_DIGITS = set("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖")
PLAIN = st.text(
    st.characters(
        min_codepoint=0x4E00,
        max_codepoint=0x9FA5,
        exclude_characters=SPELT_DIGITS | set("扣信"),  # 扣扣 and 徽信 announce a number
    )
    | st.sampled_from("，。；？！、 （）\n"),
    max_size=12,
)
FRAGMENTS = st.sampled_from(
    [case["text"][start:end] for case in load_cases() for start, end, _ in case["spans"]]
    + """QQ 微信 微 信 加V 电话 住院号 批号 号 ID 转 或 元 年 mg http:// www. .com .cn @ a@b.c x vx
    wxid_ ｑｑ ＠ ． ／ 86 +86 0 1 12 138 1234 5678 010 400 一 八 ( ) （ ） [ ] - — / . ： ， 、
    [QQ] [微信] [电话]""".split()  # noqa: SIM905
    + [" ", "\u3000", "\n", "\ue000", "138 1234 5678 "]
)
MIXED = st.lists(FRAGMENTS | CHINESE | st.text(max_size=4), max_size=12).map("".join)


@given(MIXED)
@settings(max_examples=400, deadline=None)
def test_masking_is_idempotent(text):
    once, _ = mask_text(text)
    assert mask_text(once) == (once, {})


def test_the_text_before_does_not_hide_a_word():
    """In one run with the digits before it, this id had no beginning, and stayed."""
    batch = batch_of("17063308328", "vxmamiaibao2019")
    assert OnTables(Mask())(batch).batch["text"].to_pylist() == ["[手机号]", "vx[微信]"]


@given(st.lists(MIXED, max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_batch_gate_hides_nothing(texts):
    texts = [t.encode("utf-8", "replace").decode() for t in texts]
    batch = batch_of("", *texts)
    assert OnTables(Mask())(batch).batch["text"].to_pylist() == ["", *map(masked, texts)]


@given(MIXED)
@settings(max_examples=300, deadline=None)
def test_spans_are_ordered_and_disjoint(text):
    at = 0
    for start, end, type_ in find(text):
        assert at <= start < end <= len(text)
        assert type_ in TYPES
        at = end


NO_SIGNS = st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="@.:/＠．：／")


@given(st.text(NO_SIGNS, max_size=60))
@settings(max_examples=300, deadline=None)
def test_text_without_digits_signs_or_cues_is_unchanged(text):
    for cue in "xXvVwWnN信微" + "".join(SPELT_DIGITS):
        text = text.replace(cue, "")
    assert masked(text) == text


def number(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(str)


def either(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words)


HARMLESS = st.one_of(
    st.builds("血压{}/{}mmHg".format, number(70, 260), number(40, 150)),
    st.builds("{}/{}".format, number(70, 260), number(40, 150)),
    st.builds(
        "{}{}{}".format, number(1, 5000), either("", ".5"), either("mg", "g", "ml", "片", "粒")
    ),
    st.builds("每次{}～{}片，每日{}次".format, number(1, 9), number(1, 9), number(1, 4)),
    st.builds("{}mg×{}片".format, number(1, 999), number(1, 100)),
    st.builds("{}万U".format, number(1, 2000)),
    st.builds("{}年".format, number(1850, 2099)),
    st.builds("{}-{}年".format, number(1850, 2099), number(1850, 2099)),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)).map("{:%Y-%m-%d}".format),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)).map("{:%Y%m%d}".format),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)).map("{:%Y年%m月%d日}".format),
    st.builds("拨打{}".format, either("120", "12320", "110", "12345", "12356", "119", "999")),
    st.builds("{}.{}×10^9/L".format, number(1, 99), number(0, 99)),
    st.builds("T {}.{}℃，P {}次/分".format, number(35, 42), number(0, 9), number(40, 200)),
    st.builds("HBV-DNA {}IU/ml".format, number(10**4, 10**11)),
    st.builds("国药准字H{}".format, number(10**7, 10**8 - 1)),
    st.builds("身高{}cm，体重{}kg，{}岁".format, number(50, 200), number(2, 150), number(1, 110)),
)


@given(
    st.lists(st.tuples(PLAIN, HARMLESS), max_size=8),
    st.sampled_from(["，", "。", "；", "\n", "、"]),
)
@settings(max_examples=200, deadline=None)
def test_pressures_doses_years_and_public_numbers_stay(parts, stop):
    text = stop.join(before + harmless for before, harmless in parts)
    assert masked(text) == text
    assert masked(
        text.translate({ord(c): 0xFEE0 + ord(c) for c in "0123456789"})
    ) == text.translate({ord(c): 0xFEE0 + ord(c) for c in "0123456789"})


@st.composite
def mobiles(draw) -> str:
    digits = "1" + draw(st.sampled_from("3456789"))
    digits += draw(st.text("0123456789", min_size=8, max_size=8))
    digits += draw(st.sampled_from("123456789"))
    form = draw(st.sampled_from(["{}{}{}", "{}-{}-{}", "{} {} {}", "+86{}{}{}", "0086{}-{}-{}"]))
    return form.format(digits[:3], digits[3:7], digits[7:])


@st.composite
def resident_ids(draw) -> str:
    area = draw(st.sampled_from(["110101", "310104", "440106", "510107", "820000"]))
    born = draw(st.dates(datetime.date(1900, 1, 1), datetime.date(2049, 12, 31)))
    body = f"{area}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return body + id_checksum(body)


def card_number(body: str) -> str:
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


PLANTED = {
    "mobile": mobiles(),
    "resident_id": resident_ids(),
    "bank_card": st.integers(10**11, 10**12 - 1)
    .filter(lambda n: n % 10**5)  # what ends in zeros is a quantity
    .map(lambda n: card_number(f"622848{n}")),
    "landline": st.builds(
        "{}-{}".format,
        st.sampled_from(["010", "021", "0755", "0571"]),
        st.integers(20000000, 89999999).filter(lambda n: n % 10**6),
    ),
    "email": st.from_regex(r"[a-z][a-z0-9_]{2,12}@[a-z]{3,9}\.(com|cn|org)", fullmatch=True),
    "url": st.from_regex(r"https?://[a-z]{3,9}\.com(/[a-z0-9]{1,8}){0,3}", fullmatch=True),
}


@pytest.mark.parametrize("type_", PLANTED)
def test_what_is_planted_in_chinese_is_found(type_):
    @given(PLAIN, PLANTED[type_], PLAIN)
    @settings(max_examples=150, deadline=None)
    def check(before, number, after):
        # A number after "编号" and the like, or before a unit, is another kind of number.
        before, after = before + "是我的", "，" + after
        assert masked(before + number + after) == before + PLACEHOLDERS[type_] + after

    check()


@given(resident_ids(), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_an_id_with_a_wrong_check_character_is_left_alone(number, step):
    wrong = "0123456789X"[("0123456789X".index(number[-1]) + step) % 11]
    text = f"证件{number[:17]}{wrong}号"
    assert masked(text) == text


@given(resident_ids(), st.sampled_from(["1345", "0230", "0431", "0000"]))
@settings(max_examples=50, deadline=None)
def test_an_id_with_an_impossible_birthday_is_left_alone(number, day):
    body = number[:10] + day + number[14:17]
    text = f"证件{body}{id_checksum(body)}号"
    assert masked(text) == text


def test_checks_agree_with_the_examples_of_their_standards():
    assert id_checksum("11010519491231002") == "X"  # GB 11643-1999
    assert luhn("79927398713")  # ISO/IEC 7812-1, as commonly given
    assert not luhn("79927398710")


def test_long_numbers_are_found_wherever_they_stand_in_a_long_text():
    """Only the surroundings of ten digits near one another are searched for them."""
    cases = [case["text"] for case in load_cases()]
    draw = random.Random(3)
    texts = []
    for _ in range(40):
        parts = [
            part
            for case in draw.sample(cases, 6)
            for part in ("煎服三钱，" * draw.randrange(30), case, "120/80，" * draw.randrange(4))
        ]
        texts.append("".join(parts))
    batch = batch_of(*texts)
    assert OnTables(Mask())(batch).batch["text"].to_pylist() == [masked(text) for text in texts]


# --- cost --------------------------------------------------------------------------------------

WORST = [
    "a", "a.", "a-", "a@", "a@a.", "b.com_" + "x" * 61 + "@", "www.", "http://", "1", "1 ",
    "1-", "1.", "1·", "0", "86", "+86", "(", "(010)", "12345678 ", "138 ", "0571-", "6222 ",
    "110101199003", "13912345678,", "86 138 1234 5678 ", "010-62345678/", "QQ", "QQ号", "QQ12345,",
    "Q Q", "微信", "微信号:", "vx ", "wxid_", "住院号", "住院号A1-1-1", "电话:", "一三八零", "%+-.",
    "a" * 63 + ".", "１", "批号13912345678 ",
]  # fmt: skip
WORST_OF_WORDS = [
    "姓名：", "姓名", "联系人：", "王", "患者：", "地址：", "住", "市路号", "住址：市", "护照", "护照A1", "身份证",
    "身份证1", "卡号", "卡号1 ", "住院号依次", "住院号1234、", "CT号", "车牌", "京A", "①", "扣1", "+852 ", "1/", "138杠",
    "电话1 3 8 ", "a艾特", "艾特", "加微", "微信的", "|姓名|\n", "12345、",
]  # fmt: skip


def slowest(size: int, units: list[str]) -> tuple[float, str, str]:
    spent = []
    for unit in units:
        text = fold((unit * (size // len(unit) + 1))[:size], 0xFF)
        for finder in FINDERS:
            start = time.process_time()
            for _ in finder.spans(text, [(0, len(text))]):
                pass
            spent.append((time.process_time() - start, finder.spans.__name__, unit))
    return max(spent)


def test_patterns_do_not_backtrack_without_end():
    # 30 kB take under 10 ms where time is linear; a square of them would take minutes.
    assert slowest(30_000, WORST + WORST_OF_WORDS)[0] < 0.5


@pytest.mark.slow
def test_patterns_take_a_megabyte_in_a_second():
    assert slowest(1_000_000, WORST)[0] < 1


@pytest.mark.no_cover
@pytest.mark.parametrize("tail", [")", ".", "(", ",)"])
def test_a_long_address_with_a_long_tail_takes_linear_time(tail):
    address = "http://example.com/a" + tail * 100_000
    assert masked(address) == "[网址]" + tail * 100_000
    assert cpu_seconds(lambda: masked(address), below=2) < 2


@pytest.mark.no_cover
def test_a_text_that_frees_one_number_in_each_round_ends():
    text = "86 138 1234 5678 " * 500
    assert cpu_seconds(lambda: mask_text(text), below=2) < 2
    out, counts = mask_text(text)
    assert 0 < counts["mobile"] <= MAX_ROUNDS * 500
    assert out.endswith("[手机号] ")


# --- real text ---------------------------------------------------------------------------------


@pytest.mark.real_data
def test_questions_and_answers_hold_next_to_nothing(shared_data):
    raw = (
        (shared_data / "qa_csv/internal_medicine_sample.csv")
        .read_bytes()
        .decode("gb18030", "replace")
    )
    rows = list(csv.DictReader(io.StringIO(raw)))
    made = [
        records.QAThread(str(i), r["ask"], [records.Answer(r["answer"])], title=r["title"])
        for i, r in enumerate(rows)
    ]
    counts = OnTables(Mask())(batch_of(*made)).counts
    assert len(rows) == 7644
    assert sum(counts[type_] for type_ in TYPES if type_ in counts) <= 3


@pytest.mark.real_data
def test_an_encyclopedia_full_of_doses_and_approval_numbers_holds_nothing(shared_data):
    with lzma.open(shared_data / "cmekg/cmekg.jsonl.xz", "rt", encoding="utf-8") as file:
        made = [records.Document(str(i), line) for i, line in enumerate(file)]
    for start in range(0, len(made), 4096):
        counts = OnTables(Mask())(batch_of(*made[start : start + 4096])).counts
        assert counts == {}
