"""Files of the Hub: which commit a revision is, what the Hub says of a file, its bytes, and their
place in the cache of `huggingface_hub`, which every tool of the Hub reads.

`hf_hub_download` puts files there as well, and is what makes a file of a snapshot here. Its
transfer is not used: it goes on in steps of 10 MiB, not at all after a connection was reset or a
process died, and it compares the size alone (huggingface_hub 2.4).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ...lang import _
from .far import Far, OnHub

_TIMES = (30, 60, 60, 60)  # seconds to connect, without a byte, to send, for a connection


def is_offline() -> bool:
    """Whether the user set HF_HUB_OFFLINE."""
    from huggingface_hub import constants

    return bool(constants.is_offline_mode())


def home() -> Path:
    """Return the folder that all caches of Hugging Face lie in (HF_HOME)."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME)


def cache_folder() -> Path:
    """Return the folder of the Hub's cache (HF_HUB_CACHE)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def pinned(fs: Any, root: str) -> tuple[str, str, OnHub] | None:
    """Return a path of :class:`huggingface_hub.HfFileSystem` at the commit that its revision is
    now, what it begins with as the user wrote it, and where that is; None for a bucket, which has
    no commits. Raises FileNotFoundError, and errors of the client."""
    resolved = fs.resolve_path(root)
    if not hasattr(resolved, "repo_id"):
        return None
    from huggingface_hub import HfApi, constants

    wait = constants.HF_HUB_ETAG_TIMEOUT
    api = HfApi(endpoint=fs.endpoint, token=fs.token)
    told = api.repo_info(
        resolved.repo_id, repo_type=resolved.repo_type, revision=resolved.revision, timeout=wait
    )
    if not _hex(told.sha, 40):
        raise OSError(_("the Hub tells no commit"))
    on = OnHub(resolved.repo_type, resolved.repo_id, str(told.sha), resolved.path_in_repo)
    return f"{_repository(on)}@{on.commit}/{on.path}".rstrip("/"), resolved.root, on


def _repository(on: OnHub) -> str:
    from huggingface_hub import constants

    return str(constants.REPO_TYPES_URL_PREFIXES.get(on.kind, "")) + on.repo


def stated(info: Mapping[str, Any], root: str, on: OnHub) -> Far:
    """Return what the Hub says of a file of a listing. root, on: of :func:`pinned`."""
    path = str(info["name"]).partition(f"@{on.commit}/")[2]
    large = info.get("lfs")
    sha256 = _hex(large["sha256"], 64) if large else ""
    blob = "" if large else _hex(info.get("blob_id"), 40)
    place = on._replace(path=path) if sha256 or blob else None
    return Far(f"hf://{root}/{path}", on.commit, int(info["size"]), sha256, blob, hub=place)


def _hex(told: Any, digits: int) -> str:
    """Return a hash as it was told, "" for anything else: a file of the cache is named by it."""
    return told if isinstance(told, str) and re.fullmatch(f"[0-9a-f]{{{digits}}}", told) else ""


class Snapshot(NamedTuple):
    """A revision as the cache has it, whoever fetched it. folder: of its files, as far as they
    were fetched. begins: the address up to the path. on: where that is."""

    folder: Path
    begins: str
    on: OnHub

    def stated(self, place: Path) -> Far | None:
        """Return what the Hub said of a file: its hash is the name of what the link leads to. None
        where it is no link."""
        name = place.resolve().name
        sha256, blob = _hex(name, 64), _hex(name, 40)
        if not (sha256 or blob):
            return None
        path = place.relative_to(self.folder).as_posix()
        on = self.on._replace(path=path)
        address = f"{self.begins}/{path}"
        return Far(address, on.commit, place.stat().st_size, sha256, blob, hub=on)


def snapshot(address: str) -> Snapshot | None:
    """Return the revision that an address was when a tool of the Hub last looked; None where the
    cache knows nothing of it."""
    from huggingface_hub.utils import parse_hf_uri  # type: ignore[attr-defined]

    try:
        uri = parse_hf_uri(address)
        revision = uri.revision or "main"
        repo = _folder(uri.type, uri.id)
        commit = revision
        if not _hex(revision, 40):
            commit = (repo / "refs" / revision).read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    folder = repo / "snapshots" / commit
    if not _hex(commit, 40) or not folder.is_dir():
        return None
    begins = address.rstrip("/").removesuffix(uri.path_in_repo).rstrip("/")
    return Snapshot(folder, begins, OnHub(uri.type, uri.id, commit, uri.path_in_repo))


def _folder(kind: str, repo: str) -> Path:
    """Return the folder of a repository in the cache."""
    return cache_folder() / "--".join([f"{kind}s", *repo.split("/")])


def kept(far: Far) -> Path | None:
    """Return the file in the cache, whatever is in it, or None."""
    from huggingface_hub import try_to_load_from_cache

    on = _on(far)
    found = try_to_load_from_cache(
        on.repo, on.path, cache_dir=cache_folder(), revision=on.commit, repo_type=on.kind
    )
    return Path(found) if isinstance(found, str) else None


def blob(far: Far) -> Path:
    """Return where the cache keeps the bytes of a file."""
    on = _on(far)
    return _folder(on.kind, on.repo) / "blobs" / (far.sha256 or far.blob)


def take_up(far: Far, content: Path) -> Path:
    """Put ``content``, which is whole, into its place of the cache, and return that of the commit's
    snapshot. Raises what the client does."""
    if (before := kept(far)) is not None:
        before.unlink()  # where a snapshot holds copies and not links, it would stay
    os.replace(content, blob(far))
    return downloaded(far)


@contextmanager
def blocks(far: Far, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield where the bytes begin that come (``start``, or 0 where the whole comes) and the bytes.
    Raises errors of the client."""
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    on = _on(far)
    address = hf_hub_url(on.repo, on.path, repo_type=on.kind, revision=on.commit)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream(
        "GET", address, headers=headers, follow_redirects=True, timeout=_TIMES
    ) as response:
        response.raise_for_status()
        part = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        begins = start if response.status_code == 206 and part else 0
        yield begins, response.iter_bytes()


def _on(far: Far) -> OnHub:
    assert far.hub is not None
    return far.hub


@contextmanager
def quiet() -> Iterator[None]:
    """Keep off what the client says of each try: what matters is told in one line."""
    from logging import CRITICAL

    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    before, off = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity(CRITICAL)
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if not off:
            enable_progress_bars()


def is_too_large(far: Far) -> bool:
    """Whether the Hub sends a file by its own protocol alone."""
    from huggingface_hub import constants

    return (far.size or 0) > constants.MAX_HTTP_DOWNLOAD_SIZE


def downloaded(far: Far) -> Path:
    """Return where the client put a file into its cache. Raises what the client does."""
    from huggingface_hub import hf_hub_download

    on = _on(far)
    found = hf_hub_download(
        on.repo, on.path, repo_type=on.kind, revision=on.commit, cache_dir=cache_folder()
    )
    return Path(found)
