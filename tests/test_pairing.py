"""Pairs: what a record offers by each origin, and which pairs of all a build takes."""

from __future__ import annotations

import json
import random
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from chimed_datasets.builders.preference import to_row

from chimed_datasets import build, validate
from chimed_datasets.errors import RecipeError
from chimed_datasets.recipe import parse
from chimed_datasets.records import Answer, Dialogue, Message, QAThread, to_batch
from chimed_datasets.rows import Refusal, builder_settings
from chimed_datasets.rows.labels import labelled
from chimed_datasets.rows.pairs import (
    BY_DEFAULT,
    ORIGINS,
    RULES,
    Settings,
    choose,
    figures,
    pair_hash,
    propose,
    survey,
)
from tests.common.text import prose


def setting(**given):
    return builder_settings({"preference": given})["preference"]


def record(made, origin="human", name="s"):
    """Return a record as a builder gets it."""
    (row,) = labelled(to_batch([made], source=name, license="mit", domain="modern", origin=origin))
    return row


def thread(*answers, key="t"):
    return record(QAThread(key, "头痛怎么办？", list(answers)))


def dialogue(*candidates, key="d", origin="human", **about):
    made = Dialogue(key, [Message("user", "头痛怎么办？")], list(candidates), metadata=about)
    return record(made, origin)


def sides(found):
    return [(p.origin, p.chosen.text, p.rejected.text) for p in found]


A, B, C = "多喝水。", "去看医生。", "捂一捂就好了。"


# --- one record ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "pairs"),
    [
        (
            thread(Answer(A, adopted=False), Answer(B, adopted=True)),
            [("adopted_vs_unadopted", B, A)],
        ),
        (
            thread(Answer(A), Answer(B, recommended=True), Answer(C)),
            [("recommended_vs_other", B, A), ("recommended_vs_other", B, C)],
        ),
        # An adopted one decides; who is merely recommended has no say beside it.
        (
            thread(Answer(A, adopted=True), Answer(B, recommended=True, adopted=False)),
            [("adopted_vs_unadopted", A, B)],
        ),
        (dialogue(Answer(A, rank=1), Answer(B, rank=0)), [("ranked", B, A)]),
        (dialogue(Answer(A, score=4.0), Answer(B, score=2.5)), [("scored", A, B)]),
        # A score decides before a rank.
        (dialogue(Answer(A, score=4.0, rank=1), Answer(B, score=2.5, rank=0)), [("scored", A, B)]),
        (
            dialogue(Answer(A, score=4.0), Answer(B, score=5.0), ranked_by="llm"),
            [("llm_ranked", B, A)],
        ),
        (
            dialogue(Answer(A, ratings=[2.0, 0.0]), Answer(B, ratings=[1.0, 0.5]), ranked_by="rm"),
            [("rm_ranked", A, B)],
        ),
    ],
)  # fmt: skip
def test_what_a_record_offers(made, pairs):
    assert sides(propose(made, Settings())) == pairs


@pytest.mark.parametrize(
    ("made", "rule", "evidence"),
    [
        (thread(Answer(A, adopted=True)), "one_answer", "answers: 1; a pair needs two"),
        (thread(Answer(A), Answer(B)), "not_one_adopted", "0 of 2 answers adopted"),
        (
            thread(Answer(A, adopted=True), Answer(B, adopted=True)),
            "not_one_adopted",
            "2 of 2 answers adopted",
        ),
        (thread(Answer(A, adopted=True), Answer(A, adopted=False)), "equal_sides", A),
        (dialogue(), "one_answer", "candidate replies: 0; a pair needs two"),
        (
            dialogue(Answer(A, score=1.0), Answer(B, score=1.0)),
            "no_strict_margin",
            "scores or ranks [1.0, 1.0]",
        ),
        (
            dialogue(Answer(A), Answer(B, score=1.0)),
            "no_strict_margin",
            "scores or ranks [None, 1.0]",
        ),
        (dialogue(Answer(A), Answer(B, model="m")), "origin_not_used", ", ".join(BY_DEFAULT)),
    ],
)  # fmt: skip
def test_why_a_record_offers_none(made, rule, evidence):
    found = propose(made, Settings())
    assert isinstance(found, Refusal)
    assert found.rule == rule
    assert evidence in found.evidence


def test_votes_margins_and_their_spread():
    made = dialogue(
        Answer(A, ratings=[1.0, -1.0, 0.5, None]),
        Answer(B, ratings=[-1.0, 1.0, 0.5, 2.0]),
        Answer(C, ratings=[-2.0, -2.0, -2.0, -2.0]),
        ranked_by="llm",
        judges="fair, contrary, blind, late",
    )
    (row,) = to_row(made, Settings())  # best against worst
    assert row["pair_origin"] == "llm_ranked"
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == (B, C)
    assert row["scores"]["margin"] == pytest.approx((1 + 3 + 2.5 + 4) / 4)
    assert row["scores"]["std"] == pytest.approx(np.std([1, 3, 2.5, 4]))
    assert row["votes"] == [
        {"by": name, "vote": 1} for name in ("fair", "contrary", "blind", "late")
    ]
    found = propose(made, setting(origins={"llm_ranked": {"pairs": "all"}}))
    # Two judges cancel out and the third sees no difference: no strict margin, so no pair.
    assert sides(found) == [("llm_ranked", A, C), ("llm_ranked", B, C)]
    assert found[0].votes == (("fair", 1), ("contrary", 1), ("blind", 1))  # late rated one side


def test_a_doctor_against_models_is_an_assumption_that_a_recipe_makes():
    own, x, y = Answer(A), Answer(B, model="x"), Answer(C, model="y")
    made = dialogue(own, x, y, origin="llm")
    used = setting(origins={"doctor_vs_model": {}})
    assert sides(propose(made, used)) == [("doctor_vs_model", A, B), ("doctor_vs_model", A, C)]
    (row, _) = to_row(made, used)
    assert row["models"] == {"chosen": None, "rejected": "x"}
    assert row["positions"] == {"chosen": 0, "rejected": 1}
    nobody = dialogue(Answer(A), Answer(B))
    assert propose(nobody, used).rule == "no_strict_margin"


def test_two_replies_make_one_pair_and_the_first_origin_ranks_them():
    made = dialogue(Answer(A, score=-1.0), Answer(B, score=1.0, model="m"), ranked_by="llm")
    for first, second, pair in (
        ("llm_ranked", "doctor_vs_model", ("llm_ranked", B, A)),
        ("doctor_vs_model", "llm_ranked", ("doctor_vs_model", A, B)),
    ):
        assert sides(propose(made, setting(origins={first: {}, second: {}}))) == [pair]


def test_unnamed_replies_of_an_llm_source_are_not_a_doctors():
    (row,) = to_row(dialogue(Answer(A, rank=0), Answer(B, rank=1), origin="llm"), Settings())
    assert row["models"] == {"chosen": "llm", "rejected": "llm"}


def test_a_planted_defect():
    good = "考虑为急性咽炎。可服阿莫西林0.5g，每日三次，口服一周左右。青霉素过敏者禁用。"
    used = setting(origins={"corrupted": {"defects": ["wrong_dose"]}})
    (row,) = to_row(thread(Answer(A), Answer(good, adopted=True)), used)
    assert row["chosen"][0]["content"] == good
    assert row["rejected"][0]["content"] == good.replace("0.5g", "5g")
    assert (row["pair_origin"], row["defect"]) == ("corrupted", "wrong_dose")
    assert row["positions"] == {"chosen": None, "rejected": None}
    talk = Dialogue("d", [Message("user", "嗓子疼？"), Message("assistant", good)])
    (row,) = to_row(record(talk), used)
    said = {"role": "user", "content": "嗓子疼？", "reasoning_content": None}
    assert row["prompt"] == [said]
    (refusal,) = to_row(thread(Answer(A, adopted=True)), used)
    assert refusal == Refusal("no_place_for_defect", A)


def test_ids_do_not_hang_on_limits():
    made = thread(Answer(A, adopted=True), Answer(B), Answer(C))
    rows = list(to_row(made, Settings()))
    assert [row["id"] for row in rows] == [f"{made['id']}-0", f"{made['id']}-1"]
    for use in ({"limit": 1}, {"pairs": "best_worst"}):
        found = list(to_row(made, setting(origins={"adopted_vs_unadopted": use})))
        (row,) = (one for one in found if isinstance(one, dict))
        assert row in rows


# --- all records -----------------------------------------------------------------------------


def scored(key, one, other, origin="rm"):
    return dialogue(
        Answer(one[0], score=one[1]), Answer(other[0], score=other[1]), key=key, ranked_by=origin
    )


def many(count, seed=0, origin="rm"):
    """Return ``count`` records of two replies; in 80 % the longer one is better."""
    draw = random.Random(seed)
    made = []
    for n in range(count):
        short, long = "短" * draw.randint(5, 20), "长" * draw.randint(30, 90)
        better, worse = (long, short) if draw.random() < 0.8 else (short, long)
        made.append(scored(f"k{n}", (better, draw.random() + 1), (worse, draw.random()), origin))
    return made


def chosen(records, settings, splits=None):
    """Return rule -> figures of the pairs."""
    found = figures(records, splits or [0] * len(records), settings)
    choice = choose([found], settings)
    rule = np.array([choice.rule(int(pair)) for pair in found["pair"]])
    return {name: found[rule == name] for name in RULES}


def test_reward_models_lose_both_tails_by_default():
    records = many(200)
    got = chosen(records, setting(origins={"rm_ranked": {}}))
    kept, cut = got[""], got["trimmed_margin"]
    assert (len(kept), len(cut)) == (160, 40)
    low, high = kept["margin"].min(), kept["margin"].max()
    assert sum(cut["margin"] <= low) == sum(cut["margin"] >= high) == 20
    uncut = chosen(records, setting(origins={"rm_ranked": {"trim": [0, 0]}}))
    assert len(uncut[""]) == 200
    judged = many(200, origin="llm")
    assert len(chosen(judged, setting(origins={"llm_ranked": {}}))[""]) == 200


def test_limits_are_by_hash_whatever_the_order():
    records = many(100)
    use = {"rm_ranked": {"limit": 30, "trim": [0, 0]}}
    settings = setting(origins=use)
    got = chosen(records, settings)
    assert (len(got[""]), len(got["over_limit"])) == (30, 70)
    mixed = records[:]
    random.Random(5).shuffle(mixed)
    assert set(chosen(mixed, settings)[""]["pair"]) == set(got[""]["pair"])
    fewer = chosen(records, setting(origins={"rm_ranked": {"limit": 10, "trim": [0, 0]}}))[""]
    assert set(fewer["pair"]) < set(got[""]["pair"])  # a lower limit takes a part of the same


def test_a_limit_is_each_origins_own():
    records = many(50) + many(50, origin="llm")
    for n, one in enumerate(records):
        one["id"] = f"s-{n}"
    origins = {"rm_ranked": {"limit": 5, "trim": [0, 0]}, "llm_ranked": {"limit": 7}}
    kept = chosen(records, setting(origins=origins))[""]
    assert Counter(ORIGINS[code] for code in kept["origin"]) == {"rm_ranked": 5, "llm_ranked": 7}


@pytest.mark.parametrize("seed", range(3))
def test_balanced_lengths_in_every_split(seed):
    records = many(400, seed)
    splits = [n % 3 for n in range(400)]
    settings = setting(origins={"rm_ranked": {"trim": [0, 0]}}, balance_length=True)
    got = chosen(records, settings, splits)
    assert len(got[""]) + len(got["length_balance"]) == 400
    for split in range(3):
        kept = got[""][got[""]["split"] == split]
        longer = np.mean(kept["chosen"] > kept["rejected"])
        assert len(kept) > 20
        assert abs(longer - 0.5) <= 0.02


def test_lengths_outside_the_percentiles_are_refused():
    made = [
        thread(Answer("好" * n, adopted=True), Answer("坏" * (n + 1)), key=str(n))
        for n in range(10, 210)
    ]
    got = chosen(made, setting(length_percentiles=[5, 95]))
    assert 0 < len(got["length_percentile"]) <= 22
    kept = got[""]
    assert kept["chosen"].min() > 10
    assert kept["rejected"].max() < 210


def test_best_against_worst_has_the_widest_margin():
    made = dialogue(*(Answer("字" * (n + 1), score=float(n)) for n in range(5)))
    got = chosen([made], setting(pairs="best_worst"))
    assert (len(got[""]), got[""]["margin"], len(got["other_pair"])) == (1, 4.0, 9)


def test_a_survey_skips_what_can_have_no_pair_and_finds_the_same():
    rows = []
    for n in range(30):
        answers = [Answer(prose(n)), Answer(prose(n + 50), adopted=n % 2 == 0)]
        rows.append(QAThread(str(n), "问？", answers[: 1 + n % 3]))
    batch = to_batch(rows, source="s", license="mit", domain="modern")
    splits = np.arange(30, dtype=np.int8) % 3
    for used in (Settings(), setting(origins={"corrupted": {}, "adopted_vs_unadopted": {}})):
        found = survey(batch, splits, used)
        expected = figures(batch.to_pylist(), splits.tolist(), used)
        assert found.tolist() == expected.tolist()
    assert len(survey(batch.slice(0, 0), splits[:0], Settings())) == 0


def test_a_pairs_hash_is_of_record_and_number():
    one, other = thread(key="a"), thread(key="b")
    hashes = {pair_hash(made, number) for made in (one, other) for number in range(100)}
    assert len(hashes) == 200


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"origins": {"rm_rankd": {}}}, "rm_ranked"),
        ({"origins": {"rm_ranked": {"limt": 3}}}, "limt"),
        ({"origins": {"rm_ranked": {"limit": -1}}}, "must be 0 or more"),
        ({"origins": {"rm_ranked": {"trim": [60, 60]}}}, "trim leaves nothing"),
        ({"origins": {"corrupted": {"trim": [1, 1]}}}, "trim needs margins"),
        ({"origins": {"ranked": {"defects": ["wrong_dose"]}}}, "defects are for 'corrupted' alone"),
        ({"origins": {"corrupted": {"defects": ["wrong_does"]}}}, "wrong_dose"),
    ],
)
def test_bad_settings_name_what_is_wrong(given, message):
    with pytest.raises(RecipeError, match=message):
        setting(**given)


# --- a build ---------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_build_leaves_out_is_in_the_ledger(tmp_path, workers):
    rows = [
        {
            "prompt": prose(n, 20),
            "responses": [
                {"model": "a", "text": prose(1000 + n, 30), "ratings": [n / 10, n / 10 + 1]},
                {"model": "b", "text": prose(2000 + n, 60), "ratings": [0, -1]},
            ],
        }
        for n in range(1, 41)
    ]
    (tmp_path / "rm.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    recipe = {
        "name": "small",
        "sources": [
            {"name": "rm", "layout": "scored", "path": "rm.jsonl", "license": "mit", "by": "rm"}
        ],
        "builders": {"preference": {"origins": {"rm_ranked": {"limit": 20}}}},
    }
    build(parse(recipe, tmp_path), tmp_path / "out", workers=workers)
    tables = [
        pq.read_table(path) for path in sorted((tmp_path / "out/preference").glob("*.parquet"))
    ]
    pairs = [row for table in tables for row in table.to_pylist()]
    assert len(pairs) == 20
    dropped = pq.read_table(tmp_path / "out/ledger/dropped.parquet").to_pylist()
    told = [(row["stage"], row["rule"]) for row in dropped]
    assert told.count(("preference", "trimmed_margin")) == 8
    assert told.count(("preference", "over_limit")) == 12
    for row in pairs:
        assert row["scores"]["margin"] > 0
        assert row["scores"]["std"] == pytest.approx(0.5 * 2)
        assert [vote["vote"] for vote in row["votes"]] == [1, 1]


def test_a_twin_that_a_limit_leaves_out_is_no_fault(tmp_path):
    """Of two equal records one stays in the other's stead; then its pair is over the limit."""
    rows = [
        {"instruction": prose(n, 20), "input": "", "output": [prose(n + 10, 30), prose(n + 20, 40)]}
        for n in (0, 1, 2, 0, 1, 2)
    ]
    (tmp_path / "ranked.json").write_text(json.dumps(rows), "utf-8")
    source = {"name": "r", "layout": "ranked", "path": "ranked.json", "license": "mit"}
    limits = {"origins": {"ranked": {"limit": 1}}}
    recipe = {"name": "small", "sources": [source], "builders": {"preference": limits}}
    build(parse(recipe, tmp_path), tmp_path / "out")
    dropped = pq.read_table(tmp_path / "out/ledger/dropped.parquet").to_pylist()
    over = {row["id"] for row in dropped if row["rule"] == "over_limit"}
    assert len(over) == 2
    assert over <= {row["twin"] for row in dropped}
    assert validate(tmp_path / "out") == []
