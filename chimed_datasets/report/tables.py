"""Terminal tables of a build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich import box
from rich.markup import escape
from rich.table import Table

from ..built.reasons import reason
from ..lang import N_, _
from ..stages import place_of
from .words import word

if TYPE_CHECKING:
    from ..built.bias import OfSource
    from ..built.figures import Figure
    from ..built.manifest import BiasEntry, KindFigure, LabelsEntry, Manifest, StageFigures
    from ..built.statistics import Statistics
    from .diff import Diff


CONTRADICTING = N_("of these, contradict on one question")


def closing(manifest: Manifest, statistics: Statistics) -> list[Table]:
    """Return all tables of a build that have a row: the account by source, what was dropped, which
    near-duplicates were kept, which passages were cut, what stands inside records of other splits,
    what was changed, the reasoning traces, and the configs."""
    made = [account(manifest), drops(manifest), *weighed(manifest), *passages(manifest)]
    made += contained(manifest)
    made += [changes(manifest), *reasoning(manifest, statistics), configs(statistics)]
    return [table for table in made if table.row_count]


def profile(
    steps: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]]
) -> list[Table]:
    """CPU time by step, and by source with how fast it was read; see :mod:`.building.timing`."""
    of_steps = _table(_("CPU time by step"), (_("phase"), _("step")), (_("CPU s"), _("share")))
    for row in steps:
        share = f"{row['share']:.1%}"
        of_steps.add_row(row["phase"], row["step"], f"{row['cpu_seconds']:.2f}", share)
    figures = (_("parts"), _("records"), _("MB"), _("CPU s"), _("MB per CPU s"))
    of_sources = _table(_("Reading, by source"), (_("source"),), figures)
    for row in sorted(sources, key=lambda row: -row["cpu_seconds"]):
        of_sources.add_row(
            row["source"],
            _figure(row["parts"]),
            _figure(row["rows"]),
            f"{row['mb']:,.1f}",
            f"{row['cpu_seconds']:.2f}",
            f"{row['mb_per_cpu_second']:.1f}",
        )
    return [of_steps, of_sources]


def account(manifest: Manifest) -> Table:
    """Records in, dropped by stage, and out, by source."""
    stages = sorted({s for stages in manifest["dropped"].values() for s in stages}, key=place_of)
    table = _table(_("Records"), (_("source"),), (_("in"), *stages, _("out")))
    totals = [0] * (len(stages) + 2)
    for source in manifest["sources"]:
        dropped = manifest["dropped"].get(source["name"], {})
        lost = [sum(dropped.get(stage, {}).values()) for stage in stages]
        figures = [source["in"], *lost, source["out"]]
        totals = [a + b for a, b in zip(totals, figures, strict=True)]
        table.add_row(source["name"], *map(_figure, figures))
    table.add_section()
    table.add_row(_("all"), *map(_figure, totals))
    return table


def sources(manifest: Manifest, most: int) -> Table:
    """Records in, out and lost, and the stage that took most of them, by source: all sources, or
    the ``most`` that lost most, and the others in one line."""
    entries = manifest["sources"]
    shown = sorted(entries, key=lambda one: one["out"] - one["in"])
    if len(entries) > most:
        shown = shown[: most - 1]
    table = _table("", (_("source"),), (_("in"), _("out"), _("lost"), _("share")))
    table.add_column(_("most of it by"), overflow="fold")
    table.title, table.show_edge = None, False
    for one in entries:
        if one in shown:
            stages = manifest["dropped"].get(one["name"], {})
            by = [(sum(rules.values()), stage) for stage, rules in stages.items()]
            count, stage = min(by, key=lambda e: (-e[0], place_of(e[1])), default=(0, ""))
            table.add_row(one["name"], *_lost(one["in"], one["out"]), _by(stage, count))
    others = [one for one in entries if one not in shown]
    if others:
        ends = (sum(one[end] for one in others) for end in ("in", "out"))
        table.add_row(_("{others:,} others").format(others=len(others)), *_lost(*ends), "·")
    ends = (sum(one[end] for one in entries) for end in ("in", "out"))
    table.add_row(_("all"), *_lost(*ends), "·", style="bold")
    return table


def stages_of_sources(manifest: Manifest) -> Table:
    """The same as :func:`account`, with all stages in one column: for a narrow screen."""
    table = _table(_("Records by source"), (_("source"),), (_("in"), _("out")))
    table.add_column(_("lost by"), overflow="fold")
    total: dict[str, int] = {}
    for source in manifest["sources"]:
        dropped = manifest["dropped"].get(source["name"], {})
        lost = {stage: sum(dropped[stage].values()) for stage in sorted(dropped, key=place_of)}
        for stage, n in lost.items():
            total[stage] = total.get(stage, 0) + n
        by = ", ".join(_by(stage, n) for stage, n in lost.items())
        table.add_row(source["name"], _figure(source["in"]), _figure(source["out"]), by or "·")
    table.add_section()
    ends = (_figure(sum(one[end] for one in manifest["sources"])) for end in ("in", "out"))
    by = ", ".join(_by(stage, total[stage]) for stage in sorted(total, key=place_of))
    table.add_row(_("all"), *ends, by or "·")
    return table


def _by(stage: str, records: int) -> str:
    return f"{stage} {records:,}" if records else "·"


def _lost(read: int, kept: int) -> tuple[str, ...]:
    share = f"{(read - kept) / read:.1%}" if read > kept else "·"
    return _figure(read), _figure(kept), _figure(read - kept), share


class Loss(NamedTuple):
    """How many records a rule dropped, and why it does."""

    records: int
    stage: str
    rule: str
    reason: str


def largest_losses(manifest: Manifest) -> list[Loss]:
    """Return what each rule dropped, from the one that dropped most."""
    found = (
        Loss(n, stage, rule, reason(stage, rule)) for (stage, rule), n in _dropped(manifest).items()
    )
    return sorted(found, key=lambda one: (-one.records, place_of(one.stage), one.rule))


def _dropped(manifest: Manifest) -> dict[tuple[str, str], int]:
    total: dict[tuple[str, str], int] = {}
    for stages in manifest["dropped"].values():
        for stage, rules in stages.items():
            for rule, n in rules.items():
                total[stage, rule] = total.get((stage, rule), 0) + n
    return total


def drops(manifest: Manifest) -> Table:
    """Records dropped by stage and rule."""
    table = _table(_("Dropped, by rule"), (_("stage"), _("rule")), (_("records"),))
    total = _dropped(manifest)
    for (stage, rule), n in sorted(total.items(), key=lambda e: (place_of(e[0][0]), -e[1])):
        table.add_row(stage, rule, _figure(n))
    return table


def weighed(manifest: Manifest) -> list[Table]:
    """Records that were kept beside a near-duplicate, by what they differ in; no table where there
    are none."""
    found = (manifest.get("measured") or {}).get("weighed")
    if not found or not found["kept"]:
        return []
    table = _table(_("Kept beside a near-duplicate"), (_("differs in"),), (_("records"),))
    for kind, n in found["kinds"].items():
        table.add_row(word(kind), _figure(n))
    table.add_section()
    table.add_row(_("all"), _figure(found["kept"]))
    if found["contradict"]:
        table.add_row(_(CONTRADICTING), _figure(found["contradict"]))
    return [table]


def contained(manifest: Manifest) -> list[Table]:
    """Records that stand mostly inside others, and what it made of the splits, with one of them; no
    table where there are none."""
    found = (manifest.get("measured") or {}).get("contained")
    if not found or "example" not in found:
        return []
    table = _table(_("Inside another record"), (_("what"),), (_("records"),))
    if "kept" in found:
        table.add_row(_("kept, of any split"), _figure(found["kept"]))
    table.add_row(_("of validation and test, inside one of another split"), _figure(found["apart"]))
    table.add_row(_("records that therefore went to train"), _figure(found["to_train"]))
    if found["held_out"]:
        table.add_row(_("records that went to validation or test"), _figure(found["held_out"]))
    example = found["example"]
    record, share, holder = example["record"], example["share"], example["inside"]
    table.add_row(
        escape(
            _("for example {record}: {share:.0%} of it is in {holder}").format(
                record=record, share=share, holder=holder
            )
        ),
        "",
    )
    return [table]


def passages(manifest: Manifest) -> list[Table]:
    """Notices of sites that were cut out of documents: the most frequent ones, then how many lines
    were cut, out of how many documents; no table where there are none."""
    found = (manifest.get("measured") or {}).get("passages")
    if not found or not found["passages"]:
        return []
    table = _table(
        _("Passages cut from the ends of documents"), (_("source"), _("passage")), (_("documents"),)
    )
    for one in found["examples"]:
        table.add_row(one["source"], escape(one["text"]), _figure(one["documents"]))
    table.add_section()
    several = found["passages"] != 1
    told = (
        _("{n} passages, {chars} characters") if several else _("{n} passage, {chars} characters")
    )
    told = told.format(n=_figure(found["passages"]), chars=_figure(found["chars"]))
    table.add_row(_("all"), told, _figure(found["documents"]))
    return [table]


def changes(manifest: Manifest) -> Table:
    """What the stages did to records that they passed on, by stage and rule."""
    table = _table(_("Changed, by rule"), (_("stage"), _("rule")), (_("times"),))
    for stage, entry in manifest["stages"].items():
        changed = entry["changed"] if entry else {}  # null: the stage was left out
        for rule, n in sorted(changed.items(), key=lambda e: -e[1]):
            table.add_row(stage, rule, _figure(n))
    return table


def configs(statistics: Statistics) -> Table:
    """Rows, characters, Chinese characters, words, and mean characters a row, by split."""
    figures = (_("rows"), _("characters"), _("Chinese"), _("words"), _("mean"))
    table = _table(_("Configs"), (_("config"), _("split")), figures)
    for config, splits in statistics.items():
        for split, s in splits.items():
            counts = (s["rows"], s["chars"], s["han_chars"], s["words"])
            style = "bold" if split == "all" else None
            table.add_row(
                config,
                word(split) if split == "all" else split,
                *map(_figure, counts),
                f"{s['mean_length']:,.1f}",
                style=style,
            )
        table.add_section()
    return table


def reasoning(manifest: Manifest, statistics: Statistics) -> list[Table]:
    """Return what was read of reasoning traces by source and spelling, the rows that have one by
    config and source, and what the checks of traces found; nothing where there are none."""
    read = _table(
        _("Reasoning traces, as the sources spell them"),
        (_("source"), _("spelling")),
        (_("traces"),),
    )
    for source in manifest["sources"]:
        for spelling, n in source.get("reasoning", {}).items():
            read.add_row(source["name"], escape(spelling), _figure(n))
    rows = _table(_("Rows with reasoning"), (_("config"), _("source")), (_("rows"), _("of")))
    flags = _table(_("Flags of reasoning"), (_("config"), _("flag")), (_("rows"),))
    for config, splits in statistics.items():
        total = splits["all"]
        for name, n in total.get("reasoning", {}).items():
            rows.add_row(config, name, _figure(n), _figure(total["source"][name]))
        for flag, n in total.get("reasoning_flags", {}).items():
            flags.add_row(config, flag, _figure(n))
    return [table for table in (read, rows, flags) if table.row_count]


def departments(statistics: Statistics, most: int = 15) -> Table | None:
    """The most frequent departments of sft, or None where there are none."""
    counts = statistics["sft"]["all"]["department"] if "sft" in statistics else {}
    named = {name: n for name, n in counts.items() if name}
    if not named:
        return None
    table = _table(_("Departments in sft"), (_("department"),), (_("rows"),))
    for name, n in list(named.items())[:most]:
        table.add_row(name, _figure(n))
    if len(named) > most:
        table.add_row(
            _("{named} more").format(named=len(named) - most),
            _figure(sum(list(named.values())[most:])),
        )
    return table


def benchmarks(manifest: Manifest) -> Table | None:
    """Items looked for and found, and records dropped, by benchmark; None without any."""
    if not manifest["benchmarks"]:
        return None
    entries = manifest["benchmarks"]
    told = any("whole_only" in entry for entry in entries.values())
    more = (_("found as whole questions only"), _("not searched")) if told else ()
    table = _table(
        _("Benchmarks"), (_("benchmark"),), (_("items"), _("found"), _("records dropped"), *more)
    )
    for name, entry in entries.items():
        counts = [entry["items"], entry["items_hit"], entry["records_dropped"]]
        if told:
            counts += [entry.get("whole_only", 0), entry.get("not_searched", 0)]
        table.add_row(name, *(f"{n:,}" for n in counts))  # none found is a result: 0
    return table


def hard_to_find(manifest: Manifest, *, never: bool = False) -> list[str]:
    """Return a line for each benchmark with items that are not found in any text; ``never``: only
    where some cannot be looked for at all."""
    from ..stages.leaks.items import Reach

    lines = []
    for name, entry in manifest["benchmarks"].items():
        reach = Reach(entry.get("whole_only", 0), entry.get("not_searched", 0))
        if reach.never if never else any(reach):
            lines.append(reach.line(name, entry["items"]))
    return lines


def masking(manifest: Manifest) -> Table | None:
    """How often masking is right on labelled texts, by kind; None where not measured.

    A build of an older version has precision and recall on held-out sentences instead.
    """
    about = manifest.get("measured") or {}
    if mask := about.get("selftest", {}).get("mask"):
        return _measured(_("Masking"), mask, _("kind"), mask["kinds"])
    measured = about.get("masking")
    if not measured:
        return None
    title = _("Masking, measured on {cases} held-out sentences").format(
        cases=measured["held"]["cases"]
    )
    table = _table(title, (_("type"),), (_("labelled"), _("precision"), _("recall")))
    for name, held in measured["held"].items():
        if name != "cases":
            shares = (held["precision"], held["recall"])
            table.add_row(name, _figure(held["labelled"]), *map(_share, shares))
    return table


def disguises(manifest: Manifest) -> Table | None:
    """How many texts that hold a benchmark's item in disguise are found, by disguise; None where
    nothing was searched or measured."""
    about = (manifest.get("measured") or {}).get("selftest", {}).get("decontaminate")
    hidden = [f for f in about["kinds"] if f["set"] == "decontaminate_disguised"] if about else []
    if not about or not hidden or not manifest["benchmarks"]:
        return None
    plain: list[KindFigure] = [
        {**f, "kind": f["kind"].removeprefix("disguised: drop: ")} for f in hidden
    ]
    return _measured(_("Leaks in disguise"), about, _("disguise"), plain)


def _measured(what: str, about: StageFigures, kind: str, figures: Iterable[KindFigure]) -> Table:
    if about["default_settings"]:
        title = _("{what}, measured on labelled texts")
    else:
        title = _(
            "{what}, measured on labelled texts, with the default settings and not this build's"
        )
    table = _table(title.format(what=what), (kind,), tuple(map(_, _RIGHT)))
    for f in figures:
        counts = (f"{f['right']:,}", f"{f['of']:,}", f"{f['right'] / f['of']:.1%}")
        table.add_row(f["kind"], *counts, _interval(f["low"], f["high"]))
    return table


_RIGHT = (N_("right"), N_("of"), N_("share"), N_("95 % interval"))


def selftest(figures: Iterable[Figure]) -> Table:
    """How many labelled rows came out right, by stage and kind, and the day each set was made."""
    table = _table(
        _("Right on labelled rows"), (_("stage"), _("kind")), (*map(_, _RIGHT), _("set of"))
    )
    table.columns[1].max_width = 13  # long kinds are wrapped: a terminal has 80 columns
    last = None
    for f in figures:
        if last not in (None, f.stage):
            table.add_section()
        # Of a kind without a right row 0 is a result.
        counts = (f"{f.right:,}", f"{f.of:,}", f"{f.share:.1%}", _interval(*f.interval))
        table.add_row("" if f.stage == last else f.stage, escape(f.kind), *counts, f.made or "·")
        last = f.stage
    return table


def _interval(low: float, high: float) -> str:
    return _("{low:.1f} to {high:.1%}").format(low=100 * low, high=high)


def bias(measured: BiasEntry) -> Table:
    """Mean characters of both sides, and how often the longer one, the first in its source, a
    model's, the one with Markdown and the polite one is chosen: all pairs, by origin and by
    department."""
    names = (_("pairs"), _("chosen"), _("rejected"), *map(_, _SHORTCUTS))
    table = _table(_("Bias of preference: length, and which side wins"), (_("pairs of"),), names)
    for group in ({"all": measured["all"]}, measured["origins"], measured["departments"]):
        for name, f in group.items():
            lengths = (f"{f['mean_chars'][side]:,.0f}" for side in ("chosen", "rejected"))
            wins = (_share(f.get(f"{sign.lower()}_wins")) for sign in _SHORTCUTS)
            table.add_row(escape(word(name)), _figure(f["pairs"]), *lengths, *wins)
        table.add_section()
    return table


def bias_by_source(found: Mapping[str, OfSource]) -> Table:
    """By source: pairs, how often the longer side, the first in its source and the one with a date
    is chosen, how many pairs are of a model and a person, and how often "the longer" or "the
    shorter", as train says, is right on the split that it is tried on."""
    names = (
        _("pairs"),
        _("longer"),
        _("first"),
        _("dated"),
        _("model + person"),
        _("tried on"),
        _("length right"),
    )
    table = _table(_("Bias of preference by source"), (_("source"),), names)
    for name, f in found.items():
        wins = (f.longer_wins, f.first_wins, f.dated_wins, f.authors)
        table.add_row(
            escape(name or _("all")),
            _figure(f.pairs),
            *map(_share, wins),
            _figure(f.tested),
            _share(f.right),
        )
    return table


def labels(measured: LabelsEntry) -> Table:
    """Rows of `unpaired` by source and label: how many, their share, mean and median characters,
    and the share with a reasoning trace."""
    names = (_("rows"), _("share"), _("mean"), _("median"), _("thinks"))
    table = _table(
        _("Bias of unpaired: length and traces by label"), (_("source"), _("label")), names
    )
    for group in ({"all": measured["all"]}, measured["sources"]):
        for name, figures in group.items():
            for label, f in figures["labels"].items():
                chars = (f"{f[figure]:,.0f}" for figure in ("mean_chars", "median_chars"))
                share = _share(f["rows"] / figures["rows"])
                table.add_row(
                    escape(name), label, _figure(f["rows"]), share, *chars, _share(f["thinks"])
                )
        table.add_section()
    return table


_SHORTCUTS = {
    N_("longer"): N_("the longer one"),
    N_("first"): N_("the one that stands first in its source"),
    N_("model"): N_("the one that a model wrote"),
    N_("Markdown"): N_("the one with Markdown"),
    N_("polite"): N_("the one with a polite phrase"),
    N_("thinks"): N_("the one with a reasoning trace"),
}


def classifiers(measured: BiasEntry, text: dict[str, Any] | None) -> Table:
    """How often trivial classifiers find the chosen side; ``text`` is what
    :func:`.classifier.text_classifier` returned."""
    title = _("Trivial classifiers: 50 % gives nothing away")
    table = _table(title, (_("takes for the chosen one"),), (_("right"),))
    for sign, name in _SHORTCUTS.items():
        table.add_row(_(name), _share(measured["all"][f"{sign.lower()}_wins"]))
    likelier = _("the likelier text by TF-IDF")
    if text:
        likelier = _("the likelier text by TF-IDF ({pairs:,} pairs)").format(pairs=text["pairs"])
    table.add_row(likelier, _share(text["accuracy"] if text else None))
    return table


def diff(comparison: Diff) -> list[Table]:
    """What a new build changed: records by source, why, rows by config and which of them went to
    another split, columns, settings."""
    names = (_("before"), _("added"), _("gone"), _("changed"), _("moved"), _("after"))
    records = _table(
        _("Records, {old} to {new}").format(old=comparison.old, new=comparison.new),
        (_("source"),),
        names,
    )
    for source in comparison.sources:
        records.add_row(source.source, *map(_figure, source[1:]))
    records.add_section()
    total = comparison.total()
    records.add_row(_("all"), *map(_figure, total[1:]))
    why = _table(
        _("Added and gone, by source and rule"), (_("what"), _("source"), _("why")), (_("records"),)
    )
    for one in comparison.reasons:
        why.add_row(one.what, one.source, one.text, _figure(one.records))
    rows = _table(_("Rows"), (_("config"), _("split")), (_("before"), _("after"), _("difference")))
    for split in comparison.splits:
        between = split.after - split.before
        figures = (_figure(split.before), _figure(split.after), f"{between:+,}" if between else "·")
        rows.add_row(split.config, split.split, *figures)
    moves = _table(_("Rows in another split"), (_("config"), _("from"), _("to")), (_("rows"),))
    for move in comparison.moves:
        moves.add_row(move.config, move.before, move.after, _figure(move.rows))
    columns = _table(_("Changed rows, by column"), (_("config"), _("column")), (_("rows"),))
    for column in comparison.columns:
        columns.add_row(column.config, column.column, _figure(column.rows))
    settings = _table(_("Settings"), (_("setting"), _("before"), _("after")), ())
    for setting in comparison.settings:
        settings.add_row(*(escape(text) or "·" for text in setting))
    return [records, rows, *(t for t in (why, moves, columns, settings) if t.row_count)]


def exported(files: Iterable[tuple[str, str, str, int, int, int]]) -> Table:
    """What an export wrote: (config, split, file, rows, lines, lost) for each file."""
    table = _table(
        _("Export"), (_("config"), _("split"), _("file")), (_("rows"), _("lines"), _("lost"))
    )
    for config, split, file, *figures in files:
        table.add_row(config, split, file, *map(_figure, figures))
    return table


def lost(rules: Iterable[tuple[str, str, int, int]]) -> Table:
    """What a format could not hold: (file, rule, rows lost, rows that lost a part)."""
    table = _table(_("Lost"), (_("file"), _("rule")), (_("rows"), _("in part")))
    for file, rule, *figures in rules:
        table.add_row(file, rule, *map(_figure, figures))
    return table


def _share(share: float | None) -> str:
    return "·" if share is None else f"{share:.1%}"


def _table(title: str, names: tuple[str, ...], figures: tuple[str, ...]) -> Table:
    """A table that fits 80 columns as long as it can: names fold, a figure is never cut."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    for name in names:
        table.add_column(name, overflow="fold", min_width=6)
    for name in figures:
        table.add_column(name, justify="right", overflow="fold", no_wrap=True)
    return table


def _figure(n: int) -> str:
    return f"{n:,}" if n else "·"
