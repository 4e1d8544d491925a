"""What a file is, and which layout reads it: the verdict, with its grade and its reasons."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from ..errors import SourceError
from ..lang import N_, retold, speaking
from ..records import QAThread
from ..sources import layout, layouts
from ..sources.files.heads import Head, Heads, heads
from ..sources.files.staging import staging
from .columns import asks
from .fits import MAPPED, Fit, applies, exam, mapped, of_files, tried
from .forms import Form, form_of
from .grades import grade_of

LEAST = 0.3
"""A layout that reads less than this share of the first rows does not fit."""


@dataclass(frozen=True)
class Detected:
    """What a path is, and which layout reads it.

    path:     as it was given.
    form:     what a user would call it: "JSON Lines", "a table parted by commas".
    encoding: of its text, "" where it has none.
    packed:   the endings of archives and compression, as ".tar.xz"; "" without any.
    files:    how many there are, None where an archive was not read to its end.
    columns:  of its rows.
    best, second: the layouts that fit best; None where none does.
    grade:    how sure that is: "sure", "likely" or "guess".
    reason:   of the grade, one line.
    others:   the other layouts for such files -> why they do not fit.
    notes:    what else to know.
    seconds:  that it took.
    """

    path: str
    form: str
    encoding: str
    packed: str
    files: int | None
    columns: tuple[str, ...]
    best: Fit | None
    second: Fit | None
    grade: str
    reason: str
    others: Mapping[str, str]
    notes: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {
            "path": self.path,
            "form": self.form,
            "encoding": self.encoding or None,
            "compression": self.packed or None,
            "files": self.files,
            "columns": list(self.columns),
            "layout": self.best and _told(self.best),
            "second": self.second and _told(self.second),
            "grade": self.grade,
            "reason": self.reason,
            "others": dict(self.others),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def _told(fit: Fit) -> dict[str, Any]:
    return {
        "name": fit.layout,
        "benchmark": fit.benchmark,
        "read": fit.kept,
        "of": fit.read,
        "share": round(fit.share, 4),
        "keys": dict(fit.options),
        "why_not": fit.why or None,
    }


def detect(path: str | Path, base: Path | None = None) -> Detected:
    """Say what the files of a path are and which layout reads them, by their beginnings alone.

    path: a file, a folder, a glob, an archive, or an fsspec address of any of these, relative to
          ``base`` (the current folder).

    The readers of all layouts are run over the beginning; how many of its first rows become
    records, and what of their text is in these, decides. Takes a second or less, however large the
    files are; of an archive the first members are looked at.

    What it says is in English, as programs may read it; :func:`.lang.retold` says it in the
    language that is spoken.

    Raises :class:`SourceError` where the path leads nowhere or nothing in it can be opened.
    """
    start = time.perf_counter()
    try:
        with speaking("en"), staging() as place:
            found = heads(str(path), base or Path(), place)
            verdict = _verdict(str(path), found)
    except SourceError as error:
        error.args = (retold(str(error)),)
        raise
    return replace(verdict, seconds=time.perf_counter() - start)


def _verdict(path: str, found: Heads) -> Detected:
    notes = [f"{name}: {why}" for name, why in list(found.faults.items())[:3]]
    if not found.archives and found.found is not None and len(found.heads) < found.found:
        notes.append(
            N_("{heads} of {found:,} files were looked at").format(
                heads=len(found.heads), found=found.found
            )
        )
    if not found.heads:
        why = next(iter(found.faults.values()), N_("it holds no file that can be looked at"))
        return _no_layout(path, found, Form("", N_("no file that can be read"), fault=why), notes)
    forms = [(head, form_of(head)) for head in found.heads]
    families = Counter(form.family for _, form in forms)
    family = max(families, key=lambda one: (bool(one), families[one]))
    mine = [(head, form) for head, form in forms if form.family == family]
    form = _joined([form for _, form in mine])
    beside = ""
    if len(families) > 1:
        rest = Counter(form.name for _, form in forms if form.family != family)
        told = ", ".join(f"{name} ({count})" for name, count in rest.most_common(3))
        beside = N_("beside {name} there is {told}").format(name=form.name, told=told)
        notes.append(beside)
    if not family:
        return _no_layout(path, found, form, notes)
    fits, others = _fits([head for head, _ in mine], form)
    verdict = _graded(path, found, form, fits, others, [*form.notes, *notes])
    if beside and verdict.grade == "sure" and sum(bool(family) for family in families) > 1:
        verdict = replace(verdict, grade="likely", reason=beside)
    return verdict


def _joined(forms: Sequence[Form]) -> Form:
    """Return one form for several files alike: the rows of all."""
    first = forms[0]
    names = list(dict.fromkeys(form.name for form in forms))
    if len(forms) == 1:
        return first
    each = max(400 // len(forms), 10)
    if names == [N_("one JSON object")]:
        names = [N_("one JSON object a file")]
    return replace(
        first,
        name=", ".join(names[:3]),
        encoding=", ".join(sorted({form.encoding for form in forms if form.encoding})),
        rows=[row for form in forms for row in form.rows[:each]],
        sound=min(form.sound for form in forms),
        text="\n\n".join(form.text for form in forms),
        replaced=sum(form.replaced for form in forms),
        notes=list(dict.fromkeys(note for form in forms for note in form.notes)),
    )


def _fits(files: Sequence[Head], form: Form) -> tuple[list[Fit], dict[str, str]]:
    """Return the layouts that fit, the best first, and why others do not."""
    fits: list[Fit] = []
    others: dict[str, str] = {}
    items = exam(files, form) if form.family in MAPPED else None
    for key in layouts():
        found = layout(key)
        if not applies(found, form.family) or key in MAPPED.values():
            continue
        if key == "exam" and items:  # what may be a benchmark is kept out of the data
            continue
        own = of_files(found, files)
        if form.family == ".txt" and ".jsonl" in found.suffixes:
            others[key] = N_("reads JSON")
        elif not own:
            others[key] = N_("reads files ending in {suffixes}").format(
                suffixes=", ".join(found.suffixes)
            )
        elif key == "html":
            others[key] = N_("reads them with a site file: key `site`")
        elif form.under:
            others[key] = N_("does not look for rows under {under!r}").format(under=form.under)
        else:
            fits.append(tried(found, own, form, {}))
            if key == "exam" and not fits[-1].kept:
                fits.pop()
                others[key] = N_("no questions with options")
    fits = [_of_text(fit, form) for fit in fits]
    if form.family in MAPPED:
        own = of_files(layout(MAPPED[form.family]), files)
        if own and (fit := mapped(own, form)):
            fits.append(fit)
        elif own:
            others[MAPPED[form.family]] = N_("no column is text")
        if items:
            fits.append(items)
    fits.sort(key=lambda fit: -fit.worth)
    _prefer(fits, "ranked", over="instruction")
    good = [fit for fit in fits if fit.share >= LEAST and fit.worth >= 0.15]
    others |= {
        fit.layout: fit.why or N_("leaves most of the text out") for fit in fits if fit not in good
    }
    return good, others


def _prefer(fits: list[Fit], one: str, over: str) -> None:
    """Put a fit before another that reads as much of the same rows."""
    names = [fit.layout for fit in fits]
    if one in names and over in names:
        better, other = fits[names.index(one)], fits[names.index(over)]
        if better.share >= 0.6 * other.share and fits.index(better) > fits.index(other):
            fits.remove(better)
            fits.insert(fits.index(other), better)


def _of_text(fit: Fit, form: Form) -> Fit:
    """Layouts of plain text read nearly any: they are judged by what came out."""
    if fit.layout == "qa_blocks" and fit.kept:
        threads = [one for one in fit.records if isinstance(one, QAThread)]
        asking = asks([f"{one.title or ''}{one.question}" for one in threads])
        titled = sum(one.title is not None for one in threads) / len(threads)
        answers = median(len(one.answers[0].text) for one in threads)
        questions = median(len(one.question) for one in threads)
        if asking < 0.5 or questions > 300 or answers > 3000:
            why = N_("the first lines of its blocks are no questions")
            return replace(fit, kept=0, why=why)
        covered = fit.covered if asking >= 0.6 and titled >= 0.5 else 0.4
        return replace(fit, covered=covered)
    if fit.layout == "text" and fit.kept:
        return replace(fit, covered=0.5)  # the last resort
    return fit


# --- what is said of it -----------------------------------------------------------------------


def _no_layout(path: str, found: Heads, form: Form, notes: Sequence[str]) -> Detected:
    grade = "likely" if form.text else "sure"
    reason = N_("no layout reads it: {fault}").format(fault=form.fault)
    return Detected(
        path, form.name, form.encoding, _packed(found), found.found, tuple(form.columns), None,
        None, grade, reason, {}, tuple(notes), 0.0,
    )  # fmt: skip


def _packed(found: Heads) -> str:
    endings = sorted({head.compression for head in found.heads} - {""})
    archives = sorted({"".join(Path(name).suffixes[-2:]) or name for name in found.archives})
    return ", ".join([*archives, *endings])


def _graded(
    path: str,
    found: Heads,
    form: Form,
    fits: Sequence[Fit],
    others: dict[str, str],
    notes: list[str],
) -> Detected:
    best = fits[0] if fits else None
    second = fits[1] if len(fits) > 1 else None
    others = others | {
        fit.layout: fit.why or N_("reads {share:.0%}, and less of the text").format(share=fit.share)
        for fit in fits[2:]
    }
    if best is None:
        grade, reason = "likely", N_("no layout reads the first rows")
        if form.family == ".html":
            reason = N_(
                "layout html reads pages, with a site file of yours; if data should stand here, "
                "download it again"
            )
        elif (key := MAPPED.get(form.family, "")) in others:
            reason = N_("no layout reads the first rows; {key}: {why}").format(
                key=key, why=others[key]
            )
    else:
        grade, reason = grade_of(best, second, form)
    return Detected(
        path, form.name, form.encoding, _packed(found), found.found, tuple(form.columns), best,
        second, grade, reason, others, tuple(notes), 0.0,
    )  # fmt: skip
