"""Files of a repository on GitHub, as its API gives them, from a server on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from chimed_datasets.errors import SourceError
from chimed_datasets.recipe import Source
from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport
from chimed_datasets.sources.files.finding import at_revision, resolve
from tests.known import make

github = pytest.importorskip("fsspec.implementations.github")


@pytest.fixture
def asked() -> list[str]:
    """The paths of the files whose content was asked for."""
    return []


@pytest.fixture
def repository(monkeypatch, asked) -> Iterator[dict[str, bytes]]:
    """Path -> bytes of the one repository that there is, at the revision master."""
    files: dict[str, bytes] = {}

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            _, _, owner, name, *rest = path.split("/")
            assert owner
            assert name
            if rest[0] == "contents":
                asked.append("/".join(rest[1:]))
                held = files[asked[-1]]
                body = {"content": base64.b64encode(held).decode(), "download_url": ""}
            else:
                folder = "" if rest[2] == "master" else bytes.fromhex(rest[2]).decode()
                body = {"tree": list(tree(folder))}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    def tree(folder: str) -> Iterator[dict[str, object]]:
        begun = f"{folder}/" if folder else ""
        inside = [path.removeprefix(begun) for path in files if path.startswith(begun)]
        for name in dict.fromkeys(path.partition("/")[0] for path in inside):
            whole = begun + name
            kind = "blob" if whole in files else "tree"
            sha = blob(files[whole]) if whole in files else whole.encode().hex()
            about = {"path": name, "mode": "1", "type": kind, "sha": sha}
            yield about | ({"size": len(files[whole])} if whole in files else {})

    def blob(data: bytes) -> str:
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}/repos/{{org}}/{{repo}}"
    system = github.GithubFileSystem
    monkeypatch.setattr(system, "url", host + "/git/trees/{sha}")
    monkeypatch.setattr(system, "content_url", host + "/contents/{path}?ref={sha}")
    system.clear_instance_cache()
    yield files
    system.clear_instance_cache()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "records", "lost"),
    [("webmedqa", 4, 2), ("cmedqa2", 3, 2), ("toyhom-dialogue", 5, 1), ("medical-kg", 2, 1)],
)
def test_known_sources_are_read_from_github(repository, tmp_path, name, records, lost):
    repository |= make.contents(name)
    source = Source.model_validate({"known": name})
    reader = source.reader
    files = resolve(source.address, Path(), tmp_path, reader.suffixes, source.files)
    made = list(reader.read(files, source.options, FileReport()))
    bad = [one for one in made if isinstance(one, Malformed)]
    assert (len(made) - len(bad), len(bad)) == (records, lost)


def test_a_file_of_github_comes_once_and_is_compared(repository, asked, tmp_path):
    address = "github://ada:notes@master/in"
    repository |= {"in/a.jsonl": b"one", "in/b.jsonl": b"two"}
    for _ in range(2):
        files = resolve(address, Path(), tmp_path, (".jsonl",))
        assert [file.read() for file in files] == [b"one", b"two"]
        assert files[0].url == "github://ada:notes@master/in/a.jsonl"
    assert sorted(asked) == ["in/a.jsonl", "in/b.jsonl"]
    repository["in/a.jsonl"] = b"new"
    assert resolve(address, Path(), tmp_path, (".jsonl",))[0].read() == b"new"

    repository["in/c.jsonl"] = b"as listed"
    opened = github.GithubFileSystem.open

    def meanwhile(self, path, *args, **options):
        repository["in/c.jsonl"] = b"just now!"
        return opened(self, path, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(github.GithubFileSystem, "open", meanwhile)
        with pytest.raises(SourceError, match=r"in/c.jsonl: what came is not what .*git hash"):
            resolve(address, Path(), tmp_path, (".jsonl",))


def test_another_revision_takes_the_place_of_the_branch():
    path = "github://hejunqing:webMedQA@master/a.txt"
    assert at_revision(path, "1f2e") == "github://hejunqing:webMedQA@1f2e/a.txt"
