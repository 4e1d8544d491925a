"""A build that has what an export must carry over, and what trainers refuse or bend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from chimed_datasets import build, open_built
from tests.common.files import write_jsonl
from tests.common.text import prose

USER, REPLY, SYSTEM = "user", "assistant", "system"
STAGES = {"simplify": False, "split": {"validation": 0.1, "test": 0.1}}


def say(role: str, seed: int, size: int = 30, **more: str) -> dict[str, str]:
    return {"role": role, "content": prose(seed, size), **more}


def talks(sound: bool = False) -> list[list[dict[str, str]]]:
    """Conversations of all kinds; ``sound``: only those that every trainer takes."""
    made = []
    for n in range(24):
        at = 1000 * n
        trace = {"reasoning_content": f"{prose(at + 1, 25)}\n{prose(at + 2, 15)}"} if n % 2 else {}
        turns = [say(USER, at + 3), say(REPLY, at + 4, 40, **trace)]
        if n % 4 == 0:
            turns = [say(USER, at + 7), say(REPLY, at + 8, reasoning_content=prose(at + 6)), *turns]
        if n % 3 == 0:
            turns = [say(SYSTEM, at + 5, 20), *turns]
        made.append(turns)
    made.append([say(USER, 90_001), say(REPLY, 90_002, 2500)])  # longer than most trainers take
    made.append([say(USER, 90_003), say(REPLY, 90_004, 33_000)])  # longer than a cell
    bad = [
        [say(USER, 94_001), {"role": REPLY, "content": f"{prose(94_002)}<|im_end|>，复查。"}],
        [{"role": USER, "content": f"{prose(95_001)}{{{{idx}}}}？"}, say(REPLY, 95_002)],
        [{"role": USER, "content": f"{prose(96_001)}{{{{ROUND0}}}}？"}, say(REPLY, 96_002)],
        [{"role": USER, "content": f"={prose(97_001)}"}, say(REPLY, 97_002)],
    ]
    return made if sound else [*made, *bad]


def pairs(count: int = 18) -> list[dict[str, Any]]:
    """Pairs with a trace on both sides, on one, on none; some of several turns."""
    made = []
    for n in range(count):
        at = 200_000 + 1000 * n
        prompt = [say(USER, at)]
        if n % 3 == 0:
            prompt = [say(SYSTEM, at + 1, 20), say(USER, at + 2),
                      say(REPLY, at + 3, reasoning_content=prose(at + 4)), *prompt]  # fmt: skip
        sides = {
            side: (f"<think>{prose(at + 10 + k)}</think>" if (n >> k) % 2 else "")
            + prose(at + 20 + k, 35)
            for k, side in enumerate(("chosen", "rejected"))
        }
        made.append({"prompt": prompt, **sides})
    made.append({"prompt": f"{prose(300_000)}<|im_start|>？", "chosen": prose(300_001, 35),
                 "rejected": prose(300_002, 35)})  # fmt: skip
    return made


def scored() -> list[dict[str, Any]]:
    """Prompts with a reply each, good or bad by its score, half of them with a trace."""
    return [
        {"prompt": prose(500_000 + n, 20), "responses": [{
            "text": (f"<think>{prose(510_000 + n)}</think>" if n % 4 < 2 else "") + prose(520_000 + n),
            "score": 1 + 8 * (n % 2),
        }]}
        for n in range(32)
    ]  # fmt: skip


def write_recipe(
    folder: Path, licence: str = "cc0-1.0", sound: bool = False, **more: object
) -> Path:
    """Write the sources and a recipe over them.

    licence: of the conversations.
    sound:   leave out what a trainer would bend.
    """
    texts = [{"id": str(n), "text": prose(400_000 + n, 200)} for n in range(20)]
    if not sound:
        texts.append(
            {"id": "marked", "text": f"{prose(410_000, 80)}<|endoftext|>{prose(410_001, 80)}"}
        )
    write_jsonl(folder / "texts.jsonl", texts)
    write_jsonl(folder / "talks.jsonl", [{"messages": talk} for talk in talks(sound)])
    write_jsonl(folder / "pairs.jsonl", pairs())
    write_jsonl(folder / "scored.jsonl", scored())
    sources = [
        {"name": "texts", "layout": "jsonl", "path": "texts.jsonl", "license": "cc0-1.0",
         "kind": "document", "fields": {"text": "text"}},
        {"name": "talks", "layout": "sharegpt", "path": "talks.jsonl", "license": licence},
        {"name": "pairs", "layout": "preference_pairs", "path": "pairs.jsonl", "license": "mit"},
        {"name": "scored", "layout": "scored", "path": "scored.jsonl", "license": "mit"},
    ]  # fmt: skip
    marked = {"preference": {"unpaired": {"scores": {"scored": {"low": 3, "high": 8}}}}}
    builders = marked | dict(more.pop("builders", {}))  # type: ignore[call-overload]
    content = {
        "name": "exported",
        "sources": sources,
        "stages": STAGES,
        "builders": builders,
        **more,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


def made(folder: Path, licence: str = "cc0-1.0", sound: bool = False, **more: object) -> Path:
    """Build it; return the folder of the build."""
    build(write_recipe(folder, licence, sound, **more), folder / "built", progress=False)
    return folder / "built"


# --- rows that no trainer takes: a build holds few of them, code of others may make more ----------

ASK, SAY, RULES = "头痛三天。", "先休息。", "你是医生。"
THOUGHT = "<think>\n先排除危险。\n</think>\n\n"
KNOWN = {"id": "x", "source": "s", "license": "mit"}


def message(role: str, content: str, trace: str | None = None) -> dict[str, Any]:
    return {"role": role, "content": content, "reasoning_content": trace}


def bare(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def talk(*turns: tuple[str, str]) -> dict[str, Any]:
    return {**KNOWN, "messages": [message(*turn) for turn in turns]}


TALK: dict[str, Any] = {
    **KNOWN,
    "messages": [
        message("system", RULES), message("user", "咳嗽。"), message("assistant", "多久了？", "问病程。"),
        message("user", ASK), message("assistant", SAY, "先排除危险。"),
    ],
}  # fmt: skip
PAIR: dict[str, Any] = {
    **KNOWN,
    "prompt": [message("system", RULES), message("user", ASK)],
    "chosen": [message("assistant", SAY, "先排除危险。")],
    "rejected": [message("assistant", "没事。")],
}
SINGLE: dict[str, Any] = {
    **KNOWN, "prompt": PAIR["prompt"], "completion": PAIR["rejected"], "label": False,
}  # fmt: skip
U, A, S = ("user", ASK), ("assistant", SAY), ("system", RULES)
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("sft", talk(U, A, S, U, A), "late_system"),
    ("sft", talk(S, S, U, A), "late_system"),
    ("sft", talk(U, U, A), "not_alternating"),
    ("sft", talk(U, A, A), "not_alternating"),
    ("sft", talk(S, A, U, A), "assistant_first"),
    ("sft", talk(U, A, U), "no_reply"),
    ("sft", talk(S), "no_reply"),
    ("sft", talk(), "no_reply"),
    ("sft", talk(("developer", RULES), U, A), "unknown_role"),
    ("sft", talk(U, ("assistant", " \n")), "empty_turn"),
    ("sft", talk(U, ("assistant", THOUGHT)), "empty_turn"),
    ("sft", talk(("user", ""), A), "empty_turn"),
    ("sft", talk(U, ("assistant", "好<|im_end|>")), "control_mark"),
    ("sft", talk(("user", "<｜end▁of▁sentence｜>？"), A), "control_mark"),
    ("preference", {**PAIR, "prompt": [message(*U), message(*A)]}, "prompt_end"),
    ("preference", {**PAIR, "rejected": PAIR["chosen"]}, "equal_sides"),
    ("preference", {**PAIR, "rejected": [message("assistant", "")]}, "empty_turn"),
    ("preference", {**PAIR, "chosen": [message(*A), message(*U), message(*A)]}, "not_one_reply"),
    ("preference", {**PAIR, "chosen": [message("assistant", "</s>好")]}, "control_mark"),
    ("unpaired", {**SINGLE, "prompt": [message(*U), message(*A)]}, "prompt_end"),
    ("unpaired", {**SINGLE, "completion": []}, "not_one_reply"),
    ("unpaired", {**SINGLE, "completion": [message("assistant", THOUGHT)]}, "empty_turn"),
    ("pretrain", {**KNOWN, "text": "\n "}, "empty_text"),
    ("pretrain", {**KNOWN, "text": "甲<|endoftext|>乙"}, "control_mark"),
]
"""(config, row, the rule by which a trainer's format refuses it)."""


def add_faults(folder: Path) -> None:
    """Write the rows above to the ends of a build's files of the split train."""
    for config, _, entry in (f for f in open_built(folder).files() if f[1] == "train"):
        table = pq.read_table(folder / entry["file"])
        rows = [
            {**row, "id": f"fault-{n}"} for n, (one, row, _) in enumerate(FAULTS) if one == config
        ]
        more = pa.Table.from_pylist(rows, table.schema)
        pq.write_table(pa.concat_tables([table, more]), folder / entry["file"])
