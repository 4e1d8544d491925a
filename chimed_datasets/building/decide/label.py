"""Label: departments, domains and keyphrases for records that have none; see `stages.label`.

Labels are drawn up over all kept records at once and put on them when they are written, so that
neither the records nor the ledger change. Every record that is written says where its labels are
from (``label_origin``), whether the stage runs or not:

    department  "source", "classifier" or null
    keyphrases  "source", "tfidf" or null
    domain      "stated" (by the record or the recipe's entry) or "classifier"
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ...executors import Executor
from ...recipe import Recipe
from ...rows.labels import DOMAINS, WORD_BITS, Labels, nouns, slot, spoken
from ...stages.label import Label
from ...stages.text.bayes import Measured
from ...stages.text.bayes import cut as least_margin
from ..store import Store
from .classify import AT_ONCE, held_out, learnt, sources_of, verdicts
from .keep import Decision

MAX_DEPARTMENTS = 200
UNLIKE = 0.05
"""A record that is less like any class than this share of the held-out ones gets no label."""
_ASKED = ("thread", "dialogue", "exam")


def label(
    recipe: Recipe,
    store: Store,
    features: np.ndarray,
    decision: Decision,
    executor: Executor,
) -> Labels | None:
    """Draw up the labels of all kept records, or None where the stage is off."""
    stage = recipe.stages.label
    if stage is None:
        return None
    n = len(store)
    names: tuple[str, ...] = ()
    department, domain = np.full(n, -1, np.int16), np.full(n, -1, np.int8)
    figures: dict[str, Any] = {}
    held = held_out(features)
    talks = np.isin(store.kinds(), _ASKED) & decision.keep
    if stage.department:
        names, department, figures["department"] = _departments(stage, store, executor, held, talks)
    if stage.domain:
        domain, figures["domain"] = _domains(stage, recipe, store, executor, held, decision.keep)
    words, texts = np.zeros(0, np.int32), 0
    if stage.keyphrases:
        texts = int(talks.sum())
        words = np.zeros(1 << WORD_BITS, np.int32)
        indices = np.flatnonzero(talks)
        parts = np.split(indices, range(AT_ONCE, len(indices), AT_ONCE))
        for part in executor.run(_count_words, store, parts):
            words += part
        figures["keyphrases"] = {"most": stage.keyphrases, "texts": texts}
    return Labels(names, department, domain, stage.keyphrases, texts, words, figures)


class _Judged(NamedTuple):
    best: np.ndarray  # of the asked records above the margin: the class, else -1
    figures: dict[str, Any]


def _judged(
    stage: Label,
    store: Store,
    executor: Executor,
    group: np.ndarray,
    owner: list[int],
    held: np.ndarray,
    asked: np.ndarray,
) -> _Judged:
    """Learn from the examples of ``group`` (int32[n], -1 for none), measure on those held out, and
    judge the records at ``asked``."""
    known = np.flatnonzero(held & (group >= 0))
    nothing = np.full(len(asked), -1)
    figures: dict[str, Any] = {
        "classes": len(set(owner)),
        "held_out": len(known),
        "asked": len(asked),
    }
    if len(set(owner)) < 2 or len(known) == 0:
        return _Judged(nothing, figures | {"given": 0, "reason": "too few examples to learn from"})
    model = learnt(store, executor, np.where(held, np.int32(-1), group), owner)
    best, margin, near = verdicts(store, executor, model, known)
    # What is like nothing that was learnt has no class here, however clear the margin.
    like = np.quantile(near, UNLIKE)
    usual = near >= like
    right = best == np.array(owner)[group[known]]
    measured: Measured = least_margin(margin[usual], right[usual], stage.precision, len(known))
    figures |= {
        "precision": round(measured.precision, 4),
        "recall": round(measured.recall, 4),
        "margin": round(measured.cut, 4) if math.isfinite(measured.cut) else None,
    }
    best, margin, near = verdicts(store, executor, model, asked)
    best = np.where((margin >= max(measured.cut, 1e-12)) & (near >= like), best, -1)
    return _Judged(best, figures | {"given": int((best >= 0).sum())})


def _departments(
    stage: Label, store: Store, executor: Executor, held: np.ndarray, talks: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
    found = np.full(len(store), None, object)
    for start, batch in store.blocks():
        if "department" in batch.schema.names:
            found[start : start + batch.num_rows] = batch["department"].to_pylist()
    named = talks & (found != None)  # noqa: E711 (elementwise)
    examples = Counter(found[named & ~held].tolist())
    often = sorted(examples.items(), key=lambda item: (-item[1], item[0]))[:MAX_DEPARTMENTS]
    names = tuple(sorted(name for name, count in often if count >= stage.min_examples))
    number = {name: k for k, name in enumerate(names)}
    group = np.array([number.get(name, -1) for name in found.tolist()], np.int32)
    group[~talks] = -1
    asked = np.flatnonzero(talks & ~named)
    best, figures = _judged(stage, store, executor, group, list(range(len(names))), held, asked)
    department = np.full(len(store), -1, np.int16)
    department[asked] = best
    return names, department, figures


def _domains(
    stage: Label,
    recipe: Recipe,
    store: Store,
    executor: Executor,
    held: np.ndarray,
    keep: np.ndarray,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Records of an entry without ``domain`` are asked about, unless they themselves say another
    than the default. Each source and domain is a group of its own."""
    silent = {s.name: "domain" not in s.model_fields_set for s in recipe.sources}
    default = type(recipe.sources[0]).model_fields["domain"].default
    said = pa.chunked_array([batch["domain"] for _, batch in store.blocks()], pa.string())
    source, domain = sources_of(store).to_pylist(), said.to_pylist()
    pairs = list(zip(source, domain, strict=True))
    asked = keep & np.array([silent[s] and d == default for s, d in pairs], bool)
    examples = Counter(
        pair for pair, ask, kept in zip(pairs, asked.tolist(), keep.tolist(), strict=True)
        if kept and not ask and pair[1] in DOMAINS
    )  # fmt: skip
    groups = sorted(pair for pair, count in examples.items() if count >= stage.min_examples)
    number = {pair: k for k, pair in enumerate(groups)}
    group = np.array([number.get(pair, -1) for pair in pairs], np.int32)
    group[asked | ~keep] = -1
    owner = [DOMAINS.index(domain) for _, domain in groups]
    indices = np.flatnonzero(asked)
    best, figures = _judged(stage, store, executor, group, owner, held, indices)
    found = np.full(len(store), -1, np.int8)
    found[indices] = best
    return found, figures


def _count_words(store: Store, indices: np.ndarray) -> np.ndarray:
    """Return int32[2 ** WORD_BITS]: in how many of the records each word occurs."""
    words = np.zeros(1 << WORD_BITS, np.int32)
    for _, batch in store.take(indices):
        for record in batch.to_pylist():
            for word in set(nouns(spoken(record))):
                words[slot(word)] += 1
    return words
