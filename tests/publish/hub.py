"""A Hub on this machine: the endpoints that `huggingface_hub` and `load_dataset` use, over HTTP.

It keeps repositories with commits, branches and tags in memory, knows users by their tokens, and
checks the YAML of cards. `fail` makes it answer the next matching request with a status, or cut
the connection in the middle. Real clients speak to it with ``HF_ENDPOINT``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import yaml

from tests.publish.serving import Handler, Server, serving

LANGUAGE = re.compile(r"[a-z]{2,3}")
LICENCES = {
    "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
    "unknown", "other",
}  # fmt: skip
TASKS = {"text-generation", "question-answering", "reinforcement-learning", "other"}
SIZE = re.compile(r"n<1K|1K<n<10K|10K<n<100K|100K<n<1M|1M<n<10M|n>10M")
TOKEN = "hf_aSecretThatMustNotBeSeen"


@dataclass
class File:
    data: bytes
    lfs: bool

    @property
    def oid(self) -> str:
        """As the Hub tells it: sha256 of a large file, git's own sha1 of another."""
        if self.lfs:
            return hashlib.sha256(self.data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass
class Repo:
    private: bool
    gated: object = False
    commits: dict[str, dict[str, File]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: dict[str, File], message: str) -> str:
        told = [
            message,
            branch,
            str(len(self.commits)),
            *sorted(f"{n} {f.oid}" for n, f in files.items()),
        ]
        sha = hashlib.sha1("\n".join(told).encode()).hexdigest()
        self.commits[sha] = files
        self.branches[branch] = sha
        self.messages.append(message)
        return sha

    def resolve(self, revision: str) -> str | None:
        found = self.branches.get(revision) or self.tags.get(revision)
        return found or (revision if revision in self.commits else None)


class Hub(Server):
    """``users``: token -> name of the organisation that it may write to."""

    def __init__(self, users: dict[str, str]) -> None:
        self.users = users
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads: list[str] = []  # sha256 of every large file that was sent
        super().__init__()


def serve(users: dict[str, str]) -> AbstractContextManager[Hub]:
    return serving(Hub(users), _Handler)


class _Handler(Handler):
    @property
    def hub(self) -> Hub:
        return self.state

    @property
    def routes(self) -> list:
        return ROUTES

    def error(self, status: int, code: str, message: str) -> None:
        self.send(
            status,
            json.dumps({"error": message}).encode(),
            {"X-Error-Code": code, "X-Error-Message": message, "Content-Type": "application/json"},
        )

    # --- who asks for what -------------------------------------------------------------------

    @property
    def user(self) -> str | None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        return self.hub.users.get(token)

    def _repo(self, name: str, write: bool = False) -> Repo | None:
        """Return a repository that the user may see, or answer as the Hub does."""
        repo = self.hub.repos.get(name)
        owner = self.user == name.partition("/")[0]
        if repo is None or (repo.private and not owner):
            self.error(404 if self.user else 401, "RepoNotFound", "Repository not found")
            return None
        if write and not owner:
            self.error(403, "Forbidden", "no right to write")
            return None
        return repo

    # --- answers -----------------------------------------------------------------------------

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if self.user is None:
            self.error(401, "", "Invalid username or password.")
        elif self.user != asked["organization"]:
            self.error(403, "", "no right to create there")
        elif name in self.hub.repos:
            self.json({"error": "exists", "url": f"{self.hub.endpoint}/datasets/{name}"}, 409)
        else:
            repo = self.hub.repos[name] = Repo(asked.get("visibility") == "private")
            repo.commit(
                "main", {".gitattributes": File(b"*.parquet lfs\n", False)}, "initial commit"
            )
            self.json({"url": f"{self.hub.endpoint}/datasets/{name}"})

    def validate_yaml(self) -> None:
        errors = card_errors(json.loads(self.body)["content"])
        told = {"errors": [{"message": e} for e in errors], "warnings": []}
        self.json(told, 400 if errors else 200)

    def info(self, name: str, revision: str = "main") -> None:
        if repo := self._repo(name):
            sha = repo.resolve(revision)
            if sha is None:
                self.error(404, "RevisionNotFound", "no such revision")
                return
            files = [{"rfilename": name} for name in sorted(repo.commits[sha])]
            self.json({"id": name, "sha": sha, "private": repo.private, "gated": repo.gated,
                        "siblings": files, "tags": [], "downloads": 0, "likes": 0})  # fmt: skip

    def settings(self, name: str) -> None:
        if repo := self._repo(name, write=True):
            asked = json.loads(self.body)
            repo.gated = asked.get("gated", repo.gated)
            if "visibility" in asked:
                repo.private = asked["visibility"] == "private"
            self.json({"private": repo.private, "gated": repo.gated})

    def preupload(self, name: str, revision: str) -> None:
        if repo := self._repo(name, write=True):
            files = repo.commits[repo.resolve(revision)]
            self.json({"files": [
                {"path": f["path"], "uploadMode": "lfs" if _large(f["path"]) else "regular",
                 "shouldIgnore": False, "oid": files[f["path"]].oid if f["path"] in files else None}
                for f in json.loads(self.body)["files"]
            ]})  # fmt: skip

    def lfs_batch(self, name: str) -> None:
        if self._repo(name, write=True):
            objects = []
            for one in json.loads(self.body)["objects"]:
                told = {"oid": one["oid"], "size": one["size"]}
                if one["oid"] not in self.hub.blobs:
                    href = f"{self.hub.endpoint}/lfs/{one['oid']}?signature=signed-by-the-hub"
                    told["actions"] = {"upload": {"href": href}}
                objects.append(told)
            self.json({"transfer": "basic", "objects": objects})

    def lfs_put(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            self.error(400, "", "not the content that was announced")
            return
        self.hub.blobs[oid] = self.body
        self.hub.uploads.append(oid)
        self.json({})

    def commit(self, name: str, revision: str) -> None:
        if repo := self._repo(name, write=True):
            lines = [json.loads(line) for line in self.body.splitlines()]
            header = lines[0]["value"]
            head = repo.branches.get(revision)
            if head is None:
                self.error(404, "RevisionNotFound", "no such branch")
                return
            if header.get("parentCommit") not in (None, head):
                self.error(412, "", "the branch has moved on")
                return
            files = dict(repo.commits[head])
            for line in lines[1:]:
                value, path = line["value"], line["value"]["path"]
                if line["key"] == "file":
                    files[path] = File(base64.b64decode(value["content"]), False)
                elif line["key"] == "lfsFile":
                    files[path] = File(self.hub.blobs[value["oid"]], True)
                elif line["key"] == "deletedFile":
                    del files[path]
            sha = repo.commit(revision, files, header["summary"])
            self.json(
                {"commitOid": sha, "commitUrl": f"{self.hub.endpoint}/datasets/{name}/commit/{sha}"}
            )

    def tag(self, name: str, revision: str) -> None:
        if repo := self._repo(name, write=True):
            wanted = json.loads(self.body)["tag"]
            if wanted in repo.tags:
                self.error(409, "", "the tag exists")
                return
            repo.tags[wanted] = repo.resolve(revision) or ""
            self.json({})

    def branch(self, name: str, branch: str) -> None:
        if repo := self._repo(name, write=True):
            if branch in repo.branches:
                self.error(409, "", "the branch exists")
                return
            repo.branches[branch] = repo.branches["main"]
            self.json({})

    def refs(self, name: str) -> None:
        if repo := self._repo(name):

            def told(kind: str, known: dict[str, str]) -> list[dict]:
                return [
                    {"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": c}
                    for n, c in known.items()
                ]

            self.json(
                {
                    "branches": told("heads", repo.branches),
                    "tags": told("tags", repo.tags),
                    "converts": [],
                }
            )

    def tree(self, name: str, revision: str, folder: str = "") -> None:
        if repo := self._repo(name):
            sha = repo.resolve(revision)
            if sha is None:
                self.error(404, "RevisionNotFound", "no such revision")
                return
            found = _entries(repo.commits[sha], folder.strip("/"), "recursive" in self.query)
            if not found and folder.strip("/"):
                self.error(404, "EntryNotFound", "no such folder")
                return
            self.json(found)

    def paths_info(self, name: str, revision: str) -> None:
        if repo := self._repo(name):
            files = repo.commits[repo.resolve(revision)]
            if self.headers.get("Content-Type", "").startswith("application/json"):
                asked = json.loads(self.body)["paths"]
            else:
                asked = parse_qs(self.body.decode()).get("paths", [])
            folders = {path.rpartition("/")[0] for path in files}
            self.json(
                [_entry(path, files[path]) for path in asked if path in files]
                + [{"type": "directory", "path": p, "oid": "0" * 40} for p in asked if p in folders]
            )

    def resolve(self, name: str, revision: str, path: str) -> None:
        if repo := self._repo(name):
            sha = repo.resolve(revision)
            file = repo.commits[sha].get(path) if sha else None
            if file is None:
                self.error(404, "EntryNotFound" if sha else "RevisionNotFound", "no such file")
                return
            headers = {"X-Repo-Commit": sha, "ETag": f'"{file.oid}"', "Accept-Ranges": "bytes"}
            self.send_part(file.data, headers)


_N = r"([\w.-]+/[\w.-]+)"
ROUTES = [
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.validate_yaml),
    ("POST", rf"/api/datasets/{_N}/preupload/(.+)", _Handler.preupload),
    ("POST", rf"/api/datasets/{_N}/commit/(.+)", _Handler.commit),
    ("POST", rf"/api/datasets/{_N}/tag/(.+)", _Handler.tag),
    ("POST", rf"/api/datasets/{_N}/branch/(.+)", _Handler.branch),
    ("POST", rf"/api/datasets/{_N}/paths-info/(.+)", _Handler.paths_info),
    ("PUT", rf"/api/datasets/{_N}/settings", _Handler.settings),
    ("GET", rf"/api/datasets/{_N}/refs", _Handler.refs),
    ("GET", rf"/api/datasets/{_N}/tree/([^/]+)(/.*)?", lambda s, n, r, f: s.tree(n, r, f or "")),
    ("GET HEAD", rf"/api/datasets/{_N}/revision/(.+)", _Handler.info),
    ("GET HEAD", rf"/api/datasets/{_N}", _Handler.info),
    ("POST", rf"/datasets/{_N}\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("PUT", r"/lfs/([0-9a-f]{64})", _Handler.lfs_put),
    ("GET HEAD", rf"/datasets/{_N}/resolve/([^/]+)/(.+)", _Handler.resolve),
]


def _large(path: str) -> bool:
    return path.endswith((".parquet", ".png"))


def _entry(path: str, file: File) -> dict:
    told = {"type": "file", "path": path, "size": len(file.data), "oid": file.oid[:40]}
    if file.lfs:
        told["lfs"] = {"oid": file.oid, "size": len(file.data), "pointerSize": 130}
    return told


def _entries(files: dict[str, File], folder: str, recursive: bool) -> list[dict]:
    start = f"{folder}/" if folder else ""
    inside = {p: f for p, f in files.items() if p.startswith(start)}
    folders = {
        p[: at.start()] for p in inside for at in re.finditer("/", p) if at.start() > len(start)
    }
    if not recursive:
        inside = {p: f for p, f in inside.items() if "/" not in p[len(start) :]}
        folders = {p for p in folders if "/" not in p[len(start) :]}
    told = [{"type": "directory", "path": p, "oid": "0" * 40} for p in sorted(folders)]
    return told + [_entry(p, f) for p, f in sorted(inside.items())]


def card_errors(content: str) -> list[str]:
    """Return what the Hub would find wrong in a dataset card's YAML."""
    found = re.match(r"---\n(.*?)\n---\n", content, re.S)
    if not found:
        return ["no metadata"]
    try:
        told = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        return [str(error)]
    errors = []

    def each(key: str) -> list:
        value = told.get(key, [])
        return value if isinstance(value, list) else [value]

    errors += [f'"language" {x!r}' for x in each("language") if not LANGUAGE.fullmatch(x)]
    errors += [f'"license" {x!r}' for x in each("license") if x not in LICENCES]
    errors += [f'"task_categories" {x!r}' for x in each("task_categories") if x not in TASKS]
    errors += [f'"size_categories" {x!r}' for x in each("size_categories") if not SIZE.fullmatch(x)]
    errors += [f'"tags" {x!r}' for x in each("tags") if not isinstance(x, str)]
    names = [config.get("config_name") for config in each("configs")]
    if len(set(names)) != len(names) or not all(isinstance(n, str) for n in names):
        errors.append(f'"configs" {names}')
    for config in each("configs"):
        for files in config["data_files"]:
            if not isinstance(files["path"], str) or not re.fullmatch(r"\w+", files["split"]):
                errors.append(f'"configs.data_files" {files}')
    return errors
