"""The pieces by themselves: read a file, or take texts through one stage, without a recipe.

Each does what a build does, by the same code: the same text gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from .. import sources
from ..errors import RecipeError, did_you_mean
from ..lang import _
from ..records import Document, Malformed, Record
from ..sources import FileReport, exams
from ..sources.files.finding import resolve
from ..sources.files.staging import staging
from ..stages.clean import Clean
from ..stages.decontaminate import Decontaminate, Index
from ..stages.deduplicate import Deduplicate, Features
from ..stages.leaks.items import BenchmarkItem
from ..stages.mask import PLACEHOLDERS, Mask
from ..stages.near.choosing import choose_among
from ..stages.near.chosen import Chosen, Fate, Members, chosen, clusters_of, first_of_equals
from ..stages.near.clusters import Clusters, cluster, keepers, told
from ..stages.near.jaccard import Sketches
from ..stages.simplify import Simplify
from ..stages.text.spans import SpanFinder, masked_by
from .outcome import FIELDS, Drop, Given, Outcome, Stage, Texts, settled, through


def read(
    layout: str, path: str | Path, /, *, allow_code: bool = False, **options: Any
) -> Iterator[Record | Malformed]:
    """Read records from files as a build reads them, one at a time.

    layout:  how the files are laid out ("qa_csv"); ``chimed sources`` lists the layouts. Code of
             your own by its path ("my_layout.py") or module runs only with ``allow_code``.
    path:    a file, a folder, a glob, an archive, or an fsspec address of any of these.
    options: the layout's own keys, as in a source of a recipe; files that they name are looked for
             in the current folder.

    Yields :class:`Document`, :class:`QAThread` and :class:`Dialogue`, and a :class:`Malformed` with
    rule and evidence for each row that is none of these. Members of an archive are unpacked into a
    temporary folder, which is removed when the iterator ends or is closed.

    Raises :class:`RecipeError` at once for an unknown layout or a wrong option, and
    :class:`SourceError` while reading, where the path leads nowhere or a file cannot be read.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "qa.csv")
    ...     _ = file.write_text("question,answer\\n感冒怎么办？,多喝水，注意休息。\\n", "utf-8")
    ...     for record in chimed.read("qa_csv", file):
    ...         print(record.key, record.question, record.answers[0].text)
    qa.csv#0 感冒怎么办？ 多喝水，注意休息。
    """
    here = Path.cwd()
    found = sources.layout(layout, here, allow_code=allow_code)
    return _records(found, str(path), here, found.settled(found.options(options), here))


def _records(
    layout: sources.Layout, path: str, here: Path, options: Any
) -> Iterator[Record | Malformed]:
    with staging() as place:
        files = resolve(path, here, place, layout.suffixes)
        yield from layout.read(files, options, FileReport())


def clean(
    texts: Texts, *, field: Literal["text", "question", "answer"] = "text", **settings: Any
) -> Outcome:
    """Clean texts: encoding, HTML, characters and blanks; refuse adverts.

    texts:    a str, a list (None where one is missing) or an Arrow array of strings.
    field:    what the texts are. A "text" is of a document. A "question" or an "answer" is of a
              page of a site: what the site put round it (``cuts``, ``badges``) goes as well.
    settings: those of the stage `clean` of a recipe.

    Raises :class:`RecipeError` for a wrong setting.

    >>> chimed.clean("咳嗽　<b>三天</b>&nbsp;，痰黄").texts
    '咳嗽 三天 ，痰黄'
    >>> chimed.clean(["饮食清淡。", "祖传秘方，加微信 yishi888 咨询。"])
    Outcome(texts=['饮食清淡。', None], drops=[...advert_contact...], counts={})
    >>> chimed.clean("多休息。已采纳", field="answer").texts
    '多休息。'
    """
    stage = settled(Clean, settings, "clean", ["field"])
    if field not in FIELDS:
        raise RecipeError(
            _("clean: unknown field {field!r}.{did_you_mean}").format(
                field=field, did_you_mean=did_you_mean(str(field), FIELDS)
            )
        )
    return through(Given.of(texts, "clean"), [stage], FIELDS[field])


def simplify(texts: Texts, **settings: Any) -> Outcome:
    """Convert traditional script to simplified; terms of medicine keep their right spelling.

    texts:    as of :func:`clean`. Each is judged by itself: is it of traditional script, or has it
              stray traditional characters?
    settings: those of the stage `simplify` of a recipe.

    Drops nothing. Raises :class:`RecipeError` for a wrong setting.

    >>> chimed.simplify(["太陽病，發熱，汗出，惡風，脈緩者，名為中風。", None])
    Outcome(texts=['太阳病，发热，汗出，恶风，脉缓者，名为中风。', None], drops=[], counts=...)
    >>> chimed.simplify("婦人腹中癥瘕").texts
    '妇人腹中癥瘕'
    """
    return through(Given.of(texts, "simplify"), [settled(Simplify, settings, "simplify")])


def mask(
    texts: Texts,
    *,
    finder: SpanFinder | None = None,
    placeholders: Mapping[str, str] | None = None,
    **settings: Any,
) -> Outcome:
    """Replace personal data (telephone numbers, ids, addresses on the net) by placeholders.

    texts:        as of :func:`clean`.
    finder:       finds more, such as names: a function that takes a list of texts and returns, for
                  each, a list of :class:`Span` (start, end, type; offsets count characters),
                  ascending and without overlaps. It is called after the built-in types, and not
                  for missing and empty texts.
    placeholders: what stands in place of a span of the finder, by its type. The built-in types have
                  theirs.
    settings:     those of the stage `mask` of a recipe; ``types=()`` leaves all to the finder.

    Drops nothing; ``counts`` holds the number of spans masked per type. Raises
    :class:`RecipeError` for a wrong setting, and :class:`ChimedError` that names the text's place
    for spans that cannot be masked.

    >>> chimed.mask("复诊请拨 13912345678")
    Outcome(texts='复诊请拨 [手机号]', drops=[], counts={'mobile': 1})
    >>> def names(texts):
    ...     return [[(0, 2, "name")] if text.startswith("张三") else [] for text in texts]
    >>> chimed.mask(["张三，46岁。", None], finder=names, placeholders={"name": "[姓名]"})
    Outcome(texts=['[姓名]，46岁。', None], drops=[], counts={'name': 1})
    """
    stages: list[Stage] = [settled(Mask, settings, "mask", ["finder", "placeholders"])]
    if finder is not None:
        if not callable(finder):
            raise RecipeError(
                _("mask: finder is a function; got {name__}.").format(name__=type(finder).__name__)
            )
        known = PLACEHOLDERS | _placeholders(placeholders or {})
        stages.append(lambda batch: masked_by(batch, "mask", finder, known))
    elif placeholders:
        raise RecipeError(_("mask: placeholders belong to the spans of a finder; give finder=."))
    return through(Given.of(texts, "mask"), stages)


def _placeholders(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(one, str) for one in given.values()):
        raise RecipeError(
            _(
                "mask: placeholders is a mapping of a type to what stands in its place, "
                'such as {"name": "[姓名]"}.'
            )
        )
    return dict(given)


def near_duplicates(texts: Texts, **settings: Any) -> Outcome:
    """Find the texts that are equal or nearly equal to another; the first of them stays.

    texts:    as of :func:`clean`. Missing and empty ones are duplicates of none.
    settings: those of the stage `deduplicate` of a recipe (``threshold``, ``ngram``…);
              ``contained`` does nothing here.

    The texts that stay are not changed. A :class:`Drop` has the rule ("exact" or "near"), the
    Jaccard similarity as evidence, and the index of the text that stays as ``twin``. Texts that
    differ in a dose, a negation or anything else of weight all stay. With ``weigh=False`` they do
    not, and a text may be like its twin through others only: the evidence then names the text that
    it was compared with, by its index. Texts, and some 600 bytes for each, are held in memory.

    Raises :class:`RecipeError` for a wrong setting.

    >>> found = chimed.near_duplicates([
    ...     "感冒发热怎么办？多喝水，注意休息。",
    ...     "胃痛应当忌食生冷。",
    ...     "感冒发热怎么办? 多喝水,注意休息",
    ... ])
    >>> found.texts
    ['感冒发热怎么办？多喝水，注意休息。', '胃痛应当忌食生冷。', None]
    >>> found.drops
    [Drop(index=2, rule='near', evidence='Jaccard 1.000', twin=0)]
    """
    stage = settled(Deduplicate, settings, "near_duplicates")
    given = Given.of(texts, "near_duplicates")
    features: list[Features] = []
    columns: list[pa.Array] = []
    keys: list[str] = []
    for batch in given.batches(Document):
        features.append(stage.features(batch))
        columns.append(batch.table["text"])
        keys += batch.table["key"].to_pylist()
    if not keys:
        return Outcome(given.shaped(given), [], {})
    index = np.array(keys, np.int64)
    of_all = Features(*(np.concatenate(parts) for parts in zip(*features, strict=True)))
    fetch = _fetching(columns)
    known = Sketches(of_all.sketch, of_all.windows)
    found = cluster(of_all.exact, of_all.bands, fetch, stage, of_all.chars, known)
    who = _weighed(found, of_all, fetch, stage) if stage.weigh else _linked(found)
    drops = []
    for row in np.flatnonzero(~who.keep).tolist():
        partner = int((who.twin if stage.weigh else found.partner)[row])
        other = None if partner == who.twin[row] else str(index[partner])
        exact = bool(who.exact[row])
        evidence = told(exact, float(who.similarity[row]), other)
        rule = "exact" if exact else "near"
        drops.append(Drop(int(index[row]), rule, evidence, twin=int(index[who.twin[row]])))
    gone = {drop.index for drop in drops}
    stay = (None if place in gone else text for place, text in enumerate(given))
    return Outcome(given.shaped(stay), drops, {})


def _linked(found: Clusters) -> Chosen:
    """Return all of each cluster but the first."""
    keep, twin = keepers(found.root, np.zeros(len(found.root), np.int8))
    return Chosen(keep, twin, found.exact, found.similarity, [])


def _weighed(
    found: Clusters,
    of_all: Features,
    fetch: Callable[[np.ndarray], pa.StringArray],
    stage: Deduplicate,
) -> Chosen:
    """Return who goes of each cluster, where what they differ in is weighed."""
    n = len(found.root)
    every = Members(np.arange(n), of_all.prompt, found.partner, found.similarity, np.ones(n, bool))
    lane = np.zeros(n, np.int8)
    first = first_of_equals(found.root, lane, of_all.exact, found.exact)
    fates: list[Fate] = []
    for members in clusters_of(found.root, lane, first):
        bounds = [0, len(members)]
        fates += choose_among(every.take(members), bounds, fetch(members), stage)[0]
    return chosen(first, fates, [])


def _fetching(columns: list[pa.Array]) -> Callable[[np.ndarray], pa.StringArray]:
    # Offsets of 32 bits end at 2 GiB; and to take from one array costs the texts taken alone.
    whole = pa.chunked_array(columns).cast(pa.large_string()).combine_chunks()
    return lambda rows: whole.take(pa.array(rows)).cast(pa.string())


def decontaminate(
    texts: Texts,
    against: str | Path | Iterable[str | Mapping[str, Any] | BenchmarkItem],
    *,
    layout: str | None = None,
    name: str = "benchmark",
    **settings: Any,
) -> Outcome:
    """Find the texts that hold a question of an examination.

    texts:    as of :func:`clean`.
    against:  the questions: a list, each of them a str, or a mapping with a "question" and its
              "options" as the file of a benchmark has them. With a ``layout``, the path of such a
              file, folder or archive.
    layout:   how the files at that path are laid out: "cmmlu", "ceval", "mcq" or "questions".
    name:     what the evidence calls the benchmark.
    settings: those of the stage `decontaminate` of a recipe.

    The texts that stay are not changed. A :class:`Drop` has the rule, the passage as evidence, and
    in ``items`` the keys of all questions that were found: their places in the list ("0"), or their
    file and row.

    Raises :class:`RecipeError` for a wrong setting, an unknown layout, and questions that are none;
    :class:`SourceError` for a path that leads nowhere or a row that is no question.

    >>> question = {
    ...     "question": "下列关于小青龙汤的叙述，正确的是",
    ...     "options": ["主治外寒里饮之证", "方中重用石膏知母", "功在清热泻火解毒"],
    ... }
    >>> leak = "小青龙汤的叙述正确的是：A主治外寒里饮之证 B方中重用石膏知母 C功在清热泻火解毒"
    >>> found = chimed.decontaminate([f"下列关于{leak}", "小青龙汤主治外寒里饮。"], [question])
    >>> [(drop.index, drop.rule, drop.items) for drop in found.drops]
    [(0, 'choices', ('0',))]
    """
    stage = settled(Decontaminate, settings, "decontaminate", ["against", "layout", "name"])
    given = Given.of(texts, "decontaminate")
    items = _from_files(against, layout) if layout is not None else _from_list(against)
    if not items:
        raise RecipeError(_("decontaminate: against holds no questions."))
    return through(given, [stage.against(Index.build({name: items}, stage))])


def _from_files(path: Any, layout: str) -> list[BenchmarkItem]:
    if not isinstance(path, (str, Path)):
        kind = type(path).__name__
        raise RecipeError(
            _("decontaminate: with a layout, against is a path; got {kind}.").format(kind=kind)
        )
    exams.check_layout(layout)
    with staging() as place:
        files = resolve(str(path), Path.cwd(), place, exams.SUFFIXES)
        return list(exams.read(layout, files, FileReport()))


def _from_list(against: Any) -> list[BenchmarkItem]:
    if isinstance(against, (str, Path, Mapping)) or not isinstance(against, Iterable):
        known = ", ".join(exams.LAYOUTS)
        raise RecipeError(
            _(
                "decontaminate: against is a list of questions, or a path with its layout "
                "({known}); got {name__}."
            ).format(known=known, name__=type(against).__name__)
        )
    return [_item(str(index), one) for index, one in enumerate(against)]


def _item(key: str, one: Any) -> BenchmarkItem:
    if isinstance(one, str):
        one = {"question": one}
    if not isinstance(one, Mapping):
        if isinstance(getattr(one, "stem", None), str) and hasattr(one, "options"):
            return exams.ExamItem(str(getattr(one, "key", key)), one.stem, tuple(one.options))
        kind = type(one).__name__
        raise RecipeError(
            _(
                "decontaminate: question {key} of against is of the type {kind}; give a "
                "str, or a mapping with a question and its options."
            ).format(key=key, kind=kind)
        )
    try:
        return exams.item_of(key, one)
    except ValueError as error:
        raise RecipeError(
            _("decontaminate: question {key} of against: {error}").format(key=key, error=error)
        ) from None
