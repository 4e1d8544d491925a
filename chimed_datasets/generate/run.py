"""From a recipe to a folder: estimate, ask, write, swap.

    DIR                     appears whole, with one rename; see :mod:`.output`; an old one stands
                            until then, or is restored by the next run
    DIR.cache/cache.sqlite  every answer that came, and what was spent; see :mod:`.cache`
    DIR.cache/lock          held while a run is at it; a killed process lets go of it
    DIR.cache/work          what lies in between: made again by each run

A run always goes from the first input to the last; what it need not ask again it has from the
cache. So there is no state that could be out of step with the data: a run that was killed and
started again asks what is missing, and writes what one run would have written.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from .._version import __version__
from ..building import place, provenance
from ..building.prepared import Prepared, prepare
from ..building.progress import Progress
from ..built import manifest
from ..errors import ChimedError, GenerateError, RecipeError
from ..lang import _
from ..plugins import described
from . import output
from .asking import Complete, jobs
from .budget import Budget, Cost, actual
from .cache import Cache, connect
from .client import Client
from .estimate import Estimate
from .exchange import Completion, Failed, Request
from .inputs import Input, Inputs
from .models import Endpoint
from .recipe import Recipe
from .tasks import Drop, Outcome

MADE_BY = "chimed generate"
STOPS = ("budget_spent", "endpoint_unavailable")
"""Rules of rows that were left because the run stopped, not for anything of their own."""


class Done(NamedTuple):
    """A finished run: the manifest, what all runs into the folder have spent so far, the requests
    that this one sent, and, where inputs are left, what stopped it."""

    manifest: dict[str, Any]
    spent: Cost
    sent: int
    stopped: str | None

    def lines(self) -> list[str]:
        """Return what to tell a user."""
        lines = []
        for job in self.manifest["tasks"]:
            rules = _(", ").join(f"{rule} {n:,}" for rule, n in job["dropped"].items())
            said = _(
                "{task}: {inputs:,} inputs, {results:,} results in {records:,} records, {lost:,} "
                "in the ledger"
            )
            if rules:
                said = _(
                    "{task}: {inputs:,} inputs, {results:,} results in {records:,} records, "
                    "{lost:,} in the ledger ({rules})"
                )
            figures = {name: job[name] for name in ("task", "inputs", "results", "records")}
            lines.append(said.format(**figures, lost=sum(job["dropped"].values()), rules=rules))
        said = _("{sent:,} requests sent; over all runs {requests:,} requests, {tokens:,} tokens")
        if self.spent.nano:
            said = _(
                "{sent:,} requests sent; over all runs {requests:,} requests, {tokens:,} tokens, "
                "{money:,.4f} of money"
            )
        spent = self.spent
        lines.append(
            said.format(
                sent=self.sent, requests=spent.requests, tokens=spent.tokens, money=spent.money
            )
        )
        return lines


def _silent(phase: str, done: int, total: int, count: int) -> None:
    pass


def generate(
    recipe: Recipe,
    out: str | Path,
    *,
    workers: int = 1,
    limit: int | None = None,
    overwrite: bool = False,
    retry: bool = False,
    progress: Progress = _silent,
    tell: Callable[[list[str]], None] = lambda lines: None,
) -> Done:
    """Generate the records of ``recipe`` into the folder ``out``.

    Run again after it was killed or stopped by its budget, it goes on where it was. ``retry``
    forgets the answers that led to no result, so that they are asked for again. ``tell`` gets the
    estimate before the first request.

    Raises :class:`GenerateError` where ``out`` holds anything but the output of this recipe and
    ``overwrite`` is false, where the endpoint never answers, where another run is at it, or where
    the account does not hold; :class:`RecipeError` where a key is missing from the environment.
    Answers that came before are in the cache.
    """
    out = Path(out)
    keys = _keys(recipe)
    asked_for = _asked_for(recipe, limit)
    _check_target(out, asked_for["digest"], overwrite)
    with _workshop(out) as (folder, db):
        cache = Cache(db)
        if retry:
            cache.forget_bad()
        prepared = prepare(recipe.inputs(), folder, workers=workers, limit=limit, progress=progress)
        expected = _estimate(recipe, prepared, cache)
        tell(expected.lines(_priced(recipe)))
        used, budget = _Usage(), Budget(db, recipe.budget)
        before = budget.spent().requests
        clients = {end: Client(end, key, cache, budget) for end, key in keys.items()}
        target = folder / "new"
        with contextlib.closing(output.Outcomes(folder / "outcomes.sqlite")) as outcomes:

            def put(number: int, given: Input, outcome: Outcome) -> None:
                outcomes.put(number, given, outcome)
                progress("generate", outcomes.inputs, expected.inputs, outcomes.results)

            def over(complete: Complete) -> Inputs:
                return Inputs(prepared, jobs(recipe, complete, cache), recipe.seed, recipe.sample)

            inputs = asyncio.run(_ask(recipe, over, clients, used, put))
            target.mkdir()
            output.write(target, _dropped_before(prepared), outcomes)
            content = _manifest(asked_for, prepared, inputs, outcomes.account, used, target)
            output.write_manifest(target, content)
        place.swap(target, out, folder)
        spent = budget.spent()
    closed = [client.gate.closed for client in clients.values()]
    stopped = next(filter(None, closed), budget.spent_up)
    return Done(content, spent, spent.requests - before, stopped)


def dry_run(
    recipe: Recipe, out: str | Path, *, workers: int = 1, limit: int | None = None
) -> list[str]:
    """Return what a run into ``out`` would ask and cost. Sends nothing, writes nothing that
    stays, needs no key; counts what a run before has left in the cache."""
    asked_for = _asked_for(recipe, limit)
    _check_target(Path(out), asked_for["digest"], overwrite=True)
    path = _cache_path(Path(out))
    with tempfile.TemporaryDirectory(prefix="chimed-") as name:
        prepared = prepare(recipe.inputs(), Path(name), workers=workers, limit=limit)
        db = connect(path if path.exists() else Path(name) / "cache.sqlite")
        with contextlib.closing(db):
            lines = _estimate(recipe, prepared, Cache(db)).lines(_priced(recipe))
            spent = Budget(db, recipe.budget).spent()
    limits = [f"{k} {v:,g}" for k, v in recipe.budget.model_dump(exclude_none=True).items()]
    outside = _("code from outside: {guest}")
    lines.extend(outside.format(guest=guest) for guest in recipe.guests)
    said = _("budget: none; spent so far: {requests:,} requests, {tokens:,} tokens")
    if limits:
        said = _("budget: {limits}; spent so far: {requests:,} requests, {tokens:,} tokens")
    lines.append(
        said.format(limits=", ".join(limits), requests=spent.requests, tokens=spent.tokens)
    )
    return lines


# --- before ----------------------------------------------------------------------------------


def _keys(recipe: Recipe) -> dict[Endpoint, str | None]:
    """Return each endpoint's key. What stands in ``api_key_env`` is not repeated in the error:
    it may be the key itself."""
    keys: dict[Endpoint, str | None] = {}
    for number, model in enumerate(recipe.models):
        endpoint = recipe.endpoint_of(model)
        where = f"models.{number}.endpoint" if model.endpoint else "endpoint"
        if endpoint.api_key_env is None:
            keys[endpoint] = None
            continue
        key = os.environ.get(endpoint.api_key_env, "").strip()
        if not key:
            raise RecipeError(
                _("{where}.api_key_env: no environment variable has that name.").format(where=where)
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise RecipeError(
                _("{where}.api_key_env: what the variable holds is not a key.").format(where=where)
            )
        keys[endpoint] = key
    return keys


def _asked_for(recipe: Recipe, limit: int | None) -> dict[str, Any]:
    """Return the part of the manifest that is known before, ``digest`` over it included.

    How an endpoint is reached, what it may cost and what it is called are no part of it: a run
    may go on elsewhere or with more money.
    """
    content: dict[str, Any] = recipe.model_dump(
        mode="json", include={"name", "seed", "sources", "benchmarks", "sample"}
    )
    content |= {
        "library": f"chimed-datasets {__version__}",
        "limit": limit,
        "stages": json.loads(
            json.dumps(recipe.model_dump(include={"stages"})["stages"], default=vars)
        ),
        "tasks": [
            {
                "task": job.key,
                "settings": json.loads(json.dumps(vars(job.settings), default=vars)),
                "prompt": job.prompt.version,
                "repairs": job.task.repairs,
                "models": [
                    {"name": m.name, "model": m.model, **m.parameters()} for m in job.models
                ],
            }
            for job in jobs(recipe, _nobody, None)  # type: ignore[arg-type]
        ],
    }
    if recipe.guests:
        content["guests"] = described(recipe.guests)
    text = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return {"digest": hashlib.sha256(text).hexdigest()[:16], **content}


async def _nobody(request: Request) -> Completion:
    raise Failed("not_asked", "")


def _check_target(out: Path, digest: str, overwrite: bool) -> None:
    stands = out if out.exists() else _work(out) / place.OLD  # the run would restore it
    if not stands.exists():
        return
    try:
        old = json.loads((stands / "manifest.json").read_text("utf-8"))
        ours = old["made_by"] == MADE_BY
        same = ours and old["digest"] == digest
    except (OSError, ValueError, KeyError, TypeError):
        ours = same = stands.is_dir() and not any(stands.iterdir())
    if not ours:
        raise GenerateError(
            _("{out} was not made by chimed generate: it will not be replaced.").format(out=out)
        )
    if not same and not overwrite:
        raise GenerateError(
            _(
                "{out} holds what another recipe generated: pass --overwrite to replace "
                "it, or another --out."
            ).format(out=out)
        )


def _cache_path(out: Path) -> Path:
    out = out.absolute()  # "." has no name
    return out.with_name(f"{out.name}.cache") / "cache.sqlite"


def _work(out: Path) -> Path:
    return _cache_path(out).with_name("work")


@contextmanager
def _workshop(out: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """Yield an empty work folder on the file system of ``out`` and the open cache, for this run
    alone. The work folder is gone afterwards, or when the next run begins."""
    path = _cache_path(out.absolute())
    path.parent.mkdir(parents=True, exist_ok=True)
    work = _work(out.absolute())
    try:
        with FileLock(path.parent / "lock", timeout=0), contextlib.closing(connect(path)) as db:
            _clear(out, work)
            work.mkdir()
            try:
                yield work, db
            finally:
                _clear(out, work)
    except Timeout:
        raise GenerateError(_("{out}: another run is at it.").format(out=out)) from None
    except sqlite3.Error as error:
        raise GenerateError(_("{name}: {what}.").format(name=path, what=error)) from None


def _clear(out: Path, work: Path) -> None:
    place.restore(out, work)
    shutil.rmtree(work, ignore_errors=True)


def _priced(recipe: Recipe) -> bool:
    return any(model.price for model in recipe.models)


def _estimate(recipe: Recipe, prepared: Prepared, cache: Cache) -> Estimate:
    expected = Estimate(cache)

    async def over(inputs: Inputs) -> None:
        for given in inputs:
            expected.inputs += given.item.parts
            await _outcome(given)

    known = jobs(recipe, expected.complete, cache)
    asyncio.run(over(Inputs(prepared, known, recipe.seed, recipe.sample)))
    return expected


# --- asking ----------------------------------------------------------------------------------


class _Usage:
    """What the answers behind an output cost, each counted once: the same however often the run
    was broken off, unlike what was spent."""

    def __init__(self) -> None:
        self.by_model: dict[str, Counter[str]] = {}
        self._seen: set[bytes] = set()

    def add(self, request: Request, answer: Completion) -> None:
        mark = bytes.fromhex(request.key[:32])
        if mark in self._seen:
            return
        self._seen.add(mark)
        count = self.by_model.setdefault(request.model.name, Counter())
        count["answers"] += 1
        count["prompt_tokens"] += answer.prompt_tokens
        count["completion_tokens"] += answer.completion_tokens
        count["nano"] += actual(request, answer).nano

    def figures(self) -> dict[str, dict[str, float]]:
        """Return model -> what its answers cost, as the manifest has it."""
        return {
            name: {k: count[k] for k in ("answers", "prompt_tokens", "completion_tokens")}
            | ({"money": count["nano"] / 1e9} if count["nano"] else {})
            for name, count in sorted(self.by_model.items())
        }


ROWS_A_PLACE = 4
"""Rows under way for each request that an endpoint may have under way at once: where three of four
rows wait for their next try, its places are still taken."""


async def _ask(
    recipe: Recipe,
    inputs: Callable[[Complete], Inputs],
    clients: Mapping[Endpoint, Client],
    used: _Usage,
    put: Callable[[int, Input, Outcome], None],
) -> Inputs:
    """Ask about every input, as many at once as the endpoints take, and ``put`` what became of
    each. Inputs are made as they are taken: memory holds those under way, which are more than
    the places at the gates, since a row that waits for its next try needs none."""

    async def complete(request: Request) -> Completion:
        answer = await clients[recipe.endpoint_of(request.model)].complete(request)
        used.add(request, answer)
        return answer

    all_inputs = inputs(complete)
    numbered = enumerate(all_inputs)

    async def worker() -> None:
        for number, given in numbered:
            put(number, given, await _outcome(given))

    try:
        async with asyncio.TaskGroup() as group:
            for __ in range(ROWS_A_PLACE * sum(end.concurrency for end in clients)):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    finally:
        await asyncio.gather(*(client.close() for client in clients.values()))
    return all_inputs


def _first(group: BaseException) -> BaseException:
    """Return the first exception of a group: it is the one that ended the others."""
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


async def _outcome(given: Input) -> Outcome:
    """Return what becomes of an input, whatever happens to it: only what concerns all inputs
    (the endpoint, the cache) is raised."""
    if given.ready is not None:
        return given.ready
    assert given.job is not None
    parts = [str(n) if given.item.parts > 1 else "" for n in range(given.item.parts)]
    try:
        return await given.job.work.run(given.item, given.job)
    except Failed as failure:
        rule, evidence = failure.rule, failure.evidence
    except (ChimedError, sqlite3.Error):
        raise
    except Exception as error:  # an error in a task costs the row, not the night
        rule, evidence = "task_error", f"{type(error).__name__}: {error}"
    return Outcome(drops=[Drop(part, rule, evidence) for part in parts])


# --- after -----------------------------------------------------------------------------------


def _dropped_before(prepared: Prepared) -> list[pa.Table]:
    """Return the ledger rows of what the stages dropped."""
    folder = prepared.context.folder
    files = [folder / name for report in prepared.reports for name in report.ledger_files]
    return [*map(pq.read_table, files), prepared.decision.drops]


def _manifest(
    asked_for: Mapping[str, Any],
    prepared: Prepared,
    inputs: Inputs,
    account: Mapping[str, Counter[str]],
    used: _Usage,
    target: Path,
) -> dict[str, Any]:
    """Draw up the manifest. Raises :class:`GenerateError` where the account does not hold."""
    sources = _sources(asked_for["sources"], prepared, inputs)
    tasks = [job | _counts(account.get(job["task"], Counter())) for job in asked_for["tasks"]]
    left = sum(job["dropped"].get(rule, 0) for job in tasks for rule in STOPS)
    return {
        "made_by": MADE_BY,
        **asked_for,
        "sources": sources,
        "tasks": tasks,
        "no_task": _by_rule(account.get("generate", Counter())).get("no_task", 0),
        "complete": not left,
        "usage": used.figures(),
        "files": {
            name: manifest.describe(target / name) for name in ("ledger.parquet", "records.jsonl")
        },
    }


def _sources(
    asked_for: list[dict[str, Any]], prepared: Prepared, inputs: Inputs
) -> list[dict[str, Any]]:
    """Return the sources with what was read, dropped and taken of each. Raises
    :class:`GenerateError` where a clean record was not taken."""
    read: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for report in prepared.reports:
        read[report.source] += report.read
    for table in _dropped_before(prepared):
        dropped.update(manifest.count(table["source"]))
    hashes = prepared.plan.hashes
    sources = []
    for source in asked_for:
        name = source["name"]
        clean = read[name] - dropped[name]
        sources.append(
            {
                **source,
                "sha256": provenance.joint_hash(prepared.plan.files[name], hashes[name]),
                "in": read[name],
                "dropped": dropped[name],
                "clean": clean,
                "taken": inputs.drawn[name],
            }
        )
        if inputs.sample is None and inputs.drawn[name] != clean:
            raise GenerateError(
                _("source {name!r}: {clean} records are clean, but {drawn} were taken.").format(
                    name=name, clean=clean, drawn=inputs.drawn[name]
                )
            )
    return sources


def _counts(account: Counter[str]) -> dict[str, Any]:
    return {
        "inputs": account["inputs"],
        "results": account["results"],
        "records": account["records"],
        "dropped": _by_rule(account),
    }


def _by_rule(account: Counter[str]) -> dict[str, int]:
    rules = {k.removeprefix("dropped."): n for k, n in account.items() if k.startswith("dropped.")}
    return dict(sorted(rules.items()))
