"""Pushing a build to the Hub: one commit, private unless told otherwise, nothing half done.

Files go up first; the commit that makes them visible comes last, so that a push that is cut off
leaves the old version whole, and the same command goes on. Shards that are there already are not
sent again. `huggingface_hub` finds the token (``hf auth login``, or ``HF_TOKEN``); nothing here
looks at it or prints what holds it.

``upload_folder`` of `huggingface_hub` 2 cuts a large folder into several commits where `hf_xet`
is installed: a reader could meet half of the new version. Hence ``create_commit``.
"""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from ..built import card
from ..built.dataset import Built
from ..errors import PublishError
from ..lang import N_, _
from . import gate
from .extras import write_extras
from .gate import File
from .withholding import withhold as without

Gated = Literal["auto", "manual"]
_NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


class Outgoing(NamedTuple):
    """What a push sends: a build that passed the gate, its files, and sources left out."""

    built: Built
    files: list[File]
    withheld: list[str]


class Pushed(NamedTuple):
    """What a push did. ``commit`` is "" where the hub had everything, or does not tell its id."""

    url: str
    commit: str
    changed: list[str]
    deleted: list[str]
    same: int


@contextmanager
def outgoing(
    folder: str | Path,
    *,
    withhold: bool = False,
    vouched: Collection[str] = (),
    dropped_texts: bool = False,
) -> Iterator[Outgoing]:
    """Pass a build through the gate; yields what may go out. Touches no network.

    Raises :class:`PublishError` where it is not sound, was built with masking off, or holds a
    source whose licence forbids it (``withhold`` leaves these out, ``vouched`` are licences that
    the user answers for). dropped_texts: whether the kept texts of dropped records go out, too.
    """
    built = gate.check(Path(folder))
    refused = gate.restricted(built, vouched, withhold)
    if not refused:
        yield Outgoing(built, gate.files(built, dropped_texts), [])
        return
    with tempfile.TemporaryDirectory(prefix="chimed-push-") as work:
        names = [one.source for one in refused]
        copy = without(built, names, Path(work) / "dataset")
        _write_extras_alike(built, copy)
        gate.check(copy.folder)
        yield Outgoing(copy, gate.files(copy, dropped_texts), names)


def _write_extras_alike(built: Built, copy: Built) -> None:
    """Give a copy what stands beside the build, made again from the rows that it has."""
    has = card.beside(built.folder)
    if has.changes:
        (copy.folder / card.CHANGES).write_text(has.changes, "utf-8")
    if has.pictures or has.croissant:
        described: dict[str, Any] = {}
        if has.croissant:
            described = json.loads((built.folder / card.CROISSANT).read_text("utf-8"))
        day = described.get("datePublished")
        write_extras(copy, described.get("url", ""), datetime.fromisoformat(day) if day else None)
    elif has.changes:
        card.write(copy)


def push(
    what: Outgoing,
    repo: str,
    *,
    public: bool = False,
    gated: Gated | None = None,
    revision: str | None = None,
    tag: str | None = None,
) -> Pushed:
    """Send a build to the dataset repository ``repo`` (``org/name``) in one commit.

    A new repository is private, and gated before it is made public. Raises
    :class:`PublishError`; what stood on the Hub before is then whole.
    """
    check_name(repo)
    with _one_line(repo):
        from huggingface_hub import HfApi

        api = HfApi(library_name="chimed-datasets")
        kind: Any = {"repo_id": repo, "repo_type": "dataset"}
        url = str(api.create_repo(**kind, private=True, exist_ok=True))
        is_public = not api.dataset_info(repo).private
        if is_public and not public:
            raise PublishError(
                _(
                    "{repo} is public: pass --public to publish there, or push to another name."
                ).format(repo=repo)
            )
        if tag and any(ref.name == tag for ref in api.list_repo_refs(**kind).tags):
            raise PublishError(
                _("{repo} has a tag {tag!r} already: name another --tag.").format(
                    repo=repo, tag=tag
                )
            )
        if revision:
            api.create_branch(**kind, branch=revision, exist_ok=True)
        if gated:
            api.update_repo_settings(**kind, gated=gated)
        place = f"{api.endpoint}/datasets/{repo}/resolve/{quote(revision or 'main', safe='')}"
        with gate.with_card(what.files, place) as files:
            done = _commit(api, kind, what._replace(files=files), revision)
        if tag:
            api.create_tag(**kind, tag=tag, revision=done.oid)
        if public and not is_public:
            api.update_repo_settings(**kind, private=False)
    changed = [name for name in done.after if done.after[name] != done.before.get(name)]
    gone = [name for name in done.before if name not in done.after]
    commit = done.oid if done.oid != done.parent else ""
    return Pushed(url, commit, changed, gone, len(what.files) - len(changed))


def check_name(repo: str) -> None:
    """Raise :class:`PublishError` for what is no name of a repository."""
    if not _NAME.fullmatch(repo):
        raise PublishError(
            _("{repo!r} is no name of a repository: it reads org/name.").format(repo=repo)
        )


def message(what: Outgoing) -> str:
    """Return what the commit of a push says."""
    manifest = what.built.manifest
    return f"Build {manifest['fingerprint']} of {manifest['name']} ({manifest['library']})"


class _Commit(NamedTuple):
    """A commit and its parent: their ids, and the files of both by :func:`_tree`."""

    parent: str
    oid: str
    before: dict[str, str]
    after: dict[str, str]


def _commit(api: Any, kind: Any, what: Outgoing, revision: str | None) -> _Commit:
    """Send the files in one commit that also deletes what an older push left behind."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    parent = api.dataset_info(kind["repo_id"], revision=revision).sha
    before = _tree(api, kind, parent)
    stale = sorted(before.keys() - {file.name for file in what.files})
    configs = what.built.manifest["configs"]
    done = api.create_commit(
        **kind,
        operations=[
            *(CommitOperationAdd(file.name, str(file.path)) for file in what.files),
            *(CommitOperationDelete(name) for name in stale if gate.ours(name, configs)),
        ],
        commit_message=message(what),
        revision=revision,
        parent_commit=parent,
    )
    return _Commit(parent, done.oid, before, _tree(api, kind, done.oid))


def _tree(api: Any, kind: Any, revision: str | None) -> dict[str, str]:
    """Return the files of a revision with the hash that git knows them by."""
    entries = api.list_repo_tree(**kind, revision=revision, recursive=True)
    return {entry.path: entry.blob_id for entry in entries if hasattr(entry, "blob_id")}


@contextmanager
def _one_line(repo: str) -> Iterator[None]:
    """Turn what `huggingface_hub` raises into one line without addresses, which can be signed.

    Its own warnings tell of each retry; they are kept off, as is its progress where nobody looks.
    """
    import sys
    from logging import ERROR

    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except LocalTokenNotFoundError:
        raise PublishError(_(_LOG_IN)) from None
    except HfHubHTTPError as error:
        raise PublishError(refusal(repo, error.response.status_code, AGAIN)) from None
    except httpx2.HTTPError as error:
        raise PublishError(_broke(repo, error)) from None
    except RuntimeError as error:  # of one of several uploads at once
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise PublishError(refusal(repo, cause.response.status_code, AGAIN)) from None
        if isinstance(cause, httpx2.HTTPError):
            raise PublishError(_broke(repo, cause)) from None
        said = _("{repo}: the upload failed. {again}")
        raise PublishError(said.format(repo=repo, again=_(AGAIN))) from None
    except OfflineModeIsEnabled:
        raise PublishError(_("HF_HUB_OFFLINE is set: unset it to push.")) from None
    except ValueError as error:  # the Hub's check of the card
        raise PublishError(
            _("{repo}: the Hub refused it: {split}").format(
                repo=repo, split=" ".join(str(error).split())
            )
        ) from None
    finally:
        logging.set_verbosity(before)


AGAIN = N_("What stood there is whole; run the same command again to go on.")
_HERE = N_("the Hub")
_LOG_IN = N_("not logged in to the Hub: run `hf auth login`, or set HF_TOKEN.")
_UNKNOWN = N_(
    "{repo}: the Hub does not know you there (401): run `hf auth login`, or set HF_TOKEN."
)


def _broke(repo: str, error: Exception) -> str:
    said = _("{repo}: the connection to the Hub broke ({kind}). {again}")
    return said.format(repo=repo, kind=type(error).__name__, again=_(AGAIN))


def refusal(repo: str, status: int, again: str, hub: str = _HERE, unknown: str = _UNKNOWN) -> str:
    """Return one line for an HTTP status that a hub answers with; ``again`` says how to go on,
    ``unknown`` what is said to who is not known there. All three are texts of the catalogue."""
    if status == 401:
        said = _(unknown)
    elif status == 403:
        said = _("{repo}: you may not write there (403): use a token with write access to it.")
    elif status == 404:
        said = _("{repo}: not found (404): check the name and the --revision.")
    elif status in (409, 412):
        said = _("{repo}: somebody else changed it meanwhile ({status}). {again}")
    elif status == 429 or status >= 500:
        said = _("{repo}: {hub} cannot take it now ({status}). {again}")
    else:
        said = _("{repo}: {hub} refused it ({status}).")
    return said.format(repo=repo, status=status, hub=_(hub), again=_(again))
