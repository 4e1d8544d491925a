"""Learn the classifier of texts that say nothing (``chimed_datasets/stages/text/no_content.py``).

    python tests/no_content/learn.py BUILD [--out FILE]

BUILD: the folder of a build whose texts say something: its documents, the questions and single
replies of its pairs, up to 600 characters, are what must be left alone. They weigh 1, those that a
first model would nearly refuse 2, the texts of ``texts/`` (see
README.md) 20. Of the corpora only weights are kept. The labelled sets of ``chimed selftest`` are
not learned from.

Logistic regression (liblinear, L2), over each text's n-grams of 1 to 4 characters, to unit length;
for the first look over characters and pairs. Weights are rounded to integers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from chimed_datasets.records import Codepoints, codepoints
from chimed_datasets.stages.text import no_content
from chimed_datasets.stages.text.empty_talk import MOST

HERE = Path(__file__).resolve().parent
TEXTS = HERE / "texts"
OUT = Path(no_content.__file__).with_name("no_content.npz")
WEIGHT = 20.0
C_GATE, C = 30.0, 30.0
LEARNED = 40_000
"""Texts of corpora that are learned from; by the rest the bounds are set."""
CUT, CUT_OF_ECHOES, CUT_OF_PAGES = 1.2, 1.6, 0.1
"""Least scores of a text that is refused, for what people and models say, for what says little in
other words, and for what a page holds: chosen on the labelled sets (the third was counted, never
read) and by reading what is refused of the corpora. A short reply is near to one that says nothing more often than a
passage to a menu."""
PAGES = ("advert", "deleted", "keywords", "legal", "lost_characters", "navigation", "spam")
HARD, HARD_WEIGHT = -1.5, 2.0
"""Score from which on a text of the rest is learned from after all, and what it weighs."""
PASS = 0.06
"""Share of that rest that the first look lets through."""


RULES = {"seo": "keywords", "truncated": "cut_off", "lost": "lost_characters"}
"""Kinds whose rule has another name."""


class Text(NamedTuple):
    """A text, what it replies to (None: nothing), and what it is (None: it says something)."""

    text: str
    asked: str | None
    kind: str | None


def labelled(folder: Path = TEXTS) -> list[Text]:
    """Return the texts of ``folder``."""
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").split("\n")
        if line
    ]
    return [
        Text(row["text"], None, row.get("why"))
        if "text" in row
        else Text(row["answer"], row["question"], row.get("why"))
        for row in rows
    ]


def corpora(build: Path) -> list[Text]:
    """Return the short documents, questions and single replies of a build, in one order."""
    texts: list[Text] = []
    for path in sorted(build.glob("pretrain/*.parquet")):
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist():
            texts.append(Text(text, None, None))
    for path in sorted(build.glob("sft/*.parquet")):
        for messages in pq.read_table(path, columns=["messages"])["messages"].to_pylist():
            roles = [message["role"] for message in messages]
            if roles[-2:] == ["user", "assistant"] and roles.count("assistant") == 1:
                texts.append(Text(messages[-1]["content"], messages[-2]["content"], None))
                # As a document, too: no corpus has patients' own words.
                texts.append(Text(messages[-2]["content"], None, None))
    return shuffled(texts)


def rivals(build: Path) -> list[Text]:
    """Return the short replies of a build's pairs, in one order. Some of them say nothing."""
    texts: list[Text] = []
    for path in sorted(build.glob("preference/*.parquet")):
        pairs = pq.read_table(path, columns=["prompt", "chosen", "rejected"]).to_pylist()
        for pair in pairs:
            for reply in (*pair["chosen"], *pair["rejected"]):
                texts.append(Text(reply["content"], pair["prompt"][-1]["content"], None))
    return shuffled(texts)


def shuffled(texts: list[Text]) -> list[Text]:
    texts = [text for text in dict.fromkeys(texts) if 0 < len(text.text) <= MOST]
    return [texts[i] for i in np.random.default_rng(0).permutation(len(texts))]


def digest(folder: Path = TEXTS) -> str:
    """Return the sha256 of the texts' files, in order."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        found.update(path.read_bytes())
    return found.hexdigest()


def folded(texts: list[Text]) -> Codepoints:
    return no_content.fold(codepoints(pa.array([text.text for text in texts], pa.string())))


def replies(texts: list[Text]) -> np.ndarray:
    return np.array([text.asked is not None for text in texts], bool)


def first_look(text: Codepoints) -> csr_matrix:
    """Return the counts of characters and pairs, over the root of their number."""
    size = np.diff(text.offsets)
    of = np.repeat(np.arange(len(size)), size)
    points = text.points
    within = of[1:] == of[:-1]
    slots = no_content.pair_slots(points[:-1], points[1:])[within].astype(np.int64)
    columns = np.concatenate([points & 0xFFFF, slots + (1 << no_content.GATE_BITS)])
    rows = np.concatenate([of, of[1:][within]])
    root = np.sqrt(np.maximum(2 * size - 1, 1))
    shape = (len(size), 2 << no_content.GATE_BITS)
    return csr_matrix((1 / root[rows], (rows, columns)), shape=shape)


def second_look(text: Codepoints, reply: np.ndarray) -> csr_matrix:
    """Return the n-grams of each text, over the root of their number."""
    bucket, of = no_content.features(text, reply)
    many = len(text.offsets) - 1
    root = np.sqrt(np.maximum(np.bincount(of, minlength=many), 1))
    return csr_matrix((1 / root[of], (of, bucket)), shape=(many, 1 << no_content.BITS))


def fit(x: csr_matrix, y: np.ndarray, weight: np.ndarray, c: float) -> LogisticRegression:
    return LogisticRegression(C=c, solver="liblinear", max_iter=300, random_state=0).fit(
        x, y, sample_weight=weight
    )


def learn(texts: list[Text], corpus: list[Text], rest: list[Text]) -> no_content.Model:
    texts = [text._replace(kind=RULES.get(text.kind or "", text.kind)) for text in texts]
    names = tuple(sorted({text.kind for text in texts if text.kind}))
    hard = hardest(texts, corpus, rest)
    corpus = corpus + hard
    label = np.array([names.index(t.kind) + 1 if t.kind else 0 for t in texts + corpus])
    weight = np.array(
        [WEIGHT] * len(texts) + [1.0] * (len(corpus) - len(hard)) + [HARD_WEIGHT] * len(hard)
    )
    own, unseen = folded(texts + corpus), folded(rest)

    gate = fit(first_look(own), label > 0, weight, C_GATE)
    unit = 2000 / np.abs(gate.coef_).max()
    of_gate = np.rint(gate.coef_[0] * unit).astype(np.int16).reshape(2, -1)
    scores = first_look(unseen) @ gate.coef_[0]
    least = float(np.floor(np.quantile(scores, 1 - PASS) * unit))

    grams = second_look(own, replies(texts + corpus))
    heads = [fit(grams, label > 0, weight, C)]
    dropped = np.flatnonzero(label)
    for number in range(1, len(names) + 1):
        heads.append(fit(grams[dropped], label[dropped] == number, weight[dropped], C))
    scale = [float(np.abs(head.coef_).max() / 127) for head in heads]
    weights = np.stack(
        [
            np.rint(head.coef_[0] / one).astype(np.int8)
            for head, one in zip(heads, scale, strict=True)
        ]
    )
    bias = np.array([float(head.intercept_[0]) for head in heads])
    cuts = dict.fromkeys(PAGES, CUT_OF_PAGES) | {"echo": CUT_OF_ECHOES}
    cut = np.array([cuts.get(name, CUT) for name in names])
    return no_content.Model(names, of_gate, least, weights, np.array(scale), bias, cut)


def hardest(texts: list[Text], corpus: list[Text], rest: list[Text]) -> list[Text]:
    """Return the texts of ``rest`` that a model without them would nearly refuse."""
    label = np.array([t.kind is not None for t in texts + corpus])
    weight = np.array([WEIGHT] * len(texts) + [1.0] * len(corpus))
    first = fit(second_look(folded(texts + corpus), replies(texts + corpus)), label, weight, C)
    scores = first.decision_function(second_look(folded(rest), replies(rest)))
    return [text for text, score in zip(rest, scores, strict=True) if score > HARD]


def write(model: no_content.Model, about: dict, path: Path) -> None:
    about = about | {
        "kinds": model.kinds,
        "least": model.least,
        "scale": model.scale.tolist(),
        "bias": model.bias.tolist(),
        "cut": model.cut.tolist(),
    }
    told = np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8)
    np.savez_compressed(path, about=told, gate=model.gate, weight=model.weight)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--texts", type=Path, default=TEXTS)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    texts, corpus = labelled(given.texts), corpora(given.build)
    learned = corpus[:LEARNED] + rivals(given.build)
    model = learn(texts, learned, corpus[LEARNED:])
    dropped = sum(text.kind is not None for text in texts)
    about = {"texts": len(texts), "dropped": dropped, "corpus": len(learned)}
    about["sha256"] = digest(given.texts)
    write(model, about, given.out)
    print(about, given.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
