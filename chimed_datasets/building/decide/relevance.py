"""What is not about medicine, by a classifier that the recipe gives examples to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import BuildError
from ...executors import Executor
from ...lang import _
from ...recipe import Recipe
from ...stages.relevance import MIN_EXAMPLES
from ...stages.text.bayes import Verdicts
from ...stages.text.bayes import cut as least_margin
from ..store import Store
from .classify import held_out, learnt, sources_of, verdicts
from .keep import StaysOut, stays_out


class Relevant(NamedTuple):
    """What was refused, and the figures for the manifest (None where nothing was asked)."""

    refused: StaysOut | None
    figures: dict[str, Any] | None


def relevance(recipe: Recipe, store: Store, features: np.ndarray, executor: Executor) -> Relevant:
    """Judge the records of the sources that the stage `relevance` asks about.

    Raises :class:`BuildError` where there is too little to learn from, or the held-out examples
    cannot be told apart as well as is wanted.
    """
    stage, asked = recipe.stages.relevance, recipe.asked
    if stage is None or not asked:
        return Relevant(None, None)
    entries = [source for source in recipe.sources if source.name not in asked]
    number = {source.name: k for k, source in enumerate(entries)}
    medical = np.array([source.domain != "general" for source in entries])
    source = np.array([number.get(name, -1) for name in sources_of(store).to_pylist()], np.int32)
    held = held_out(features)
    learning = np.where(held, np.int32(-1), source)
    for side, name in ((True, "medical"), (False, "general")):
        examples = int(np.isin(learning, np.flatnonzero(medical == side)).sum())
        if examples < MIN_EXAMPLES:
            raise BuildError(
                _(
                    "stages.relevance: {examples} {name} texts to learn from, "
                    "{min_examples} are needed. Add a source, or switch the stage off: "
                    "stages: {{relevance: false}}."
                ).format(examples=examples, name=name, min_examples=MIN_EXAMPLES)
            )
    model = learnt(store, executor, learning, medical.astype(int).tolist())
    kept_out = np.flatnonzero(held & (source >= 0))
    found, truth = _signed(verdicts(store, executor, model, kept_out)), medical[source[kept_out]]
    taken = found > 0
    measured = least_margin(found[taken], truth[taken], stage.precision, int(truth.sum()))
    if not np.isfinite(measured.cut):
        raise BuildError(
            _(
                "stages.relevance: of {found:,} held-out texts no margin tells medicine "
                "from general text with precision {precision:g}. Lower it, or add examples."
            ).format(found=len(found), precision=stage.precision)
        )
    questioned = np.flatnonzero(source < 0)
    margin = _signed(verdicts(store, executor, model, questioned))
    refused = margin < measured.cut
    evidence = [f"margin {m:.3f}, {measured.cut:.3f} is needed" for m in margin[refused].tolist()]
    rows = [(questioned[refused], "not_medical", evidence)]
    if not stage.keep_general:
        general = np.flatnonzero((source >= 0) & ~medical[source])
        rows.append((general, "general_text", ["learnt from, not kept"] * len(general)))
    figures = {
        "precision": round(measured.precision, 4),
        "recall": round(measured.recall, 4),
        "held_out": {"medical": int(truth.sum()), "general": int((~truth).sum())},
        "margin": round(measured.cut, 4),
        "judged": len(questioned),
        "refused": int(refused.sum()),
    }
    return Relevant(stays_out(store, "relevance", rows), figures)


def _signed(found: Verdicts) -> np.ndarray:
    """Return float64: above 0 for medicine."""
    return np.where(found.best == 1, found.margin, -found.margin)
