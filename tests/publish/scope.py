"""ModelScope on this machine: the endpoints that the client `modelscope_hub` 0.5 uses, over HTTP.

It was written from what that client asks and what it reads of the answers; nobody compared it with
modelscope.cn. Repositories are in memory; users are known by their tokens. `fail` makes it answer
with a status, or cut the connection. The real client speaks to it with ``MODELSCOPE_ENDPOINT``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from contextlib import AbstractContextManager
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.publish.hub import File, Repo
from tests.publish.serving import Handler, Server, serving

TOKEN = "ms-aSecretThatMustNotBeSeen"
PRIVATE, PUBLIC = 1, 5


class ModelScope(Server):
    """``users``: token -> name of the organisation that it may write to.

    licences:      what was said of each repository when it was made.
    tells_hashes:  whether a listing has the sha256 of small files.
    knows_ranges:  whether a part of a file can be asked for.
    """

    def __init__(self, users: dict[str, str]) -> None:
        super().__init__()
        self.users = users
        self.repos: dict[str, Repo] = {}
        self.licences: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads: list[str] = []  # sha256 of every large file that was sent
        self.tells_hashes = self.knows_ranges = True

    def files(self, name: str, branch: str = "master") -> dict[str, bytes]:
        repo = self.repos[name]
        return {path: file.data for path, file in repo.commits[repo.branches[branch]].items()}

    def put(self, name: str, files: dict[str, bytes], private: bool = True) -> None:
        """Make a repository with some files, as its owner would on the site."""
        repo = self.repos[name] = Repo(private)
        repo.commit("master", {path: File(data, False) for path, data in files.items()}, "first")


def serve(users: dict[str, str]) -> AbstractContextManager[ModelScope]:
    return serving(ModelScope(users), _Handler)


def log_in(server: ModelScope, patch: pytest.MonkeyPatch, home: Path) -> None:
    """Point the client of this process, and of those that it starts, at a server."""
    patch.setenv("MODELSCOPE_ENDPOINT", server.endpoint)
    patch.setenv("MODELSCOPE_API_TOKEN", TOKEN)
    patch.setenv("MODELSCOPE_HOME", str(home))
    patch.setattr(time, "sleep", lambda seconds: None)  # between tries


class _Handler(Handler):
    state: ModelScope

    @property
    def routes(self) -> list:
        return ROUTES

    def data(self, content: object) -> None:
        self.json({"Code": 200, "Success": True, "Data": content, "RequestId": "r"})

    def error(self, status: int, code: str, message: str) -> None:
        self.json({"Code": code, "Success": False, "Message": message, "RequestId": "r"}, status)

    # --- who asks for what -------------------------------------------------------------------

    @property
    def user(self) -> str | None:
        """The older endpoints know a user by a cookie, the newer by a header; it sends both."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        assert not token or f"m_session_id={token}" in self.headers["Cookie"]
        return self.state.users.get(token)

    def _repo(self, name: str, write: bool = False) -> Repo | None:
        repo = self.state.repos.get(name)
        owner = self.user == name.partition("/")[0]
        if repo is None or (repo.private and not owner):
            self.error(404, "10010205001", "数据集不存在")
        elif write and not owner:
            self.error(403 if self.user else 401, "10010205002", "no right to write")
        else:
            return repo
        return None

    def _files(self, name: str) -> dict[str, File] | None:
        """Return the files of the revision that is asked for."""
        if repo := self._repo(name):
            sha = repo.resolve(self.query["Revision"][0])
            if sha:
                return repo.commits[sha]
            self.error(404, "10010205003", "no such revision")
        return None

    # --- answers -----------------------------------------------------------------------------

    def me(self) -> None:
        if self.user is None:
            self.json({"success": False, "code": "InvalidAuthentication", "message": "no"}, 401)
        else:
            self.json({"success": True, "data": {"username": self.user}})

    def info(self, name: str) -> None:
        if repo := self._repo(name):
            told = {"id": name, "private": repo.private, "license": self.state.licences.get(name)}
            self.json({"success": True, "data": told})

    def older_info(self, name: str) -> None:
        if repo := self._repo(name):
            owner, _, short = name.partition("/")
            self.data({"Id": 1, "Namespace": owner, "Name": short, "Type": 4,
                       "Visibility": PRIVATE if repo.private else PUBLIC})  # fmt: skip

    def create(self) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        fields = {
            part.get_param("name", header="content-disposition"): part.get_payload()
            for part in message_from_bytes(head + self.body).get_payload()
        }
        name = f"{fields['Owner']}/{fields['Name']}"
        if self.user is None:
            self.error(401, "10010103009", "token")
        elif self.user != fields["Owner"] and name not in self.state.repos:
            self.error(403, "10010205002", "no right to create there")
        elif name in self.state.repos:
            self.error(400, "10020101001", "该名称已被注册使用，请重新命名")
        else:
            repo = self.state.repos[name] = Repo(int(fields["Visibility"]) == PRIVATE)
            self.state.licences[name] = fields["License"]
            repo.commit("master", {".gitattributes": File(b"*.parquet lfs\n", False)}, "initial")
            self.data({"Id": 1, "Name": fields["Name"]})

    def tree(self, name: str) -> None:
        files = self._files(name)
        if files is None:
            return
        entries = [self._entry(path, file) for path, file in sorted(files.items())]
        folders = {path.rpartition("/")[0] for path in files} - {""}
        entries += [{"Path": path, "Type": "tree", "Size": 0} for path in sorted(folders)]
        root = self.query.get("Root", ["/"])[0].strip("/")
        entries = [e for e in entries if not root or e["Path"].startswith(f"{root}/")]
        if self.query["Recursive"][0] != "True":
            entries = [e for e in entries if "/" not in e["Path"][len(root) :].strip("/")]
        page = int(self.query.get("PageNumber", ["1"])[0]) - 1
        size = int(self.query.get("PageSize", ["200"])[0])
        self.data({"Files": entries[page * size : (page + 1) * size]})

    def _entry(self, path: str, file: File) -> dict:
        told = {"Path": path, "Name": path.rpartition("/")[2], "Type": "blob",
                "Size": len(file.data), "IsLFS": file.lfs}  # fmt: skip
        if file.lfs or self.state.tells_hashes:
            told["Sha256"] = hashlib.sha256(file.data).hexdigest()
        return told

    def file(self, name: str) -> None:
        files = self._files(name)
        if files is None:
            return
        file = files.get(self.query["FilePath"][0])
        if file is None:
            self.error(404, "10010205004", "no such file")
        elif self.state.knows_ranges:
            self.send_part(file.data, {"Content-Type": "application/octet-stream"})
        else:
            self.send(200, file.data, {})

    def revisions(self, name: str) -> None:
        if repo := self._repo(name):
            self.data({"RevisionMap": {
                "Branches": [{"Revision": branch, "CreatedAt": 1} for branch in repo.branches],
                "Tags": [{"Revision": tag, "CreatedAt": 1} for tag in repo.tags],
            }})  # fmt: skip

    def tag(self, name: str) -> None:
        if repo := self._repo(name, write=True):
            asked = json.loads(self.body)
            repo.tags[asked["TagName"]] = repo.resolve(asked["Ref"]) or ""
            self.data({})

    def lfs_batch(self, name: str) -> None:
        if self._repo(name, write=True):
            objects = []
            for one in json.loads(self.body)["objects"]:
                told = {"oid": one["oid"], "size": one["size"]}
                if one["oid"] not in self.state.blobs:
                    href = f"{self.state.endpoint}/lfs/{one['oid']}?signature=signed-by-the-store"
                    told["actions"] = {"upload": {"href": href}}
                objects.append(told)
            self.data({"objects": objects})

    def lfs_put(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            self.error(400, "1", "not the content that was announced")
            return
        self.state.blobs[oid] = self.body
        self.state.uploads.append(oid)
        self.send(200, b"", {})

    def commit(self, name: str, branch: str) -> None:
        if repo := self._repo(name, write=True):
            asked = json.loads(self.body)
            if branch not in repo.branches:
                self.error(404, "10010205003", "no such branch")
                return
            files = dict(repo.commits[repo.branches[branch]])
            for action in asked["actions"]:
                path = action["path"]
                if action["action"] == "delete" and path not in files:
                    self.error(400, "10030000002", f"there is no file {path}")
                    return
                if action["action"] == "delete":
                    del files[path]
                elif action["type"] == "lfs":
                    data = self.state.blobs[action["sha256"]]
                    assert len(data) == action["size"]
                    files[path] = File(data, True)
                else:
                    files[path] = File(base64.b64decode(action["content"]), False)
            repo.commit(branch, files, asked["commit_message"])
            self.data({})


_N = r"([\w.-]+/[\w.-]+)"
ROUTES = [
    ("GET", r"/openapi/v1/users/me", _Handler.me),
    ("GET", rf"/openapi/v1/datasets/{_N}", _Handler.info),
    ("POST", r"/api/v1/datasets", _Handler.create),
    ("GET", rf"/api/v1/datasets/{_N}", _Handler.older_info),
    ("GET", rf"/api/v1/datasets/{_N}/repo/tree", _Handler.tree),
    ("GET", rf"/api/v1/datasets/{_N}/repo", _Handler.file),
    ("GET", rf"/api/v1/datasets/{_N}/revisions", _Handler.revisions),
    ("POST", rf"/api/v1/datasets/{_N}/repo/tag", _Handler.tag),
    ("POST", rf"/api/v1/repos/datasets/{_N}/info/lfs/objects/batch", _Handler.lfs_batch),
    ("POST", rf"/api/v1/repos/datasets/{_N}/commit/(.+)", _Handler.commit),
    ("PUT", r"/lfs/([0-9a-f]{64})", _Handler.lfs_put),
]
