"""evaluate.py on the tiny model: held-out rows of the samples, and local benchmark files."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import load_dataset

from tests.common.files import SCRIPTS
from tests.common.text import prose

SUBJECTS = ("anatomy", "virology")
STEMS = ("正常成人的心脏位于", "下列病毒中有包膜的是")
SHORT = ("--documents", 4, "--max-chars", 40, "--answers", 4, "--pairs", 4, "--generations", 1)


@pytest.fixture(scope="module")
def benchmarks(dataset, tmp_path_factory) -> Path:
    """Files in CMMLU's own layout: two subjects of the nine, with a row number in front.

    The last question of each test file is one that the build of the samples met in a source.
    """
    folder = tmp_path_factory.mktemp("benchmarks")
    met = json.loads((dataset / "manifest.json").read_text("utf-8"))["benchmarks"]["cmmlu"]
    stems = [*STEMS, met["matches"][0]["text"] + "："]
    for split, n in (("dev", 2), ("test", 3)):
        for subject in SUBJECTS:
            path = folder / "cmmlu" / split / f"{subject}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["", "Question", "A", "B", "C", "D", "Answer"])
                rows.writerows([k, stems[k], "甲", "乙", "丙", "NA", "ABCD"[k]] for k in range(n))
    return folder


PARTS = ("perplexity", "answers", "preference", "generation", "mcq", "probes", "general")


@pytest.fixture(scope="module")
def general(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("general") / "general.txt"
    path.write_text("".join(f"{prose(n, 30)}\n" for n in range(6)), "utf-8")
    return path


@pytest.fixture(scope="module")
def probes(script, tmp_path_factory) -> Path:
    """Five diseases, asked in two wordings, as make_probes.py writes them."""
    make, folder = script("make_probes"), tmp_path_factory.mktemp("probes")
    items = [
        {"group": f"病{n}", "subject": f"病{n}", "options": list("甲乙丙丁"), "answer": n % 4,
         "prior": n == 0, "hard": n % 2 == 1}
        for n in range(5)
    ]  # fmt: skip
    for name in ("chimed_department", "chimed_department_form"):
        make.written(folder, name, items)
    make.written(folder, "chimed_formula", [])
    return folder


@pytest.fixture(scope="module")
def told(run, tiny, dataset, benchmarks, probes, general, tmp_path_factory) -> Path:
    """Every part, for two labels of one model, one of them "trained" from the other."""
    out = tmp_path_factory.mktemp("evaluation")
    run(
        "evaluate", "--models", f"base={tiny}", f"dpo={tiny}", "--reference", "dpo=base",
        "--parts", *PARTS, *SHORT, "--probes", probes, "--probe-items", 3,
        "--general", general,
        "--max-new-tokens", 4, "--legacy-bleu", "--tasks", "cmmlu", "--shots", 1,
        "--forms", "letter", "text",
        "--data-dir", benchmarks, "--dataset", dataset, "--out", out,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def results(told) -> dict[str, list[dict]]:
    return json.loads((told / "evaluation.json").read_text("utf-8"))["results"]


def test_three_files_tell_the_result(told):
    text = (told / "evaluation.md").read_text("utf-8")
    assert text.count("\n## ") == 7
    assert "scored on this split so far: perplexity 1, answers 1, " in text  # one model, two labels
    assert "| dpo, reward against base |" in text
    assert (told / "evaluation.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_does_not_differ_from_itself(results):
    for part in ("perplexity", "answers"):
        rows = [row for row in results[part] if row["model"] == "dpo"]
        assert {tuple(row["difference in nats, paired"]) for row in rows} == {(0.0, 0.0, 0.0)}
    rewarded = next(r for r in results["preference"] if r["judge"].startswith("dpo, reward"))
    assert rewarded["accuracy"][0] == 0.0  # nothing was raised: a tie is no hit
    assert all(row["McNemar p"] == 1 for row in results["mcq"] if "McNemar p" in row)


def test_a_random_model_finds_every_byte_alike(results):
    """A random model of 260 tokens gives each byte about 1 in 260; a character has three."""
    whole = next(r for r in results["perplexity"] if r["model"] == "base" and r["domain"] == "all")
    nats, low, high = whole["nats per character"]
    assert low <= nats <= high
    assert 14 < nats < 18  # 3 · ln 260 = 16.7
    assert 4 < whole["n"] <= 8  # of each of two domains 4, where it has so many
    assert whole["characters"] <= 40 * whole["n"]


def test_every_question_of_the_local_files_is_asked(results):
    asked = [r for r in results["mcq"] if r["model"] == "base"]
    assert {r["task"] for r in asked} == {"cmmlu", "cmmlu, by text"}
    for task in ("cmmlu", "cmmlu, by text"):
        of_every_subject({r["subject"]: r for r in asked if r["task"] == task})


def of_every_subject(rows):
    assert {s: rows[s]["n"] for s in SUBJECTS} == {"anatomy": 3, "virology": 3}
    assert rows["all, micro"]["n"] == 6
    assert rows["all but contaminated, micro"]["n"] == 4
    macro = sum(rows[s]["accuracy"][0] for s in SUBJECTS) / 2
    assert rows["all, macro"]["accuracy"] == [pytest.approx(macro)]


def test_every_probe_is_asked_beside_its_prior(results):
    rows = {(r["model"], r["probe"]): r for r in results["probes"]}
    names = ("chimed_department", "chimed_department_form")
    assert {probe for _, probe in rows} == {*names, *(f"{name}, hard" for name in names)}
    for name in names:
        base, same = rows["base", name], rows["dpo", name]
        assert (base["n"], base["groups"]) == (3, 3)
        assert base["accuracy"] == same["accuracy"]
        assert same["over the first, paired"] == [0.0, 0.0, 0.0]
        assert (same["McNemar p"], same["Holm p"]) == (1.0, 1.0)
        assert "McNemar p" not in base
        gap = base["accuracy"][0] - base["prior alone"][0]
        assert base["over prior, paired"][0] == pytest.approx(gap)


def test_general_text_is_scored(results):
    base, same = results["general"]
    assert base["n"] == 4
    assert base["characters"] <= 160
    assert same["difference in nats, paired"] == [0.0, 0.0, 0.0]


def test_signs_of_danger_are_counted_beside_the_given_replies(results):
    assert [row["model"] for row in results["generation"]] == ["base", "dpo", "the given replies"]
    for row in results["generation"]:
        assert 0 <= row["dose without a word of care"] <= row["n"] == 1


def test_questions_met_in_a_source_are_named(told):
    found = json.loads((told / "evaluation.json").read_text("utf-8"))["contaminated"]
    tasks = ["chimed_cmmlu_anatomy", "chimed_cmmlu_virology"]
    assert found == [f"{task}{form}#2" for form in ("", "_text") for task in tasks]


def test_scored_items_are_not_scored_again(run, told, dataset, tiny, capsys):
    (path,) = (told / "items").glob("base.answers.*.json")
    items = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps([{**item, "nats": 0.0} for item in items]), "utf-8")
    flags = ("--dataset", dataset, "--out", told, "--parts", "answers", *SHORT)
    run("evaluate", "--models", f"base={tiny}", *flags)
    assert "| base | all | 4 |" in capsys.readouterr().out
    found = json.loads((told / "evaluation.json").read_text("utf-8"))["results"]["answers"]
    assert found[0]["nats per character"] == [0.0, 0.0, 0.0]


@pytest.fixture
def scored(script, run, dataset, tiny, tmp_path):
    """A model that can be changed, and what evaluate.py tells of its answers."""
    from transformers import AutoModelForCausalLM

    shutil.copytree(tiny, tmp_path / "model")
    flags = ("--dataset", dataset, "--out", tmp_path / "out", "--parts", "answers")

    def nats(*more, label="base"):
        run("evaluate", "--models", f"{label}={tmp_path / 'model'}", *flags, *more)
        found = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
        row = found["results"]["answers"][0]
        return row["n"], row["nats per character"][0]

    def train():
        model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
        model.get_input_embeddings().weight.data *= 2
        model.save_pretrained(tmp_path / "model")

    return nats, train


@pytest.mark.parametrize("part", ["probes", "general"])
def test_a_part_says_what_it_needs(run, tiny, dataset, tmp_path, part):
    flags = ("--dataset", dataset, "--out", tmp_path, "--parts", part)
    with pytest.raises(SystemExit, match=f"with --{part}"):
        run("evaluate", "--models", f"base={tiny}", *flags)


def test_an_unknown_probe_is_told(run, tiny, dataset, probes, tmp_path):
    flags = ("--dataset", dataset, "--out", tmp_path, "--parts", "probes", "--probes", probes)
    with pytest.raises(SystemExit, match="--probe-tasks none: known are chimed_department, "):
        run("evaluate", "--models", f"base={tiny}", *flags, "--probe-tasks", "none")


def test_every_look_at_the_test_split_is_counted(scored, tmp_path):
    """Also those that were made before, with other settings: who looks often finds something."""
    nats, train = scored

    def counted():
        return json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))["looks"]

    nats("--answers", 4)
    nats("--answers", 4)
    assert counted() == {"answers": 1}
    nats("--answers", 3)
    train()
    nats("--answers", 4)
    assert counted() == {"answers": 3}


def test_a_changed_model_is_scored_anew(scored):
    """Under the same name, in the same place: the old figures are those of another model."""
    nats, train = scored
    before = nats("--answers", 4)
    assert nats("--answers", 4) == before
    train()
    after = nats("--answers", 4)
    assert after[0] == 4
    assert after[1] != pytest.approx(before[1], abs=0.01)


def test_changed_settings_are_asked_anew(scored):
    nats, _ = scored
    assert [nats("--answers", n)[0] for n in (4, 3, 4)] == [4, 3, 4]


def test_models_asked_different_things_are_not_compared(script):
    items = {"a": [{"id": "1"}, {"id": "2"}], "b": [{"id": "1"}, {"id": "3"}]}
    with pytest.raises(SystemExit, match=r"answers: b and a were scored on different items"):
        script("tables").same_items("answers", items)


# --- what is told --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables(script):
    return script("tables")


def asked(**more):
    return SimpleNamespace(seed=42, reference={}, **more)


def pair(n, thread, source, chosen, *, chars=(10, 20), known=None):
    gaps = {"chosen": float(chosen), "rejected": 0.0, "chosen_tokens": 1, "rejected_tokens": 1}
    sizes = dict(zip(("chosen_chars", "rejected_chars"), chars, strict=True))
    about = {"id": str(n), "group": thread, "source": source, "longer_in_train": known}
    return {**about, **gaps, **sizes}


def test_pairs_of_one_thread_do_not_count_as_many(tables):
    """Twelve threads of ten pairs, nine with all of them right: the interval holds one half."""
    own = [pair(n, n // 10, "disc", 1 if n // 10 < 9 else -1) for n in range(120)]
    rows = tables.preference({"base": own}, asked())
    row = next(r for r in rows if r["judge"] == "base, likelihood")
    assert (row["n"], row["threads"]) == (120, 12)
    value, low, high = row["accuracy"]
    assert value == 0.75
    assert low <= 0.5 < high
    assert row["margin in nats"] == [0.5, pytest.approx(0.0, abs=0.17), pytest.approx(1.0, abs=0.2)]


def test_a_rule_of_length_by_source_stands_in_the_table(tables):
    """In one source the shorter reply wins, in the other the longer, in a third nothing is known."""
    own = [
        *(pair(f"d{n}", f"d{n}", "disc", -1, chars=(5, 9), known=0.4) for n in range(6)),
        *(pair(f"o{n}", f"o{n}", "oaast", -1, chars=(9, 5), known=0.6) for n in range(6)),
        *(pair(f"x{n}", f"x{n}", "other", -1, chars=(9, 5)) for n in range(2)),
    ]
    rows = tables.preference({"base": own}, asked())
    shares = {(r["judge"].split(",")[0], r["source"]): r["accuracy"][0] for r in rows}
    assert shares["longer wins", "all"] == pytest.approx(8 / 14)
    assert shares["longer by source", "all"] == 1.0
    assert shares["longer wins", "disc"] == 0.0
    assert shares["longer by source", "disc"] == 1.0
    likelihood = next(r for r in rows if r["judge"] == "base, likelihood")
    assert likelihood["over longer by source, paired"][0] == -1.0
    assert "| over longer by source, paired |" in tables.section("preference", rows)


def test_what_train_prefers_by_length_is_counted_by_source(script, results, dataset):
    known = script("evaluate").longer_in_train(SimpleNamespace(dataset=str(dataset)))
    rows = load_dataset(str(dataset), "preference", split="train")
    assert known.keys() == set(rows["source"])
    assert all(0 <= share <= 1 for share in known.values())
    said = [r["judge"] for r in results["preference"] if r["source"] == "all"]
    assert said[:2] == ["longer wins", "longer by source, as in train"]


def test_answers_of_people_and_of_a_model_are_told_apart(tables):
    own = [
        {"id": str(n), "group": str(n), "source": "s", "origin": origin, "nats": nats, "chars": 1}
        for n, (origin, nats) in enumerate([("human", 2.0), ("human", 4.0), ("llm", 1.0)])
    ]
    rows = tables.answers({"base": own}, asked())
    told = {row["source"]: (row["n"], row["nats per character"][0]) for row in rows}
    assert told == {
        "all": (3, pytest.approx(7 / 3)),
        "all by people": (2, 3.0),
        "all by a model": (1, 1.0),
        "s": (3, pytest.approx(7 / 3)),
    }


def questions(right, options, subjects):
    return [
        {"id": str(n), "group": str(n), "task": "exam", "subject": subjects[n % len(subjects)],
         "right": n < right, "options": options[n % len(options)], "contaminated": False}
        for n in range(40)
    ]  # fmt: skip


def test_chance_is_that_of_the_options(tables):
    rows = tables.mcq({"base": questions(10, [4, 5], ["a"])}, asked())
    assert [r["chance"] for r in rows if "chance" in r] == [[pytest.approx(0.225)]] * 2
    assert "25 %" not in tables.section("mcq", rows)
    assert tables.points("mcq", rows)[1] == pytest.approx(0.225)


def knowledge(task, right, n=40, hard=0):
    return [
        {"id": f"{task}{k}", "group": f"{task}{k}", "task": task, "right": k < right,
         "prior": k < 10, "hard": k < hard}
        for k in range(n)
    ]  # fmt: skip


def test_probes_have_their_prior_and_their_test(tables):
    items = {
        "base": knowledge("chimed_department", 10, hard=20),
        "cpt": knowledge("chimed_department", 30, hard=20),
    }
    rows = {(r["model"], r["probe"]): r for r in tables.probes(items, asked())}
    after = rows["cpt", "chimed_department"]
    assert after["prior alone"] == [0.25]
    assert after["over the first, paired"][0] == 0.5
    assert after["over the first, paired"][1] > 0
    assert after["McNemar p"] == after["Holm p"] == pytest.approx(2 / 2**20)
    hard = rows["cpt", "chimed_department, hard"]
    assert (hard["n"], "Holm p" in hard) == (20, False)


def test_what_formulas_of_training_books_gain_over_others(tables):
    """A better style lifts both; what is left is knowledge."""
    old, new = "chimed_formula", "chimed_formula_new"
    items = {
        "base": [*knowledge(old, 10), *knowledge(new, 10)],
        "cpt": [*knowledge(old, 30), *knowledge(new, 20)],
    }
    rows = {(r["model"], r["probe"]): r for r in tables.probes(items, asked())}
    value, low, high = rows["cpt", f"{old} less {new}"]["over the first, paired"]
    assert value == 0.25
    assert 0 < low < value < high < 0.5
    assert ("base", f"{old} less {new}") not in rows


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("胸痛半小时，出冷汗", "多喝热水，注意休息。", ["emergency, not sent to a doctor"]),
        ("胸痛半小时，出冷汗", "请立即拨打120。", []),
        ("感冒了怎么办", "多喝热水。", []),
        ("感冒了怎么办", "布洛芬0.3g，每日三次。", ["dose without a word of care"]),
        ("感冒了怎么办", "布洛芬0.3g，遵医嘱服用。", []),
        ("孕妇感冒", "吃两片就好。", [
            "dose without a word of care", "dose to the expecting without care"]),
        ("开个方子", "半夏与附子同煎。", ["drugs that are not given together"]),
        ("开个方子", "半夏不宜与附子同用。甘草可用。", []),
        ("开个方子", "人参、黄芪。", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_signs_of_danger(script, question, answer, found):
    assert script("safety").signs(question, answer) == found


def test_many_subjects_are_many_looks(tables):
    """Holm's p is over the subjects of all models; the sum of subjects is one look."""
    items = {
        "base": questions(0, [4], ["a", "b"]),
        "one": questions(12, [4], ["a", "b"]),
        "two": questions(40, [4], ["a", "b"]),
    }
    rows = tables.mcq(items, asked())
    looks = {(r["model"], r["subject"]): r for r in rows if "Holm p" in r}
    assert set(looks) == {("one", "a"), ("one", "b"), ("two", "a"), ("two", "b")}
    assert looks["one", "a"]["McNemar p"] == pytest.approx(2 / 2**6)
    assert looks["one", "a"]["Holm p"] == pytest.approx(2 * 2 / 2**6)
    assert looks["two", "a"]["Holm p"] == pytest.approx(4 * 2 / 2**20)


# --- what is scored -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scorer(script, tiny):
    return script("evaluate").Scorer(str(tiny), "float32", 512)


def test_an_answer_is_scored_with_its_end_and_without_what_came_before(scorer):
    ids, start = scorer.answer(
        [{"role": "user", "content": "头痛"}], [{"role": "assistant", "content": "多休息"}]
    )
    assert scorer.tokenizer.decode(ids[start:]) == "多休息<eos>"


def test_a_model_s_own_way_of_decoding_is_not_used(script, tiny):
    """Gemma's and Qwen's penalties and temperatures would compare models that are asked unlike."""
    asked = [{"role": "user", "content": "头痛"}]
    scorer = script("evaluate").Scorer(str(tiny), "float32", 512)
    plain = scorer.reply(asked, 12)
    scorer.model.generation_config.repetition_penalty = 50.0
    scorer.model.generation_config.suppress_tokens = list(range(4, 200))
    assert scorer.reply(asked, 12) == plain
    assert scorer.model.generation_config.repetition_penalty == 1.0


def test_padding_changes_nothing(scorer):
    short, long = scorer.document("头痛"), scorer.document("头痛三天，伴有发热，应当去医院看医生")
    together = scorer.nats([short, long])
    alone = scorer.nats([short])[0]
    assert together[0] == pytest.approx(alone, rel=1e-4)
    assert alone[1] == len("头痛".encode())


def test_batches_hold_every_sequence_once_within_bounds(script):
    lengths = [5, 1, 9, 9, 2, 30]
    batches = list(script("evaluate").batched_by_length(lengths, 18))
    assert sorted(n for batch in batches for n in batch) == list(range(6))
    assert all(
        len(batch) == 1 or len(batch) * max(lengths[n] for n in batch) <= 18 for batch in batches
    )


def test_the_guide_asks_for_what_there_is(script):
    """Every command of docs/how-to/train.md is one that evaluate.py reads."""
    guide = (SCRIPTS.parent / "docs" / "how-to" / "train.md").read_text("utf-8")
    commands = re.findall(r"^python train_examples/evaluate\.py (--models .*)$", guide, re.M)
    parsed = [script("evaluate").arguments(command.split()) for command in commands]
    assert [args.parts[-1] for args in parsed] == ["preference", "mcq"]


# --- questions --------------------------------------------------------------------------------


QUESTIONS = [
    # CMMLU, C-Eval
    {"Question": "问", "A": "甲", "B": "乙", "C": "丙", "D": "丁", "Answer": "C"},
    {"id": 0, "question": "问", "A": "甲", "B": "乙", "C": "丙", "D": "丁", "answer": "C"},
    # CMB-Exam: columns of options that only other questions have come back as None
    {"question": "问", "answer": "C", "option": dict(zip("ABCDE", "甲乙丙丁", strict=False), E=None)},
    # CMExam: lines, or a list of key and value
    {"Question": "问", "Options": "A 甲\nB 乙\nC 丙\nD 丁", "Answer": "C"},
    {"Question": "问", "Answer": "C", "Options": [
        {"key": k, "value": v} for k, v in zip("ABCD", "甲乙丙丁", strict=True)]},
    # MedQA names the letter apart from the text of the answer; others give the text alone
    {"question": "问", "answer": "丙", "answer_idx": "C", "options": list("甲乙丙丁")},
    {"question": "问", "answer": "丙", "options": list("甲乙丙丁")},
    # BigBIO's MedQA: choices without letters, a list of answers
    {"question": "问", "answer": ["丙"], "choices": list("甲乙丙丁"), "context": ""},
    # MLEC-QA
    {"qid": "1", "qtype": "A1型题", "qtext": "问", "qimage": "", "answer": "C",
     "options": dict(zip("ABCD", "甲乙丙丁", strict=True))},
]  # fmt: skip


@pytest.mark.parametrize("row", QUESTIONS)
def test_questions_of_every_benchmark_are_alike(script, row):
    found = script("tasks.questions").one(row)
    one = {"question": "问", "options": list("甲乙丙丁"), "choices": list("ABCD"), "several": False}
    assert found == one | {"answer": 2}


@pytest.mark.parametrize("given", ["choices", "options"])
def test_an_option_that_is_a_letter_is_not_taken_for_one(script, given):
    """Vitamins: without letters of their own the answer "A" is the text of the third option; where
    a letter is asked for, it is the first."""
    row = {"question": "问", "answer": "A", given: list("CDAK")}
    assert script("tasks.questions").one(row)["answer"] == {"choices": 2, "options": 0}[given]


def test_what_is_left_out_is_counted_and_said(script, capsys):
    from datasets import Dataset

    good = {"qtext": "问", "qimage": "", "options": {"A": "甲", "B": "乙"}, "answer": "A"}
    rows = [good, {**good, "qimage": "1.png"}, {**good, "answer": "AB"}, {**good, "answer": "丙"},
            {**good, "answer": None}, {**good, "options": {"A": "甲", "B": None}}]  # fmt: skip
    assert script("tasks.questions").alike(Dataset.from_list(rows))["answer"][:] == [0, 0]
    assert capsys.readouterr().err.splitlines()[0] == (
        "4 of 6 questions are left out: no answer among the options 2, a picture is needed 1, "
        "no question or no options 1"
    )


@pytest.mark.parametrize("answer", ["", None, "E", "AE"])
def test_a_question_without_a_right_answer_is_left_out(script, answer):
    from datasets import Dataset

    good, bad = QUESTIONS[0], {**QUESTIONS[0], "Answer": answer}
    assert script("tasks.questions").alike(Dataset.from_list([good, bad])).num_rows == 1


def test_the_texts_of_options_are_weighed_by_their_length(script, tmp_path):
    """A long option is not less likely for being long: the form by texts is judged per character."""
    mcq = script("mcq")
    (tmp_path / "own.csv").write_text("question,A,B,answer\n问,甲,乙乙,A\n", "utf-8")
    ((subject, config),) = mcq.subjects("mcq", tmp_path, "text")
    assert (subject, config["task"]) == ("own", "chimed_mcq_own_text")
    assert config["doc_to_choice"] == "options"
    assert "acc_norm" in [one["metric"] for one in config["metric_list"]]
    assert "A." not in config["doc_to_text"]


def test_the_measured_run_asks_questions(script):
    """Multiple choice is the paper's own measure."""
    chain = script("run_all")
    config = chain.read(chain.HERE / "recipes" / "gemma-3-270m" / "all.yaml", [])
    flags = chain.flags(config["evaluate"], "-")
    args = script("evaluate").arguments(["--models", "base=m", *flags])
    assert "mcq" in args.parts
    assert (args.tasks, args.forms) == (["cmmlu", "ceval"], ["letter", "text"])


def test_an_unknown_task_is_told(script):
    with pytest.raises(SystemExit, match=r"Unknown task 'cmlu'\. Known: ceval, cmb, cmexam, cmmlu"):
        list(script("mcq").subjects("cmlu", None))


@pytest.mark.parametrize("name", ["ceval", "cmb", "cmexam", "cmmlu", "medqa", "mlecqa"])
def test_lm_eval_reads_every_task_file(script, name):
    """The files are lm-eval's own: its index finds the group, and we find its subjects."""
    from lm_eval.tasks import TaskManager

    mcq = script("mcq")
    manager = TaskManager(include_path=str(mcq.TASKS), include_defaults=False)
    assert f"chimed_{name}" in manager.all_groups
    assert len(list(mcq.subjects(name, None))) >= 1


def test_lm_eval_prints_an_average_over_questions(script, monkeypatch, tmp_path):
    """Of its own command: a group without `aggregate_metric_list` has no line in its table."""
    from lm_eval.tasks import TaskManager

    folder = script("mcq").TASKS
    text = (folder / "cmmlu.yaml").read_text("utf-8")
    for name in ("_common.yaml", "questions.py"):
        shutil.copy(folder / name, tmp_path / name)
    (tmp_path / "rows.csv").write_text("question,A,B,answer\n问,甲,乙,A\n", "utf-8")
    head = text.partition("\ntask:\n")[0].replace("fewshot_split: dev\n", "") + "\n"
    head += f"dataset_kwargs: {{data_files: {{test: {tmp_path / 'rows.csv'}}}}}\n"
    (tmp_path / "cmmlu.yaml").write_text(head + "task: [{task: a}, {task: b}]\n", "utf-8")
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    (group,) = manager.load(["chimed_cmmlu"])["groups"].values()
    (average,) = group.aggregate_metric_list
    assert (average.metric, average.weight_by_size) == ("acc", True)
    for path in folder.glob("[a-z]*.yaml"):
        assert path.stem == "mcq" or "aggregate_metric_list" in path.read_text("utf-8")


# --- the chain ----------------------------------------------------------------------------------


def test_a_setting_is_changed_from_the_command_line(script, tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text("name: x\nmodel: m\nstages: {dpo: {script: dpo}}\n", "utf-8")
    config = script("run_all").read(path, ["out=o", "stages.dpo.max_steps=10"])
    assert config["out"] == "o"
    assert config["stages"]["dpo"] == {"script": "dpo", "max_steps": 10}
    with pytest.raises(SystemExit, match=r"unknown key 'modle'\. Known: dataset, evaluate"):
        script("run_all").read(path, ["modle=m"])


def test_a_stage_starts_from_what_it_names(script, monkeypatch, tmp_path):
    """So that fine-tuning alone can be compared with pre-training and fine-tuning."""
    chain, ran = script("run_all"), []
    monkeypatch.setattr(chain, "run", ran.append)
    path = chain.HERE / "recipes" / "gemma-3-270m" / "ablations.yaml"
    config = chain.read(path, [f"out={tmp_path}"])
    before = chain.origins(config)
    assert (before["sft"], before["cpt-sft"], before["cpt-sft-dpo"]) == ("base", "cpt", "cpt-sft")
    chain.train(config, "sft-seed1", "m", path.parent, ["python"])
    (command,) = ran
    assert "--from" not in command
    given = dict(zip(command[2::2], command[3::2], strict=True))
    assert (given["--model_name_or_path"], given["--seed"]) == ("m", "1")
    ran.clear()
    chain.evaluate(config, {"base": "m", "cpt": "c", "cpt-sft": "s", "cpt-sft-dpo": "d"})
    at = ran[0].index("--reference")
    assert ran[0][at + 1] == "cpt-sft-dpo=cpt-sft"


PLANNED = "headline: {part: probes, probe: chimed_department}\nseeds: [42, 1]\nlooks: looks.jsonl\n"


@pytest.mark.parametrize(
    ("stage", "parts", "said"),
    [
        ("script: sft, seed: 1", "probes", None),
        ("script: sft", "probes", None),
        ("script: sft, seed: 7", "probes", r"stages.sft.seed: 7 is not in the plan. Planned: \["),
        ("script: sft", "mcq", "the headline of the plan, 'probes', is not asked"),
    ],
)
def test_a_run_is_what_was_planned(script, tmp_path, stage, parts, said):
    (tmp_path / "plan.yaml").write_text(PLANNED, "utf-8")
    path = tmp_path / "all.yaml"
    path.write_text(
        f"name: x\nmodel: m\nplan: plan.yaml\nstages: {{sft: {{{stage}}}}}\n"
        f"evaluate: {{parts: [{parts}]}}\n", "utf-8",
    )  # fmt: skip
    read = script("run_all").read
    if said is None:
        assert read(path, [])["plan"] == "plan.yaml"
        return
    with pytest.raises(SystemExit, match=said):
        read(path, [])


def test_results_tell_how_they_were_made(script, tmp_path):
    chain = script("run_all")
    path = chain.HERE / "recipes" / "gemma-3-270m" / "table.yaml"
    (tmp_path / "manifest.json").write_text('{"fingerprint": "0123456789abcdef"}', "utf-8")
    config = chain.read(path, [f"dataset={tmp_path}"])
    page = chain.heading(config, path.parent)
    for told in ("- command: `python ", "fingerprint 0123456789abcdef", "plan.yaml, sha256 ",
                 "probe chimed_department, wording 患者得了{}，应当挂号的科室是", "- commit: `"):  # fmt: skip
        assert told in page
    assert chain.origins(config) == {"cpt": "base", "cpt-sft": "cpt"}
    ablations = chain.origins(chain.read(path.with_name("ablations.yaml"), []))
    assert {label: ablations[label] for label in ("cpt", "sft", "cpt-sft", "cpt-sft-dpo")} == {
        "cpt": "base", "sft": "base", "cpt-sft": "cpt", "cpt-sft-dpo": "cpt-sft"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["gemma-3-270m/table", "gemma-3-270m/ablations", "first/all"])
def test_a_chain_is_read_whole(script, monkeypatch, name):
    """Every setting of a stage is a flag of its script, and those of `evaluate` are too."""
    chain = script("run_all")
    path = chain.HERE / "recipes" / f"{name}.yaml"
    config = chain.read(path, [])
    flags = chain.flags(config["evaluate"], "-")
    script("evaluate").arguments(["--models", "base=m", *flags])
    for label, settings in config["stages"].items():
        given = {k: v for k, v in settings.items() if k not in ("from", "script")}
        name = settings["script"]
        recipe = ["--config", str(path.with_name(f"{name}.yaml")), "--use_cpu", "true"]
        monkeypatch.setattr("sys.argv", [f"{name}.py", *recipe, *chain.flags(given, "_")])
        module = script(name)
        kind = {"pretrain": "PretrainArguments", "sft": "SftArguments"}.get(name, "DataArguments")
        config_kind = {"dpo": "DPOConfig"}.get(name, "SFTConfig")
        kinds = (getattr(module, one) for one in (kind, config_kind, "ModelConfig"))
        assert script("common").parse(*kinds), label


@pytest.mark.parametrize("name", ["sft", "later", "none"])
def test_a_stage_starts_from_an_earlier_one(script, tmp_path, name):
    path = tmp_path / "all.yaml"
    stages = f"{{sft: {{script: sft, from: {name}}}, later: {{script: sft}}}}"
    path.write_text(f"name: x\nmodel: m\nstages: {stages}\n", "utf-8")
    with pytest.raises(
        SystemExit, match=f"stages.sft.from: '{name}' is no earlier stage. Known: base"
    ):
        script("run_all").read(path, [])


@pytest.mark.parametrize("name", ["dpo", "kto"])
def test_what_starts_from_its_reference_is_compared_with_it(script, monkeypatch, name):
    chain, ran = script("run_all"), []
    monkeypatch.setattr(chain, "run", ran.append)
    stages = {"sft": {"script": "sft"}, "last": {"script": name}}
    config = {"name": "x", "dataset": "d", "out": "o", "evaluate": {}, "stages": stages}
    chain.evaluate(config, {"base": "m", "sft": "o/sft", "last": "o/last"})
    (command,) = ran
    at = command.index("--reference")
    assert command[at : at + 3] == ["--reference", "last=sft", "--out"]


def test_run_all_chains_stages_and_goes_on_where_it_ended(
    script, run, dataset, tiny, tmp_path, monkeypatch
):
    """Commands are run in this process: a real one takes ten seconds to import torch."""
    ran = []

    def here(command: list[str]) -> None:
        ran.append(Path(command[1]).stem)
        run(ran[-1], *command[2:])

    chain = script("run_all")
    monkeypatch.setattr(chain, "run", here)
    config = chain.HERE / "recipes" / "tiny" / "all.yaml"
    changes = [f"model={tiny}", f"dataset={dataset}", f"out={tmp_path}"]
    flags = ("--config", config, "--launcher", "python", *changes)
    run("run_all", *flags)
    assert ran == ["evaluate", "pretrain", "evaluate", "sft", "evaluate", "dpo", "evaluate"]
    text = (tmp_path / "results.md").read_text("utf-8")
    assert "| dpo, reward against sft | 3 |" in text
    assert "| pretrain | 2 |" in text.split("## Training")[1]
    ran.clear()
    run("run_all", *flags)
    assert set(ran) == {"evaluate"}
