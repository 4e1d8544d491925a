"""The filter stage: each rule on both sides of its threshold, whole records and single answers."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.errors import RecipeError
from chimed_datasets.records import Answer, Dialogue, Document, Message, QAThread, ledger
from chimed_datasets.settings import checked
from chimed_datasets.stages.filter import Filter, suspected_repetition
from tests.common.seconds import cpu_seconds
from tests.common.stages import COMMON, OnTables, batch_of
from tests.common.text import chinese

keep = OnTables(Filter())


def latin(length: int) -> str:
    """Letters and digits in which no passage comes again."""
    draw = random.Random(length)
    return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length))


def reason(record: records.Record, stage: OnTables = keep) -> str | None:
    """Why a record is dropped: the rule, or None."""
    drops = stage(batch_of(record)).drops.to_pylist()
    return drops[0]["rule"] if drops else None


def thread(*answers: str, question: str = "头痛怎么办？", **more) -> QAThread:
    return QAThread("k", question, [Answer(a) for a in answers], **more)


def dialogue(*turns: str, candidates: tuple[str, ...] = (), first: str = "user") -> Dialogue:
    roles = ["user", "assistant"] if first == "user" else ["assistant", "user"]
    messages = [Message(roles[i % 2], turn) for i, turn in enumerate(turns)]
    return Dialogue("k", messages, [Answer(c, rank=i) for i, c in enumerate(candidates)])


# --- length --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("阳明之为病，胃家实是也。", None),
        (chinese(10), None),
        (chinese(9), "too_short"),
        (chinese(9) + " \n\u3000", "too_short"),
        ("见肝散。", "too_short"),
        ("", "empty"),
        (" \n\t ", "empty"),
    ],
)
def test_short_documents(text, rule):
    assert reason(Document("k", text, title="一个很长很长的标题")) == rule


@pytest.mark.parametrize(
    ("question", "title", "rule"),
    [
        ("头痛", None, None),
        ("痛", None, "too_short"),
        ("痛", "头", None),
        ("", "头痛怎么办", None),
        ("", None, "empty"),
        (" ", " ", "empty"),
    ],
)
def test_short_questions(question, title, rule):
    assert reason(thread("多休息。", question=question, title=title)) == rule


@pytest.mark.parametrize("reply", ["好的。", "是的", "不用谢", "可以", "无效"])
def test_short_replies_are_lawful(reply):
    assert reason(thread(reply)) is None
    assert reason(dialogue("头痛吃药好吗", reply)) is None
    assert reason(dialogue("头痛吃药好吗", "吃。", "好", reply)) is None


def test_answers_too_short():
    result = keep(batch_of(thread("是", "多休息。", "")))
    assert [a["text"] for a in result.batch["answers"][0].as_py()] == ["多休息。"]
    assert result.counts == {"too_short_answer": 1, "empty_answer": 1}
    assert reason(thread("是")) == "too_short"
    assert reason(thread("")) == "empty"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (dialogue("头痛吃药好吗", ""), "empty"),
        (dialogue("头痛吃药好吗", "好", " ", "多休息"), "empty"),
        (dialogue("嗯", "头痛要多休息"), None),
    ],
)
def test_empty_messages(record, rule):
    assert reason(record) == rule


def test_long_texts():
    stage = OnTables(Filter(max_chars=100))
    assert reason(Document("k", chinese(100) + "  "), stage) is None
    assert reason(Document("k", chinese(101)), stage) == "too_long"
    assert reason(dialogue("头痛", chinese(101)), stage) == "too_long"
    result = stage(batch_of(thread("多休息。", chinese(101))))
    assert result.counts == {"too_long_answer": 1}
    assert reason(Document("k", chinese(2_000_001))) == "too_long"


# --- a whole dialogue or thread ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (thread(), "no_answer"),
        (dialogue(), "no_user_turn"),
        (dialogue("您好，请多休息", first="assistant"), "no_user_turn"),
        (dialogue("头痛怎么办"), "no_reply"),
        (dialogue("头痛怎么办", "多休息", "谢谢医生"), "no_reply"),
        (dialogue("头痛怎么办", candidates=("多休息", "吃药")), None),
        (dialogue("您好，请讲", "头痛怎么办", "多休息", first="assistant"), None),
        (dialogue("头痛怎么办", "多休息"), None),
        (dialogue("头痛怎么办", candidates=("", "")), "empty"),
        (Dialogue("k", [Message("system", "你是医生"), Message("user", "头痛")]), "no_reply"),
    ],
)
def test_what_a_record_must_have(record, rule):
    assert reason(record) == rule


def test_candidates_are_answers():
    result = keep(batch_of(dialogue("头痛怎么办", candidates=("多休息", "", "吃药"))))
    kept = result.batch["candidates"][0].as_py()
    assert [(a["text"], a["rank"]) for a in kept] == [("多休息", 0), ("吃药", 2)]
    assert result.counts == {"empty_answer": 1}


# --- share of Chinese ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (Document("k", "How to treat a headache at home without any drugs"), "low_chinese"),
        (Document("k", "头痛 How to treat a headache at home"), "low_chinese"),
        (Document("k", "。。。！！！？？？……——"), "low_chinese"),
        (Document("k", chinese(30) + latin(70)), None),
        (Document("k", chinese(29) + latin(71)), "low_chinese"),
        (Document("k", chinese(30) + "。" * 9 + " " * 99), None),
        (Document("k", "𠮷〇" + "㐀" * 9), None),
        (thread("Levofloxacin 0.5g qd, omeprazole 20mg bid", question=chinese(20)), None),
        (
            thread("HBsAg(+) 1.31E+07 ALT 56 AST 41", question="肝功能的结果这样是什么意思请教"),
            None,
        ),
        (thread("Take a rest.", question="What to do?"), "low_chinese"),
        (dialogue("Hello", "How are you"), "low_chinese"),
        (dialogue("我的身高158cm，体重51kg", "正常"), None),
    ],
)
def test_share_of_chinese(record, rule):
    assert reason(record) == rule


def test_the_evidence_is_the_figure_and_its_threshold():
    drops = OnTables(Filter(min_chinese_ratio=0.5))(batch_of(Document("k", "头痛发abcdefg"))).drops
    assert drops["evidence"].to_pylist() == ["chinese_ratio 0.30 < 0.5"]
    drops = keep(batch_of(Document("k", "见肝散。"))).drops.to_pylist()[0]
    assert drops["evidence"] == "4 characters < 10: 见肝散。"
    assert (drops["stage"], drops["id"]) == ("filter", records.record_id("s", "k"))


# --- symbols, runs, repetition -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (chinese(70) + "□" * 30, None),
        (chinese(69) + "□■" * 16, "symbols"),
        ("| 药 | 量 |\n|---|---|\n| 参 | 三 |" + chinese(30), None),
        ("★☆" * 6 + chinese(7), None),  # too short to judge
        (chinese(10) + "★☆◆◇" * 10, "symbols"),
        ("，。！？：；" * 3 + chinese(20), None),
    ],
)
def test_symbols(text, rule):
    assert reason(Document("k", text)) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("头痛" + "啊" * 10, "run"),
        (chinese(11) + "啊" * 10, None),
        ("头痛急急急急急急急急急", None),  # nine
        ("救命" + "！" * 12, "run"),
        (chinese(30) + "x" * 70, "run"),
        (chinese(30) + "0" * 30, None),
        ("头痛" + " " * 99 + chinese(10), None),
        (chinese(200) + "—" * 100, None),
    ],
)
def test_runs_of_one_character(text, rule):
    assert reason(Document("k", text)) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (chinese(60) * 2, None),
        (chinese(60) * 4, "repetition"),
        (chinese(25) * 4, "repetition"),
        ("头痛发热" * 15, "repetition"),
        ("头痛发热" * 12, None),  # 48 characters
        ("头痛发热 " * 12, None),  # and blanks do not count
        ("头痛发热 " * 15, "repetition"),
        (chinese(60) + " " * 200, None),
        (chinese(400) + chinese(30, 1) * 30, "repetition"),
        (chinese(600) + chinese(30, 1) * 20, None),
        (chinese(5000), None),
        ("".join(f"{i}味药，各一两。" for i in chinese(40)), None),
    ],
)
def test_repetition(text, rule):
    assert reason(Document("k", text)) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("\n".join([chinese(9)] * 4), "line_repetition"),
        ("\n".join([chinese(9)] * 3), None),
        ("\n".join([chinese(9), *(chinese(9, i) for i in range(3))]), None),
        ("\n\n".join([chinese(9)] * 2 + [chinese(9, 1)] * 2), None),
        ("\n".join([chinese(9)] * 3 + [chinese(9, 1)]), None),
        ("\n".join([chinese(9)] * 3 + [chinese(3, 1)]), "line_repetition"),
    ],
)
def test_repeated_lines(text, rule):
    assert reason(Document("k", text)) == rule


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("好" * 30, "run"),
        ("头痛发热" * 30, "repetition"),
        ("★☆◆◇" * 10, "symbols"),
        ("\n".join([chinese(9)] * 5), "line_repetition"),
    ],
)
def test_a_bad_answer_goes_alone(bad, rule):
    result = keep(batch_of(thread(chinese(200, 7), bad, "多休息。")))
    assert [a["text"] for a in result.batch["answers"][0].as_py()] == [chinese(200, 7), "多休息。"]
    assert result.counts == {f"{rule}_answer": 1}
    assert reason(thread(bad, question=chinese(100))) == rule
    assert reason(thread("多休息。" + chinese(100), question=bad)) == rule
    assert reason(dialogue(chinese(100), bad)) == rule
    assert reason(thread("多休息。", title=bad)) is None


def test_the_share_of_chinese_is_that_of_what_is_left():
    """An answer that goes does not make the English around it Chinese."""
    record = thread("头痛发热" * 30, "Take a rest.", question="What to do?")
    assert reason(record) == "low_chinese"
    assert reason(thread("头痛发热" * 30, question="What to do?")) is not None
    assert reason(thread("头痛发热" * 30, "多休息。" * 2, question="What to do?")) is None


def test_the_sample_finds_what_the_exact_figure_shows():
    """The first look must never miss a text that the exact figure refuses."""
    draw = random.Random(3)
    texts = []
    for _ in range(400):
        unit, times = draw.randint(1, 300), draw.randint(2, 12)
        parts = [chinese(unit, draw.random())] * times + [
            chinese(draw.randint(0, 400), draw.random())
        ]
        texts.append("".join(parts)[:4000])
    text = records.codepoints(pa.array(texts))
    suspected = set(suspected_repetition(text, keep.stage.max_repetition / 2).tolist())
    refused = set()
    for i, t in enumerate(texts):
        grams = [t[k : k + 8] for k in range(len(t) - 7)]
        if len(t) >= 50 and 1 - len(set(grams)) / len(grams) > keep.stage.max_repetition:
            refused.add(i)
    assert len(refused) > 100
    assert refused <= suspected


# --- settings ------------------------------------------------------------------------------------


def test_every_threshold_can_be_switched_off():
    settings_ = Filter(
        min_document_chars=0,
        min_question_chars=0,
        min_answer_chars=0,
        min_chinese_ratio=0,
        max_symbol_ratio=1,
        max_repetition=1,
        max_line_repetition=1,
        max_run=1,
        no_content=(),
    )
    off = OnTables(settings_)
    for text in ("a", "★☆◆◇" * 10, "啊" * 99, "\n".join(["abc"] * 9)):
        assert reason(Document("k", text), off) is None
        assert reason(Document("k", text)) is not None
    assert reason(Document("k", ""), off) == "empty"


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ({"min_chinese_ratio": 1.2}, "min_chinese_ratio: must be 1 or less"),
        ({"max_run": -0.1}, "max_run: "),
        ({"min_answer_chars": -1}, "min_answer_chars: "),
        ({"max_chars": 0}, "max_chars: "),
        ({"min_chars": 5}, "unknown key 'min_chars'. Did you mean 'max_chars'?"),
    ],
)
def test_settings_are_checked(given_, complaint):
    with pytest.raises(RecipeError) as error:
        checked(Filter, given_, "stages.filter")
    assert complaint in str(error.value)


# --- whatever the text ---------------------------------------------------------------------------

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.lists(
    st.sampled_from(
        [*"头痛发热。a1★ \n\x00", "头痛发热" * 9, "好" * 12, "\n头痛三天。", chinese(60)]
    ),
    max_size=9,
).map("".join)


@st.composite
def any_batch(draw):
    kind = draw(st.sampled_from(records.KINDS))
    some = []
    for i in range(draw(st.integers(1, 5))):
        answers = [Answer(t, rank=k) for k, t in enumerate(draw(st.lists(ANY, max_size=3)))]
        if kind == "document":
            some.append(Document(str(i), draw(ANY), title=draw(st.none() | ANY)))
        elif kind == "thread":
            some.append(QAThread(str(i), draw(ANY), answers, title=draw(st.none() | ANY)))
        else:
            roles = draw(st.lists(st.sampled_from(records.ROLES), max_size=3))
            some.append(Dialogue(str(i), [Message(r, draw(ANY)) for r in roles], answers))
    return batch_of(*some)


@given(any_batch())
def test_the_account_holds_and_rows_stay_aligned(batch):
    result = keep(batch)
    result.batch.validate(full=True)
    assert result.drops.schema == ledger.SCHEMA
    dropped = set(result.drops["id"].to_pylist())
    assert result.batch.num_rows + result.drops.num_rows == batch.num_rows
    assert all(d["rule"] and d["evidence"] for d in result.drops.to_pylist())
    rest = [i for i, row in enumerate(batch["id"].to_pylist()) if row not in dropped]
    expected = batch.take(pa.array(rest, pa.int64()))
    removed = 0
    for column in batch.schema.names:
        if column in ("answers", "candidates"):
            for old, new in zip(
                expected[column].to_pylist(), result.batch[column].to_pylist(), strict=True
            ):
                assert [a for a in old if a in new] == new
                removed += len(old) - len(new)
        else:
            assert result.batch[column].equals(expected[column])
    assert sum(result.counts.values()) == removed


@hypothesis_settings(deadline=None)
@given(any_batch())
def test_filtering_twice_drops_nothing_more(batch):
    once = keep(batch).batch
    assert keep(once).batch.equals(once)


@hypothesis_settings(deadline=None)
@given(any_batch())
def test_neighbours_in_the_batch_have_no_say(batch):
    alone = [
        row for i in range(batch.num_rows) for row in keep(batch.slice(i, 1)).batch.to_pylist()
    ]
    assert keep(batch).batch.to_pylist() == alone


@pytest.mark.parametrize("kind", records.KINDS)
def test_an_empty_batch(kind):
    batch = pa.RecordBatch.from_pylist([], schema=records.SCHEMAS[kind])
    assert keep(batch) == ledger.Result(batch, ledger.rows(batch, "filter", {}), {})


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "piece", ["头", "头痛", "头\n", "\n", " ", "a", "★", "头痛，发热三天了怎么办。\n", "\x00"]
)
def test_a_hostile_megabyte_takes_no_time(piece):
    batch = batch_of(
        Document("k", piece * (1_000_000 // len(piece))), Document("l", chinese(1_000_000))
    )
    assert cpu_seconds(lambda: keep(batch), below=2) < 2
    assert keep(batch).batch["key"].to_pylist() == ["l"]


# --- real data -----------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_pairs_pass(shared_data):
    """Of 7,000 answers the defaults let all pass but one or two, which say nothing."""
    from chimed_datasets import sources
    from chimed_datasets.sources import FileReport
    from chimed_datasets.sources.files.finding import resolve

    layout = sources.layout("qa_csv")
    path = str(shared_data / "qa_csv" / "internal_medicine_sample.csv")
    files = resolve(path, shared_data, shared_data, layout.suffixes)
    read = layout.read(files, layout.options({}), FileReport())
    results = [keep(batch) for batch in records.batches(read, **COMMON)]
    dropped = [row for result in results for row in result.drops.to_pylist()]
    assert len(dropped) <= 2
    assert all(row["evidence"].startswith("score ") for row in dropped)
    assert all(result.counts == {} for result in results)
