"""A Hub on this machine that sources at hf:// addresses are read from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub
import pytest

from chimed_datasets import known
from tests.known import make
from tests.publish.hub import TOKEN, File, Hub, Repo, serve


@contextmanager
def served_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that this process's `huggingface_hub` speaks to until the end of the block."""
    with serve({TOKEN: "nobody"}) as server:
        template = f"{server.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        for name, value in (
            ("ENDPOINT", server.endpoint),
            ("HUGGINGFACE_CO_URL_TEMPLATE", template),
            ("HF_HUB_DISABLE_XET", True),
            ("HF_HUB_OFFLINE", False),
        ):
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        huggingface_hub.HfFileSystem.clear_instance_cache()
        yield server
        huggingface_hub.HfFileSystem.clear_instance_cache()


def put(hub: Hub, repo: str, folder: Path) -> None:
    """Make the files of a folder those of a public repository of datasets."""
    files = {
        path.relative_to(folder).as_posix(): File(path.read_bytes(), path.suffix == ".parquet")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    held = hub.repos.setdefault(repo, Repo(private=False))
    held.commit("main", files, "files of a test")


def put_form(hub: Hub, name: str, folder: Path) -> None:
    """Upload the published form of a corpus to the repository where it lies, as its newest commit
    and as those that the registry names."""
    repo = make.form(name)["repository"].removeprefix("huggingface:")
    put(hub, repo, make.lay_out(name, folder))
    held = hub.repos[repo]
    for kind in known.KINDS:
        for entry in known.entries(kind):
            if entry.revision and f"/{repo}/" in f"{entry.path}/":
                held.tags[entry.revision] = held.branches["main"]
