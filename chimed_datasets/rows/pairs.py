"""Pairs of a better and a worse reply: which a record offers, and which of all a build takes.

    propose   a record's pairs, by each origin that the recipe uses
    survey    their figures, batch by batch
    choose    over the pairs of all records: who stays, and by which rule another does not

Origins, and what ranks the two sides:

    adopted_vs_unadopted  the one adopted answer of a thread, against each that is not
    recommended_vs_other  a recommended answer, where none is adopted, against each that is not
    ranked                the place in a source's ranking (of people, or nobody says of whom)
    scored                a source's scores (likewise)
    llm_ranked            the mean rating by LLM judges: votes of `chimed generate`, or a source's
    rm_ranked             the mean rating by an ensemble of reward models
    doctor_vs_model       a doctor's answer, against each that a model wrote to the same question
    corrupted             a good answer, against itself with a planted defect (:mod:`.defects`)

Two replies make one pair at most: the origin that stands first in the recipe ranks them.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, ConfigDict, Field

from ..lang import _
from . import defects
from .conversation import Reasoning, asked, good_replies, rivals
from .declaration import Refusal, Row
from .defects import Kind
from .marks import Unpaired, switched
from .ranking import NONE, Ranking, plainly_ranked

Origin = Literal[
    "adopted_vs_unadopted",
    "recommended_vs_other",
    "ranked",
    "scored",
    "llm_ranked",
    "rm_ranked",
    "doctor_vs_model",
    "corrupted",
]
ORIGINS: tuple[str, ...] = get_args(Origin)
MARKED: Final = ("adopted_vs_unadopted", "recommended_vs_other")
RATED: Final = ("ranked", "scored", "llm_ranked", "rm_ranked")
ENSEMBLES = {"llm_ranked": "llm", "rm_ranked": "rm"}
"""Origins with several judges, and what ``ranked_by`` in a record's metadata says of them."""
BY_DEFAULT: tuple[Origin, ...] = (*MARKED, *RATED)
"""The other two rest on an assumption (a doctor is better, an edit makes it worse), which a
recipe should make in so many words."""
RM_TRIM = (10.0, 10.0)

Percent = Annotated[float, Field(ge=0, le=100)]
Take = Literal["all", "best_worst"]


@dataclass(frozen=True)
class OriginUse:
    """How an origin is used.

    limit:   pairs at most; which ones is drawn by a hash of their ids.
    pairs:   "all" strict pairs of a record, or "best_worst": the one with the widest margin
             (where there is no margin: drawn). Left out: "best_worst" for judges and reward
             models, else what the builder says.
    trim:    percent of the pairs that are left out at the low and the high end of the margins.
             Left out: 10 and 10 for reward models, else none.
    defects: kinds of defects that are planted; left out: all.
    """

    limit: Annotated[int, Field(ge=0)] | None = None
    pairs: Take | None = None
    trim: tuple[Percent, Percent] | None = None
    defects: tuple[Kind, ...] | None = None
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Settings:
    """``origins``: which origins are used, how, and, where two rank the same replies, which first.
    ``pairs``: every strict pair of a prompt's replies, or the best against the worst alone.
    ``length_percentiles``: a thread's pair is refused where the length of either side, in
    characters, lies outside these percentiles of all paired answers.
    ``balance_length``: leave out pairs, by a hash of their ids, until the longer reply wins as
    often as the shorter one in each split. "source": within each split, source and origin, so that
    no rule such as "from this site the shorter one" tells which is chosen either.

    ``reasoning``: "inline" has the trace of a reply before it in its text, between <think> and
    </think>, which is what trainers of pairs read; "keep" in ``reasoning_content``; "drop" leaves
    it out. Lengths are those of replies without their traces. Both sides of ``corrupted`` come
    without: the trace fits but one.

    ``unpaired``: true makes the config `unpaired` of replies that a mark calls good or bad and that
    stand in no pair of their record; a mapping says which marks. ``reasoning`` holds for it too."""

    pairs: Take = "all"
    length_percentiles: tuple[Percent, Percent] = (1, 99)
    origins: dict[Origin, OriginUse | None] = field(
        default_factory=lambda: dict.fromkeys(BY_DEFAULT)
    )
    balance_length: bool | Literal["source"] = False
    reasoning: Reasoning = "inline"
    unpaired: Annotated[
        Unpaired | None, BeforeValidator(switched, json_schema_input_type=bool | Unpaired)
    ] = None

    def __post_init__(self) -> None:
        for origin, use in self.origins.items():
            if use and use.trim is not None and origin not in RATED:
                raise ValueError(
                    _("{origin}: trim needs margins ({RATED} have them)").format(
                        origin=origin, RATED=", ".join(RATED)
                    )
                )
            if use and use.trim is not None and sum(use.trim) > 100:
                raise ValueError(
                    _("{origin}: trim leaves nothing ({trim:g} percent)").format(
                        origin=origin, trim=sum(use.trim)
                    )
                )
            if use and use.defects is not None and origin != "corrupted":
                raise ValueError(
                    _("{origin}: defects are for 'corrupted' alone").format(origin=origin)
                )

    def take(self, origin: str) -> Take:
        """Return "all" or "best_worst" for an origin."""
        use = self.origins[origin]  # type: ignore[index]
        if use and use.pairs:
            return use.pairs
        return "best_worst" if origin in ENSEMBLES else self.pairs

    def trim(self, origin: str) -> tuple[float, float]:
        """Return the percent to leave out at the low and the high end of an origin's margins."""
        use = self.origins[origin]  # type: ignore[index]
        if use and use.trim is not None:
            return use.trim
        return RM_TRIM if origin == "rm_ranked" else (0.0, 0.0)


class Side(NamedTuple):
    """A reply of a pair, and its trace. ``model`` is None where nobody says that a model wrote it;
    ``position`` is its place among the record's replies, None for a planted defect."""

    text: str
    score: float | None
    model: str | None
    position: int | None
    reasoning: str | None = None


class ReplyPair(NamedTuple):
    """A pair that a record offers.

    margin: by how much the chosen reply is better (mean over judges, difference of scores, or of
            places in a ranking); None where nothing measures it.
    std:    the margin's population standard deviation over judges; None for fewer than two.
    votes:  (judge, 1 for the chosen, -1 for the rejected, 0 for a tie).
    """

    origin: str
    chosen: Side
    rejected: Side
    margin: float | None = None
    std: float | None = None
    votes: tuple[tuple[str, int], ...] = ()
    defect: str | None = None


class Ranked(NamedTuple):
    """Places of the better and the worse reply among a record's, and what is known of it."""

    better: int
    worse: int
    margin: float | None = None
    std: float | None = None
    votes: tuple[tuple[str, int], ...] = ()


# --- one record ------------------------------------------------------------------------------


def propose(record: Row, settings: Settings) -> list[ReplyPair] | Refusal:
    """Return the pairs that a record offers, or why there are none."""
    replies = rivals(record)
    unnamed = writer(record, replies)
    pairs: list[ReplyPair] = []
    paired: set[tuple[int, int]] = set()
    for origin, use in settings.origins.items():
        if origin == "corrupted":
            pairs += _corrupted(record, use.defects if use else None)
            continue
        for one in _FINDERS[origin](record, replies):
            sides = (min(one.better, one.worse), max(one.better, one.worse))
            better, worse = replies[one.better], replies[one.worse]
            if sides in paired or better["text"] == worse["text"]:
                continue
            paired.add(sides)
            chosen = side(better, one.better, unnamed)
            rejected = side(worse, one.worse, unnamed)
            pairs.append(ReplyPair(origin, chosen, rejected, one.margin, one.std, one.votes))
    return pairs or _why_none(record, replies, settings)


def writer(record: Row, replies: list[Row]) -> str | None:
    """Return who wrote the replies that name no model: "llm", or None for a person.

    Where some replies name their model, one that names none is a person's.
    """
    unnamed = record["origin"] == "llm" and not any(reply["model"] for reply in replies)
    return "llm" if unnamed else None


def side(reply: Row, position: int, unnamed: str | None) -> Side:
    """Return a record's reply at ``position``; ``unnamed``: of :func:`writer`."""
    model, trace = reply["model"] or unnamed, reply["reasoning_content"] or None
    return Side(reply["text"], reply["score"], model, position, trace)


def message(one: Side) -> Row:
    """Return a reply as a message."""
    return {"role": "assistant", "content": one.text, "reasoning_content": one.reasoning}


def _adopted(record: Row, replies: list[Row]) -> Iterator[Ranked]:
    adopted = [n for n, reply in enumerate(replies) if reply["adopted"]]
    if "answers" in record and len(adopted) == 1:
        yield from (Ranked(adopted[0], n) for n in range(len(replies)) if n != adopted[0])


def _recommended(record: Row, replies: list[Row]) -> Iterator[Ranked]:
    if "answers" not in record or any(reply["adopted"] for reply in replies):
        return
    for n, better in enumerate(replies):
        for m, worse in enumerate(replies):
            if better["recommended"] and not worse["recommended"]:
                yield Ranked(n, m)


def _doctors(record: Row, replies: list[Row]) -> Iterator[Ranked]:
    for n, doctor in enumerate(replies):
        for m, other in enumerate(replies):
            if doctor["model"] is None and other["model"] is not None:
                yield Ranked(n, m)


def _rated(by: str | None, *figures: str) -> Callable[..., Iterator[Ranked]]:
    """Return a finder of the pairs that were ranked ``by`` whom a record's metadata names (None:
    it names nobody) and that one of ``figures`` compares; see :func:`compare`."""

    def find(record: Row, replies: list[Row]) -> Iterator[Ranked]:
        about = dict(record["metadata"])
        if about.get("ranked_by") != by:
            return
        judges = [name.strip() for name in about.get("judges", "").split(",")]
        for n, one in enumerate(replies):
            for m in range(n + 1, len(replies)):
                compared = compare(one, replies[m], judges)
                if compared is None or compared.figure not in figures or not compared.margin:
                    continue
                better, worse, sign = (n, m, 1) if compared.margin > 0 else (m, n, -1)
                votes = tuple((name, sign * vote) for name, vote in compared.votes)
                yield Ranked(better, worse, sign * compared.margin, compared.std, votes)

    return find


_FINDERS: dict[str, Callable[[Row, list[Row]], Iterator[Ranked]]] = {
    "adopted_vs_unadopted": _adopted,
    "recommended_vs_other": _recommended,
    "ranked": _rated(None, "rank"),
    "scored": _rated(None, "score", "ratings"),
    "llm_ranked": _rated("llm", "ratings", "score", "rank"),
    "rm_ranked": _rated("rm", "ratings", "score", "rank"),
    "doctor_vs_model": _doctors,
}


class Compared(NamedTuple):
    """Which ``figure`` of two replies (ratings, score or rank) compares them, and how; see
    :class:`ReplyPair` for the rest. A negative margin: the first is worse."""

    figure: str
    margin: float
    std: float | None = None
    votes: tuple[tuple[str, int], ...] = ()


def compare(one: Row, other: Row, judges: Sequence[str]) -> Compared | None:
    """Compare two replies by the ratings that judges gave both, else by score, else by rank."""
    gaps = [
        (name, mine - theirs)
        for name, mine, theirs in _ratings(one, other, judges)
        if mine is not None and theirs is not None
    ]
    if gaps:
        values = [gap for __, gap in gaps]
        std = statistics.pstdev(values) if len(values) > 1 else None
        votes = tuple((name, (gap > 0) - (gap < 0)) for name, gap in gaps)
        return Compared("ratings", math.fsum(values) / len(values), std, votes)
    if one["score"] is not None and other["score"] is not None:
        return Compared("score", one["score"] - other["score"])
    if one["rank"] is not None and other["rank"] is not None:
        return Compared("rank", float(other["rank"] - one["rank"]))
    return None


def _ratings(one: Row, other: Row, judges: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
    mine, theirs = one.get("ratings") or (), other.get("ratings") or ()
    if len(mine) == len(theirs):
        names = judges if len(judges) == len(mine) else [str(n) for n in range(len(mine))]
        yield from zip(names, mine, theirs, strict=True)


def _corrupted(record: Row, kinds: tuple[str, ...] | None) -> Iterator[ReplyPair]:
    good = good_replies(record)
    if not good or not asked(record):
        return
    text = good[_hash(record["id"], "good") % len(good)]
    planted = defects.plant(text, record["id"], kinds or defects.KINDS)
    if planted is None:
        return
    by = "llm" if record["origin"] == "llm" else None
    chosen = Side(text, None, by, None)
    # An edit of a doctor's words is still in a doctor's words.
    yield ReplyPair("corrupted", chosen, Side(planted.text, None, by, None), defect=planted.kind)


def _why_none(record: Row, replies: list[Row], settings: Settings) -> Refusal:
    if "corrupted" in settings.origins and good_replies(record):
        return Refusal("no_place_for_defect", good_replies(record)[0])
    if len(replies) < 2:
        return _too_few(len(replies), "answers" in record)
    if len({reply["text"] for reply in replies}) == 1:
        return Refusal("equal_sides", replies[0]["text"])
    unused = [find for origin, find in _FINDERS.items() if origin not in settings.origins]
    if any(True for find in unused for _ in find(record, replies)):
        return Refusal("origin_not_used", f"used: {', '.join(settings.origins)}")
    if "answers" in record:
        marked = sum(bool(reply["adopted"]) for reply in replies)
        return Refusal("not_one_adopted", f"{marked} of {len(replies)} answers adopted")
    marks = [r["score"] if r["score"] is not None else r["rank"] for r in replies]
    return Refusal("no_strict_margin", f"scores or ranks {marks}")


# --- all records -----------------------------------------------------------------------------

FIGURES = np.dtype(
    [
        ("pair", np.uint64),
        ("record", np.uint64),
        ("origin", np.int8),
        ("split", np.int8),
        ("source", np.uint64),
        ("chosen", np.int32),
        ("rejected", np.int32),
        ("margin", np.float64),
    ]
)
"""Of a pair: hashes of its and its record's id, an index into ORIGINS, its split, a hash of its
source, the characters of both sides, its margin (0 where there is none)."""
RULES = ("", "other_pair", "length_percentile", "trimmed_margin", "over_limit", "length_balance")
"""Why a pair does not stay; "" stays. "other_pair" is no loss: its record has a wider one."""


class PairChoice(NamedTuple):
    """What becomes of each pair: ``rules[i]`` (an index into RULES) of ``pairs[i]``, ascending;
    ``low`` and ``high`` bound the lengths of a thread's sides."""

    pairs: np.ndarray
    rules: np.ndarray
    low: float
    high: float

    def rule(self, pair: int) -> str:
        return RULES[self.rules[np.searchsorted(self.pairs, np.uint64(pair))]]

    def stay(self, pairs: np.ndarray) -> np.ndarray:
        """Return bool[n]: which pairs stay, of ``pairs`` (uint64[n], their hashes)."""
        found: np.ndarray = self.rules[np.searchsorted(self.pairs, pairs)] == 0
        return found


def _hash(*parts: object) -> int:
    name = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")


def pair_hash(record: Row, number: int) -> int:
    """Return 64 bits over a record's id and the number of a pair that it offers."""
    return _hash(record["id"], number)


def figures(records: Sequence[Row], splits: Sequence[int], settings: Settings) -> np.ndarray:
    """Return the FIGURES of all pairs that ``records`` offer."""
    rows = []
    for record, split in zip(records, splits, strict=True):
        pairs = propose(record, settings)
        if isinstance(pairs, Refusal):
            continue
        owner = _hash(record["id"])
        for number, pair in enumerate(pairs):
            rows.append(
                (
                    pair_hash(record, number),
                    owner,
                    ORIGINS.index(pair.origin),
                    split,
                    _hash(record["source"]),
                    len(pair.chosen.text),
                    len(pair.rejected.text),
                    pair.margin or 0.0,
                )
            )
    return np.array(rows, FIGURES)


def ranking(batch: pa.RecordBatch, settings: Settings) -> Ranking:
    """Return the records of which columns alone tell that :func:`propose` gives one pair, by rank,
    and which."""
    if "ranked" in settings.origins and "corrupted" not in settings.origins:
        return plainly_ranked(batch)
    return NONE


def ranking_hashes(batch: pa.RecordBatch, found: Ranking) -> np.ndarray:
    """Return uint64[n], the :func:`pair_hash` of each pair of ``found``, of a batch."""
    names = batch["id"].take(pa.array(found.row)).to_pylist()
    return np.array([_hash(name, 0) for name in names], np.uint64)


def _ranking_figures(batch: pa.RecordBatch, splits: np.ndarray, found: Ranking) -> np.ndarray:
    """Return what :func:`figures` does of the records of ``found``."""
    out = np.zeros(len(found.row), FIGURES)
    names = batch["id"].take(pa.array(found.row)).to_pylist()
    out["pair"] = ranking_hashes(batch, found)
    out["record"] = [_hash(name) for name in names]
    out["origin"] = ORIGINS.index("ranked")
    out["split"] = splits[found.row]
    sources = batch["source"].take(pa.array(found.row)).to_pylist()
    out["source"] = [_hash(name) for name in sources]
    out["chosen"], out["rejected"] = found.chars.T
    out["margin"] = found.margin
    return out


def _too_few(replies: int, thread: bool) -> Refusal:
    kind = "answers" if thread else "candidate replies"
    return Refusal("one_answer", f"{kind}: {replies}; a pair needs two")


def sift(batch: pa.RecordBatch, settings: Settings) -> dict[int, Refusal]:
    """Return the records without two replies: they can offer no pair, and why."""
    if "corrupted" in settings.origins:
        return {}
    thread = "answers" in batch.schema.names
    counts = pc.list_value_length(batch["answers" if thread else "candidates"])
    replies = counts.to_numpy(zero_copy_only=False)
    why = (_too_few(0, thread), _too_few(1, thread))
    few = np.flatnonzero(replies < 2)
    return {row: why[n] for row, n in zip(few.tolist(), replies[few].tolist(), strict=True)}


def survey(batch: pa.RecordBatch, splits: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the FIGURES of a batch's pairs. Records that can have none are not looked at."""
    column = next((n for n in ("answers", "candidates") if n in batch.schema.names), None)
    if column is None or batch.num_rows == 0:
        return np.zeros(0, FIGURES)
    if "corrupted" not in settings.origins:
        several = pc.greater_equal(pc.list_value_length(batch[column]), 2)
        if not pc.all(several).as_py():
            splits = splits[several.to_numpy(zero_copy_only=False)]
            batch = batch.filter(several)
    found = ranking(batch, settings)
    left = np.setdiff1d(np.arange(batch.num_rows), found.row)
    rest = batch.take(pa.array(left)).to_pylist()
    others = figures(rest, splits[left].tolist(), settings)
    return np.concatenate([_ranking_figures(batch, splits, found), others])


def choose(parts: Sequence[np.ndarray], settings: Settings) -> PairChoice:
    """Judge all pairs of a build; ``parts`` are their FIGURES. Order has no say in it."""
    offered = np.concatenate([np.zeros(0, FIGURES), *parts])
    offered = offered[np.argsort(offered["pair"], kind="stable")]
    rules = np.zeros(len(offered), np.int8)
    low, high = _bound_lengths(offered, rules, settings.length_percentiles)
    for origin, use in settings.origins.items():
        mine = offered["origin"] == ORIGINS.index(origin)
        if settings.take(origin) == "best_worst":
            _keep_widest(offered, rules, mine)
        _trim(offered, rules, mine, settings.trim(origin))
        if use and use.limit is not None:
            rest = np.flatnonzero(mine & (rules == 0))[use.limit :]  # ascending by hash
            rules[rest] = RULES.index("over_limit")
    if settings.balance_length:
        by = ["split", *(["source", "origin"] if settings.balance_length == "source" else [])]
        for group in np.unique(offered[by]):
            mine = np.logical_and.reduce([offered[name] == group[name] for name in by])
            _balance(offered, rules, mine)
    return PairChoice(offered["pair"].copy(), rules, low, high)


def _bound_lengths(
    offered: np.ndarray, rules: np.ndarray, percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Leave out pairs of threads with a side of unusual length; return the bounds.

    The low one is rounded down and the high one up to a measured figure, so that small sets lose
    nothing to them.
    """
    marked = offered["origin"] < len(MARKED)
    lengths = np.concatenate([offered["chosen"][marked], offered["rejected"][marked]])
    if not len(lengths):
        return 0.0, math.inf
    low = float(np.percentile(lengths, percentiles[0], method="lower"))
    high = float(np.percentile(lengths, percentiles[1], method="higher"))
    least, most = (how(offered["chosen"], offered["rejected"]) for how in (np.minimum, np.maximum))
    rules[marked & ((least < low) | (most > high))] = RULES.index("length_percentile")
    return low, high


def _keep_widest(offered: np.ndarray, rules: np.ndarray, mine: np.ndarray) -> None:
    """Of each record's pairs leave the one with the widest margin, equal ones by hash."""
    at = np.flatnonzero(mine & (rules == 0))
    order = at[np.lexsort((offered["pair"][at], -offered["margin"][at], offered["record"][at]))]
    owners = offered["record"][order]
    again = np.zeros(len(order), bool)
    again[1:] = owners[1:] == owners[:-1]
    rules[order[again]] = RULES.index("other_pair")


def _trim(
    offered: np.ndarray, rules: np.ndarray, mine: np.ndarray, percent: tuple[float, float]
) -> None:
    """Leave out the lowest and the highest margins: at the low end the judges hardly differ, at
    the high end one side is broken, or the models were gamed."""
    at = np.flatnonzero(mine & (rules == 0))
    order = at[np.lexsort((offered["pair"][at], offered["margin"][at]))]
    low, high = (int(len(order) * share / 100) for share in percent)
    cut = np.concatenate([order[:low], order[len(order) - high :]])
    rules[cut] = RULES.index("trimmed_margin")


def _balance(offered: np.ndarray, rules: np.ndarray, mine: np.ndarray) -> None:
    """Leave out pairs until the longer side wins as often as the shorter one."""
    alive = mine & (rules == 0)
    longer = np.flatnonzero(alive & (offered["chosen"] > offered["rejected"]))
    shorter = np.flatnonzero(alive & (offered["chosen"] < offered["rejected"]))
    more, fewer = (longer, shorter) if len(longer) > len(shorter) else (shorter, longer)
    rules[more[len(fewer) :]] = RULES.index("length_balance")


def evidence(pair: ReplyPair, rule: str, choice: PairChoice, settings: Settings) -> str:
    """Return what the ledger says of a pair that does not stay."""
    sides = f"{len(pair.chosen.text)} and {len(pair.rejected.text)} characters"
    use = settings.origins[pair.origin]  # type: ignore[index]
    return {
        "length_percentile": f"{sides}; kept: {choice.low:g} to {choice.high:g}",
        "trimmed_margin": f"{pair.origin}: margin {pair.margin or 0:.4f}",
        "over_limit": f"{pair.origin}: limit {use.limit if use else None}",
        "length_balance": sides,
    }[rule]
