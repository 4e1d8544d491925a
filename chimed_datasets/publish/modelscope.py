"""Pushing a build to ModelScope as :mod:`.hub` pushes it to the Hub: one commit, nothing half done.

`modelscope_hub`, the client of the package `modelscope`, finds the token (``modelscope login``, or
``MODELSCOPE_API_TOKEN``) and the site (``MODELSCOPE_ENDPOINT``); nothing here looks at the token.

The client's own ``upload_folder`` cuts a folder into commits of 256 files and deletes in one more:
a reader could meet half of a version. Hence its ``create_commit``, the call beneath, with all files
in one. That call names no parent: where two push at once, the later one wins.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, TypeVar

from ..built import licences
from ..built.manifest import describe
from ..errors import PublishError, broken_extra
from ..lang import N_, _
from . import gate
from .gate import File
from .hub import AGAIN, Gated, Outgoing, Pushed, check_name, message, refusal

PREFIX = "modelscope:"
"""What a name of a repository begins with on the command line, where ModelScope is meant."""

_HERE = "ModelScope"
_LOG_IN = N_("not logged in to ModelScope: run `modelscope login`, or set MODELSCOPE_API_TOKEN.")
_UNKNOWN = N_(
    "{repo}: ModelScope does not know you there (401): run `modelscope login`, or set "
    "MODELSCOPE_API_TOKEN."
)
_PAUSES = (1, 2, 4, 8)  # seconds between tries
_TOGETHER = 4  # files that are uploaded at once
_T = TypeVar("_T")


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

    A new repository is private. revision: a branch that is there; None for ``master``. The commit
    of what is returned is "": ModelScope does not tell it. Raises :class:`PublishError`; what stood
    there before is then whole.
    """
    check_name(repo)
    if gated:
        raise PublishError(
            _("--gated is for the Hub alone: on ModelScope you set it on the dataset's page.")
        )
    branch = revision or "master"
    with _one_line(repo), gate.with_card(what.files) as files:
        from modelscope_hub import HubApi, HubConfig

        api = HubApi(HubConfig())
        api.whoami()  # before anything is made or sent: the token is there and is taken
        new = _repository(api, repo, public, _licence(what))
        revisions = [] if new else api.list_repo_revisions(repo, "dataset")
        if tag and any(one.get("Revision") == tag for one in revisions):
            raise PublishError(
                _("{repo} has a tag {tag!r} already: name another --tag.").format(
                    repo=repo, tag=tag
                )
            )
        before = _tree(api, repo, branch, new)
        sums = {file.name: describe(file.path)["sha256"] for file in files}
        changed = [file for file in files if before.get(file.name) != sums[file.name]]
        configs = what.built.manifest["configs"]
        stale = sorted(n for n in before.keys() - sums.keys() if gate.ours(n, configs))
        if changed or stale:
            _commit(api, repo, branch, changed, sums, stale, message(what))
        if tag:
            api.create_repo_tag(repo, "dataset", tag, revision=branch)
        url = f"{api.legacy.endpoint}/datasets/{repo}"
    names = [file.name for file in changed]
    return Pushed(url, "", names, stale, len(files) - len(names))


def _licence(what: Outgoing) -> str:
    """Return the one licence of all sources, "Other" where there are several: without a word the
    client would say Apache-2.0."""
    names = licences.hub_ids({source["license"] for source in what.built.manifest["sources"]})
    return names[0] if len(names) == 1 and names != ["other"] else "Other"


def _repository(api: Any, repo: str, public: bool, licence: str) -> bool:
    """Make the repository where it is not there; return whether it was made."""
    from modelscope_hub import NotExistError, Visibility

    try:
        private = api.get_repo(repo, "dataset").visibility is Visibility.PRIVATE
    except NotExistError:
        kind = Visibility.PUBLIC if public else Visibility.PRIVATE
        api.create_repo(repo, "dataset", visibility=kind, license=licence)
        return True
    if public and private:
        raise PublishError(
            _(
                "{repo} is private, and ModelScope's client cannot change that: make it "
                "public on its page, or leave out --public."
            ).format(repo=repo)
        )
    if not public and not private:
        raise PublishError(
            _("{repo} is public: pass --public to publish there, or push to another name.").format(
                repo=repo
            )
        )
    return False


def _tree(api: Any, repo: str, branch: str, new: bool) -> dict[str, str]:
    """Return the files of a branch with their sha256, "" where ModelScope does not tell it."""
    from modelscope_hub import NotExistError

    try:
        files = api.list_repo_files(repo, "dataset", revision=branch)
    except NotExistError:
        if new and branch == "master":  # it may have no commit yet
            return {}
        raise
    return {file.path: file.sha256 or "" for file in files if not file.is_dir}


def _commit(
    api: Any,
    repo: str,
    branch: str,
    changed: Sequence[File],
    sums: dict[str, str],
    stale: Sequence[str],
    told: str,
) -> None:
    """Upload what is large and send one commit: files that changed, and names to delete."""
    from modelscope_hub import HubError
    from modelscope_hub.constants import COMMIT_MAX_ACTIONS_PER_REQUEST as MOST

    if len(changed) + len(stale) > MOST:
        raise PublishError(
            _(
                "{repo}: {changed:,} files change, and ModelScope takes {most:,} in a "
                "commit: build with a larger shard_size."
            ).format(repo=repo, changed=len(changed) + len(stale), most=MOST)
        )
    large = {file.name for file in changed if _is_large(file)}
    _upload(api, repo, {sums[file.name]: file for file in changed if file.name in large})
    actions = [_action(file, sums[file.name] if file.name in large else "") for file in changed]
    actions += [_as_sent("delete", name) for name in stale]
    try:
        _steady(lambda: api.legacy.create_commit(repo, "dataset", actions, told, branch))
    except HubError:
        after = {file.name: sums[file.name] for file in changed} | dict.fromkeys(stale)
        if not _is_so(api, repo, branch, after):  # the answer to a commit that was made is lost
            raise


def _is_so(api: Any, repo: str, branch: str, after: dict[str, str | None]) -> bool:
    """Whether a branch has these files with these sha256; None: it has no such file."""
    from modelscope_hub import HubError

    try:
        there = _tree(api, repo, branch, new=False)
    except HubError:
        return False
    return all(there.get(name) == sha256 for name, sha256 in after.items())


def _is_large(file: File) -> bool:
    """Whether a file goes to the store of large files; the client decides by the same rules."""
    from modelscope_hub import constants

    path = PurePosixPath(file.name)
    if path.name.upper() in constants.UPLOAD_INLINE_METADATA_PATHS:
        return False
    by_size = file.size > constants.UPLOAD_LFS_FORCE_THRESHOLD_BYTES
    return by_size or path.suffix.lower() in constants.DATASET_LFS_SUFFIX


def _action(file: File, sha256: str) -> dict[str, object]:
    """Return what a commit says of a file; sha256: of a large one, which is there already."""
    from base64 import b64encode

    if sha256:
        return _as_sent("create", file.name, type="lfs", size=file.size, sha256=sha256)
    content = b64encode(file.path.read_bytes()).decode()
    return _as_sent("create", file.name, size=file.size, content=content, encoding="base64")


def _as_sent(action: str, path: str, **more: object) -> dict[str, object]:
    empty = {"type": "normal", "size": 0, "sha256": "", "content": "", "encoding": ""}
    return {"action": action, "path": path, **empty, **more}


def _upload(api: Any, repo: str, files: dict[str, File]) -> None:
    """Send the large files that ModelScope has not; files: by their sha256."""
    from modelscope_hub.constants import UPLOAD_BLOB_VALIDATION_BATCH_MAX_OBJECTS as MOST
    from tqdm import tqdm

    def send(url: str, file: File) -> None:
        def once() -> None:
            with file.path.open("rb") as content:
                api.legacy.upload_blob(url, content, file.size)

        _steady(once)
        bar.update(file.size)

    hashes = list(files)
    total = sum(file.size for file in files.values())
    with (
        tqdm(total=total, unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar,
        ThreadPoolExecutor(_TOGETHER) as pool,
    ):
        for start in range(0, len(hashes), MOST):  # an address to send to does not last for ever
            some = hashes[start : start + MOST]
            asked = [{"oid": oid, "size": files[oid].size} for oid in some]
            urls = _validated(api, repo, asked)
            wanted = [(url, files[oid]) for oid in some if (url := urls.get(oid))]
            bar.update(sum(files[oid].size for oid in some if not urls.get(oid)))
            try:
                for __ in pool.map(lambda pair: send(*pair), wanted):
                    pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _validated(api: Any, repo: str, asked: list[dict[str, Any]]) -> dict[str, str | None]:
    """Return where each large file is to be sent; None, or no entry, for what is there."""
    found: dict[str, str | None] = _steady(
        lambda: api.legacy.validate_blobs(repo, "dataset", asked)
    )
    return found


def _steady(call: Callable[[], _T]) -> _T:
    """Call, and call again where the client says that it may help."""
    from modelscope_hub import HubError

    for pause in _PAUSES:
        try:
            return call()
        except HubError as error:
            if not error.retryable:
                raise
            time.sleep(getattr(error, "retry_after", None) or pause)
    return call()


@contextmanager
def _one_line(repo: str) -> Iterator[None]:
    """Turn what the client raises into one line without addresses, which can be signed.

    What it logs tells of each request and each retry; it is kept off.
    """
    import logging

    try:
        import requests
        from modelscope_hub import errors
    except ImportError as error:
        raise PublishError(broken_extra(error, "modelscope")) from None

    logger = logging.getLogger("modelscope_hub")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except errors.AuthenticationError as error:
        if error.status_code is None:  # the client has none to send
            raise PublishError(_(_LOG_IN)) from None
        raise PublishError(refusal(repo, 401, AGAIN, _HERE, _UNKNOWN)) from None
    except errors.QuotaExceededError:
        raise PublishError(
            _("{repo}: your quota at ModelScope is used up.").format(repo=repo)
        ) from None
    except errors.APIError as error:
        raise PublishError(_refused(repo, error)) from None
    except (errors.NetworkError, requests.RequestException) as error:
        kind = type(error).__name__
        raise PublishError(
            _("{repo}: the connection to ModelScope broke ({kind}). {again}").format(
                repo=repo, kind=kind, again=_(AGAIN)
            )
        ) from None
    except errors.HubError as error:
        raise PublishError(
            _("{repo}: ModelScope's client stopped: {message}").format(
                repo=repo, message=error.message
            )
        ) from None
    finally:
        logger.setLevel(before)


def _refused(repo: str, error: Any) -> str:
    """Return one line for an error of the API, with the server's own words where it has some."""
    from modelscope_hub.errors import AlreadyExistsError, ServerError

    status = error.status_code or 0
    if isinstance(error, AlreadyExistsError):
        said = _("{repo}: the name is taken by a repository that you may not see: push to another.")
        return said.format(repo=repo)
    if isinstance(error, ServerError) and status < 500:  # so it tells that a branch has moved on
        return refusal(repo, 409, AGAIN, _HERE)
    line = refusal(repo, status, AGAIN, _HERE)
    if status not in (200, 400) or not isinstance(error.response_body, dict):
        return line
    said = _("{repo}: ModelScope refused it: {reason}")
    return said.format(repo=repo, reason=" ".join(error.message.split())[:200])
