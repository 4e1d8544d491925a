"""Reasoning traces: every spelling over every layout comes through, and is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.records import Dialogue, Malformed, QAThread, num_chars
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.sources.parsing.row import RowError
from chimed_datasets.sources.parsing.traces import FIELDS, may_think, told
from tests.common.files import write_jsonl
from tests.common.text import prose

INLINE = {
    "<think>": "<think>\n{t}\n</think>\n\n{r}",
    "<thinking>": "<thinking>{t}</thinking>{r}",
    "<thought>": "<Thought>{t}</Thought>\n{r}",
    "<reasoning>": "<reasoning>{t}</reasoning>\n<answer>{r}</answer>",
    "…</think>": "{t}\n</think>\n\n{r}",
    "<|begin_of_thought|>": "<|begin_of_thought|>{t}<|end_of_thought|>\n"
    "<|begin_of_solution|>{r}<|end_of_solution|>",
    "◁think▷": "◁think▷{t}◁/think▷{r}",
    "[think]": "[THINK]{t}[/THINK]{r}",
    "<seed:think>": "<seed:think>{t}</seed:think>{r}",
}
"""Name by which a spelling is counted -> how trace and reply are written in one text."""
N = 200


def trace(n: int) -> str:
    return f"先想第{n}点：{prose(10_000 + n, 30)}"


def reply(n: int) -> str:
    return f"回答{n}：{prose(20_000 + n, 20)}"


def question(n: int) -> str:
    return f"问题{n}：{prose(30_000 + n, 12)}"


def read(key: str, path: Path, **options):
    """Return the records of a file and the report, as a build reads them, by both ways."""
    found = layout(key)
    files = resolve(str(path), path.parent, path.parent / "unpacked", found.suffixes)
    reports = FileReport(), FileReport()
    checked = found.options(options)
    one = list(found.read(files, checked, reports[0]))
    two = []
    for made in found.read_columns(files, checked, reports[1]):
        two += made.records() if hasattr(made, "fields") else [made]
    assert one == two
    assert reports[0].traces == reports[1].traces
    return one, reports[0].traces


def thoughts(record) -> list[tuple[str, str | None]]:
    """Return (reply, trace) of all replies of a record."""
    if isinstance(record, QAThread):
        return [(a.text, a.reasoning_content) for a in record.answers]
    assert isinstance(record, Dialogue), record
    said = [(m.content, m.reasoning_content) for m in record.messages if m.role == "assistant"]
    return said + [(a.text, a.reasoning_content) for a in record.candidates]


# How each layout writes a row: (question, text of the reply, fields beside the reply) -> row
def _messages(q, text, beside):
    return {"messages": [{"role": "user", "content": q},
                         {"role": "assistant", "content": text, **beside}]}  # fmt: skip


def _conversations(q, text, beside):
    return {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": text}],
            **beside}  # fmt: skip


def _spoken(q, text, beside):
    return {"data": [f"问：{q}", f"答：{text}"], **beside}


ROWS = {
    "sharegpt": (_messages, {}),
    "sharegpt-row": (_conversations, {}),
    "sharegpt-spoken": (_spoken, {}),
    "instruction": (lambda q, t, b: {"instruction": q, "input": "", "output": t, **b}, {}),
    "query_response": (lambda q, t, b: {"query": q, "response": t, **b}, {}),
    "jsonl-thread": (lambda q, t, b: {"q": q, "a": t, **b},
                     {"kind": "thread", "fields": {"question": "q", "answer": "a"}}),
    "jsonl-dialogue": (_messages, {"kind": "dialogue"}),
    "parquet-thread": (lambda q, t, b: {"q": q, "a": t, **b},
                       {"kind": "thread", "fields": {"question": "q", "answer": "a"}}),
    "qa_csv": (lambda q, t, b: {"title": "", "ask": q, "answer": t, **b}, {}),
    "scored": (lambda q, t, b: {"prompt": q, "responses": [
        {"model": "m", "text": t, "score": 2, **b}, {"model": "n", "text": "另一个", "score": 1}]}, {}),
    "generated": (lambda q, t, b: {"kind": "dialogue", "key": q, **_messages(q, t, b)}, {}),
}  # fmt: skip
ONLY_INLINE = {
    "preference_pairs": lambda q, t: {"prompt": q, "chosen": t, "rejected": "不好说。"},
    "preference_pairs-lists": lambda q, t: {
        "chosen": [{"role": "user", "content": q}, {"role": "assistant", "content": t}],
        "rejected": [{"role": "user", "content": q}, {"role": "assistant", "content": "不好说。"}],
    },
    "ranked": lambda q, t: {"instruction": q, "output": [t, "不好说。"]},
    "instruction-history": lambda q, t: {
        "instruction": "还有呢？", "output": "没有了。", "history": [[q, t]],
    },
    "chimed_pages": lambda q, t: {"id": q, "title": "", "question_content": q,
                                  "answers": [{"answer": t, "adopted": "True"}]},
}  # fmt: skip


def write(folder: Path, key: str, rows: list[dict]) -> Path:
    if key == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
        return folder / "rows.parquet"
    if key == "qa_csv":
        names = list(rows[0])
        quoted = [[f'"{row[name]}"' for name in names] for row in rows]
        text = "\n".join(",".join(line) for line in [names, *quoted])
        (folder / "rows.csv").write_text(text, "utf-8")
        return folder / "rows.csv"
    write_jsonl(folder / "rows.jsonl", rows)
    return folder / "rows.jsonl"


def check(key, rows, options, tmp_path, spelling, n=N):
    made, counted = read(key, write(tmp_path, key, rows), **options)
    assert not any(isinstance(record, Malformed) for record in made)
    found = {pair for record in made for pair in thoughts(record)}
    lost = [k for k in range(n) if (reply(k), trace(k)) not in found]
    assert lost == []
    assert counted == {spelling: n}


@pytest.mark.parametrize("name", [*ROWS, *ONLY_INLINE])
@pytest.mark.parametrize("spelling", INLINE)
def test_a_trace_within_the_reply(name, spelling, tmp_path):
    if name == "generated":
        pytest.skip("its rows are records already")
    rows = []
    for n in range(N):
        text = INLINE[spelling].format(t=trace(n), r=reply(n))
        made = ONLY_INLINE[name](question(n), text) if name in ONLY_INLINE else None
        rows.append(made or ROWS[name][0](question(n), text, {}))
    options = ROWS[name][1] if name in ROWS else {}
    check(name.partition("-")[0], rows, options, tmp_path, spelling)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("field", FIELDS)
def test_a_trace_beside_the_reply(name, field, tmp_path):
    if name == "generated" and field != "reasoning_content":
        pytest.skip("its rows are records already")
    shape, options = ROWS[name]
    rows = [shape(question(n), reply(n), {field: trace(n)}) for n in range(N)]
    if name == "generated":
        made, _ = read("generated", write(tmp_path, "generated", rows))
        assert [thoughts(record) for record in made] == [[(reply(n), trace(n))] for n in range(N)]
        return
    check(name.partition("-")[0], rows, options, tmp_path, field)


@pytest.mark.parametrize("kind", ["thread", "dialogue"])
@pytest.mark.parametrize("key", ["jsonl", "parquet"])
def test_a_trace_by_a_mapping(kind, key, tmp_path):
    rows, fields = [], {"reasoning_content": "notes.before"}
    for n in range(N):
        shape = _messages(question(n), reply(n), {}) if kind == "dialogue" else {
            "question": question(n), "answer": reply(n)}  # fmt: skip
        rows.append({**shape, "notes": {"before": trace(n)}})
    options = {"kind": kind, "fields": fields}
    check(key, rows, options, tmp_path, "reasoning_content")


def test_medical_o1_and_its_like(tmp_path):
    """The columns of the sets that most people train on, as `jsonl` with a mapping of two."""
    for q, t, a in [
        ("Question", "Complex_CoT", "Response"),
        ("question", "reasoning (reasoning_content)", "response (content)"),
        ("question", "think", "answer"),
    ]:
        rows = [{q: question(n), t: trace(n), a: reply(n)} for n in range(N)]
        options = {"kind": "thread", "fields": {"question": q, "answer": a}}
        check("jsonl", rows, options, tmp_path, t)


def test_a_trace_of_nobody_becomes_metadata(tmp_path):
    rows = [{"prompt": question(1), "chosen": "甲", "rejected": "乙", "reasoning": trace(1)}]
    made, _ = read("preference_pairs", write(tmp_path, "", rows))
    assert made[0].metadata == {"reasoning": trace(1)}
    rows = [{"question": question(1), "answer": ["甲", "乙"], "thinking": trace(1)}]
    made, _ = read("jsonl", write(tmp_path, "", rows), kind="thread")
    assert made[0].metadata == {"thinking": trace(1)}
    assert [a.reasoning_content for a in made[0].answers] == [None, None]


FATES = [
    # text, beside -> reply, trace, counted
    ("答", None, "答", None, {}),
    ("<think></think>答", None, "答", None, {"empty": 1}),
    ("<think>\n\n</think>\n\n答", None, "答", None, {"empty": 1}),
    ("答", {"reasoning_content": ""}, "答", None, {"empty": 1}),
    ("答", {"thinking": None}, "答", None, {}),
    ("答", {"thinking": True, "cot": "想"}, "答", "想", {"cot": 1}),
    ("答", {"thinking": ["一", "二"]}, "答", "一\n二", {"thinking": 1}),
    ("<think>甲</think><think>乙</think>答", None, "答", "甲\n\n乙", {"<think>": 2}),
    ("好。<think>甲</think>答", None, "好。答", "甲", {"<think>": 1}),
    ("<think>甲<think>乙</think>答", None, "答", "甲<think>乙", {"<think>": 1}),
    ("<think>甲</think>答</think>完", None, "答完", "甲", {"<think>": 1}),
    ("<think>甲</think>答", {"reasoning_content": "甲"}, "答", "甲",
     {"reasoning_content": 1, "<think>": 1}),
    ("<think>甲</think>答", {"reasoning_content": "乙"}, "答", "乙\n\n甲",
     {"reasoning_content": 1, "<think>": 1}),
    ("<think>甲</think>\n\n<response>答</response>\n", None, "答", "甲", {"<think>": 1}),
    ("P<0.05，血氧<93%[1]", None, "P<0.05，血氧<93%[1]", None, {}),
    ("<answer>答</answer>", None, "<answer>答</answer>", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "beside", "said", "thought", "counted"), FATES)
def test_fates(text, beside, said, thought, counted):
    spelt: dict[str, int] = {}
    assert told(text, beside, spelt) == (said, thought)
    assert spelt == counted


@pytest.mark.parametrize(
    "text", ["<think>没有想完", "<think>想完了</think>", "想完了</think>  ", "答<think>又想"]
)
def test_a_thought_without_an_end_or_a_reply(text, tmp_path):
    spelt: dict[str, int] = {}
    with pytest.raises(RowError) as error:
        told(text, None, spelt)
    assert error.value.rule == "unfinished_thought"
    assert spelt["unfinished"] == 1
    rows = [{"instruction": "头痛？", "output": text}]
    (made,), counted = read("instruction", write(tmp_path, "", rows))
    assert (made.rule, counted["unfinished"]) == ("unfinished_thought", 1)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "查药价"},
                      {"role": "assistant", "content": "", "tool_calls": [{"id": 1}]}]},
        {"messages": [{"role": "user", "content": "查药价"}, {"role": "tool", "content": "{}"}]},
        {"conversations": [{"from": "human", "value": "查药价"},
                           {"from": "observation", "value": "{}"}]},
        {"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}],
         "tools": "[{}]"},
    ],
)  # fmt: skip
def test_dialogues_with_tools_are_refused_by_name(row, tmp_path):
    (made,), _ = read("sharegpt", write(tmp_path, "", [row]))
    assert made.rule == "tool_use"


def test_developer_is_system(tmp_path):
    row = {"messages": [{"role": "developer", "content": "你是医生。"},
                        *_messages("问", "答", {})["messages"]]}  # fmt: skip
    (made,), _ = read("sharegpt", write(tmp_path, "", [row]))
    assert [m.role for m in made.messages] == ["system", "user", "assistant"]


@given(st.text(st.characters(exclude_characters="<>[]◁▷"), min_size=1), st.text())
def test_what_has_no_mark_is_left_alone(text, other):
    assert told(text, None, {}) == (text, None)
    assert may_think(text) is False
    assert isinstance(may_think(other), bool)


PLAIN = st.text(st.characters(exclude_characters="<>[]◁▷", codec="utf-8"), min_size=1).filter(
    str.strip
)


@given(PLAIN, PLAIN, st.sampled_from(sorted(INLINE)))
def test_what_was_joined_is_parted(thought, said, spelling):
    text = INLINE[spelling].format(t=thought, r=said)
    assert told(text, None, {}) == (said.strip(), thought.strip())


def test_the_bound_of_a_batch_sees_traces(tmp_path):
    rows = [_messages(question(1), reply(1), {"reasoning_content": trace(1)})]
    (made,), _ = read("sharegpt", write(tmp_path, "", rows))
    assert num_chars(made) == len(question(1)) + len(reply(1)) + len(trace(1))
    assert json.dumps(rows)  # the row itself is plain JSON
