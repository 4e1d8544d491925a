"""Pushing to ModelScope by its real client: one commit or none, and what the errors say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built import card
from chimed_datasets.cli import app
from chimed_datasets.errors import PublishError
from chimed_datasets.publish.hub import Pushed, outgoing
from chimed_datasets.publish.modelscope import push
from tests.common.sources import recipe
from tests.publish.scope import TOKEN, ModelScope

COMMIT = r"/commit/"


def send(folder: Path, repo: str = "org/small", **options) -> Pushed:
    with outgoing(folder) as what:
        return push(what, repo, **options)


def test_one_commit_private_and_nothing_but_the_build(modelscope: ModelScope, free):
    (free / ".DS_Store").write_bytes(b"of a file manager")
    done = send(free)
    repo = modelscope.repos["org/small"]
    assert repo.private
    assert len(repo.messages) == 2  # ModelScope's own first one, and ours
    assert open_built(free).manifest["fingerprint"] in repo.messages[1]
    there = modelscope.files("org/small")
    assert there.keys() - {".gitattributes"} == set(done.changed)
    assert ".DS_Store" not in there
    for name in done.changed:
        assert there[name] == (free / name).read_bytes()
    assert (done.deleted, done.same) == ([], 0)
    assert done.url == f"{modelscope.endpoint}/datasets/org/small"
    files = repo.commits[repo.branches["master"]]
    assert {name for name, file in files.items() if file.lfs} >= {
        name for name in files if name.endswith(".parquet")
    }
    assert not files["README.md"].lfs, "the site reads the card"


def test_the_licence_is_not_the_clients_default(modelscope, free, tmp_path):
    """The client says Apache-2.0 of a repository that nothing is said of."""
    send(free)
    assert modelscope.licences["org/small"] == "Other"  # three sources, three licences
    path = recipe(tmp_path)
    text = path.read_text("utf-8").replace("cc0-1.0", "mit").replace("apache-2.0", "mit")
    path.write_text(text, "utf-8")
    build(load_recipe(path), tmp_path / "small")
    send(tmp_path / "small", "org/mit")
    assert modelscope.licences["org/mit"] == "mit"


def test_the_same_again_is_no_commit(modelscope, free):
    first = send(free)
    sent = len(modelscope.uploads)
    again = send(free)
    assert (again.changed, again.deleted, again.same) == ([], [], len(first.changed))
    assert len(modelscope.repos["org/small"].messages) == 2
    assert len(modelscope.uploads) == sent


def test_small_files_whose_hash_is_not_told_are_sent_again(modelscope, free):
    send(free)
    sent = len(modelscope.uploads)
    modelscope.tells_hashes = False
    again = send(free)
    assert "README.md" in again.changed
    assert not any(name.endswith(".parquet") for name in again.changed)
    assert len(modelscope.uploads) == sent


def test_only_what_changed_is_sent_and_what_is_stale_goes_in_the_same_commit(
    modelscope, free, tmp_path
):
    send(free)
    repo = modelscope.repos["org/small"]
    there = dict(repo.commits[repo.branches["master"]])
    stale = ["pictures/old.png", "sft/train-00001-of-00002.parquet", "withheld/rows.parquet"]
    mine = ["LICENSE", "notes.md", "sft/readme.txt"]
    for name in [*stale, *mine]:
        there[name] = there["statistics.json"]
    repo.commit("master", there, "of before")
    sent = len(modelscope.uploads)
    copy = tmp_path / "small"
    shutil.copytree(free, copy)
    (copy / "CHANGES.md").write_text("Another word.", "utf-8")
    card.write(open_built(copy))
    done = send(copy)
    assert done.changed == ["CHANGES.md", "README.md"]
    assert done.deleted == stale
    assert len(modelscope.uploads) == sent
    assert set(mine) <= modelscope.files("org/small").keys()
    assert repo.messages[-2:] == ["of before", repo.messages[1]]


def test_a_listing_of_many_pages(modelscope, free):
    send(free)
    repo = modelscope.repos["org/small"]
    there = dict(repo.commits[repo.branches["master"]])
    there |= {f"sft/a-{n:04d}.parquet": there["statistics.json"] for n in range(450)}
    repo.commit("master", there, "many")
    assert len(send(free).deleted) == 450


def test_public_tag_and_branch(modelscope, free, later):
    send(free, public=True, tag="v1")
    repo = modelscope.repos["org/small"]
    assert not repo.private
    assert repo.tags == {"v1": repo.branches["master"]}
    with pytest.raises(PublishError, match="org/small is public: pass --public"):
        send(free)
    with pytest.raises(PublishError, match="has a tag 'v1' already"):
        send(free, public=True, tag="v1")
    with pytest.raises(PublishError, match=r"not found \(404\): check the name and the --revision"):
        send(free, public=True, revision="next")
    repo.branches["next"] = repo.branches["master"]
    before = modelscope.files("org/small")
    send(later, public=True, revision="next")
    assert modelscope.files("org/small") == before
    there = modelscope.files("org/small", "next")
    assert there["manifest.json"] == (later / "manifest.json").read_bytes()


def test_what_its_client_cannot_do(modelscope, free, monkeypatch):
    with pytest.raises(PublishError, match="--gated is for the Hub alone"):
        send(free, gated="auto")
    assert modelscope.requests == []
    send(free)
    with pytest.raises(PublishError, match="org/small is private, and ModelScope's client cannot"):
        send(free, public=True)
    monkeypatch.setattr("modelscope_hub.constants.COMMIT_MAX_ACTIONS_PER_REQUEST", 3)
    uploads = len(modelscope.uploads)
    with pytest.raises(PublishError, match="takes 3 in a commit: build with a larger shard_size"):
        send(free, "org/other")
    assert len(modelscope.uploads) == uploads


FAULTS = [
    ("POST", r"/objects/batch", 503, "cannot take it now (503)"),
    ("PUT", r"/lfs/", 500, "cannot take it now (500)"),
    ("POST", COMMIT, 503, "cannot take it now (503)"),
    ("POST", COMMIT, 429, "cannot take it now (429)"),
    ("POST", COMMIT, 401, "does not know you there (401): run `modelscope login`"),
    ("POST", COMMIT, 403, "you may not write there (403)"),
    ("POST", COMMIT, 400, "ModelScope refused it: as the test asked"),
    ("PUT", r"/lfs/", "cut", "the connection to ModelScope broke"),
    ("POST", COMMIT, "cut", "the connection to ModelScope broke"),
    ("GET", r"/repo/tree", "cut", "the connection to ModelScope broke"),
]


@pytest.mark.parametrize(("method", "path", "what", "message"), FAULTS)
def test_a_push_that_fails_leaves_the_old_version(
    modelscope, free, later, capfd, method, path, what, message
):
    send(free)
    before = modelscope.files("org/small")
    modelscope.fail(method, path, what, times=100)
    with pytest.raises(PublishError) as caught:
        send(later)
    told = str(caught.value)
    assert message in told
    assert "\n" not in told
    assert modelscope.files("org/small") == before
    seen = capfd.readouterr()
    for text in (told, seen.out, seen.err):
        assert TOKEN not in text
        assert "signature=" not in text
    assert seen.out + seen.err == ""
    modelscope.faults.clear()
    assert send(later).changed
    there = modelscope.files("org/small")
    assert there["manifest.json"] == (later / "manifest.json").read_bytes()


def test_what_was_uploaded_before_a_cut_is_not_sent_again(modelscope, free):
    modelscope.fail("POST", COMMIT, "cut", times=5)
    with pytest.raises(PublishError, match="run the same command again"):
        send(free)
    sent = len(modelscope.uploads)
    send(free)
    assert len(modelscope.uploads) == sent > 0


def test_a_commit_whose_answer_is_lost(modelscope, free, tmp_path):
    """The client asks again, and is told that a file to delete is not there."""
    send(free)
    repo = modelscope.repos["org/small"]
    there = dict(repo.commits[repo.branches["master"]])
    there["pictures/old.png"] = there.pop("statistics.json")
    repo.commit("master", there, "of before")
    modelscope.fail("POST", COMMIT, "late")
    done = send(free)
    assert (done.changed, done.deleted) == (["statistics.json"], ["pictures/old.png"])
    assert len(repo.messages) == 4
    assert not send(free).changed


def test_a_server_that_recovers_is_asked_again(modelscope, free):
    modelscope.fail("POST", r"/objects/batch", 503, times=2)
    modelscope.fail("PUT", r"/lfs/", "cut", times=2)
    modelscope.fail("POST", COMMIT, 503, times=2)
    assert send(free).changed
    assert len(modelscope.repos["org/small"].messages) == 2


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("ms-of-somebody", r"does not know you there \(401\): run `modelscope login`"),
        ("", "not logged in to ModelScope: run `modelscope login`, or set MODELSCOPE_API_TOKEN"),
    ],
)
def test_a_token_that_is_refused(modelscope, free, monkeypatch, token, said):
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", token)
    with pytest.raises(PublishError, match=said):
        send(free)
    assert modelscope.repos == {}


def test_a_repository_that_is_somebody_elses(modelscope, free):
    with pytest.raises(PublishError, match="you may not write there"):
        send(free, "others/new")
    modelscope.put("others/hidden", {"README.md": b""})
    with pytest.raises(PublishError, match="the name is taken by a repository that you may not"):
        send(free, "others/hidden")
    modelscope.put("others/open", {"README.md": b"theirs"}, private=False)
    with pytest.raises(PublishError, match="you may not write there"):
        send(free, "others/open", public=True)
    assert modelscope.files("others/open") == {"README.md": b"theirs"}
    assert modelscope.uploads == []
    with pytest.raises(PublishError, match="is no name of a repository"):
        send(free, "small")


def test_a_server_that_is_not_there(free, monkeypatch, tmp_path):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", TOKEN)
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(PublishError, match="the connection to ModelScope broke"):
        send(free)


def test_the_client_is_not_installed(free, monkeypatch):
    monkeypatch.setitem(sys.modules, "modelscope_hub", None)
    with pytest.raises(PublishError, match=r"pip install 'chimed-datasets\[modelscope\]'"):
        send(free)


# --- the command, the gate, and loading from ModelScope --------------------------------------


def run(*words: object) -> str:
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.output


def test_the_gate_is_the_same(modelscope, contract):
    done = CliRunner().invoke(app, ["push", str(contract), "modelscope:org/small"])
    assert done.exit_code == 1
    assert "source 'pages' has licence contract" in done.output
    assert modelscope.requests == []


def test_the_command(modelscope, contract, tmp_path):
    name = "modelscope:org/small"
    dry = run("push", contract, name, "--withhold", "--dry-run")
    assert "  withheld/rows.parquet\n" in dry
    assert "nothing was sent" in dry
    assert modelscope.requests == []
    told = run("push", contract, name, "--withhold", "--tag", "v1")
    there = modelscope.files("org/small")
    assert f"{modelscope.endpoint}/datasets/org/small: {len(there) - 1} files in one commit" in told
    assert "withheld: source pages" in told
    assert "withheld/rows.parquet" in there
    assert "has it already" in run("push", contract, name, "--withhold")
    for path, data in there.items():
        (tmp_path / "got" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "got" / path).write_bytes(data)
    assert validate(tmp_path / "got") == []
    withheld = open_built(tmp_path / "got").manifest["withheld"]["sources"]
    assert [source["name"] for source in withheld] == ["pages"]


LOAD = """
for config in ("pretrain", "sft", "preference"):
    print(config, {split: rows.num_rows for split, rows in load_dataset(folder, config).items()})
"""


def test_what_was_pushed_loads_as_the_card_says(modelscope, free, tmp_path):
    send(free)
    text = modelscope.files("org/small")["README.md"].decode()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    hub, here = (block.replace("organisation/", "org/") for block in blocks)
    imports = next(line for line in hub.splitlines() if line.startswith("from datasets"))
    where = {"MODELSCOPE_CACHE": str(tmp_path / "ms"), "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}\n{here}\n{LOAD}"],
        env=os.environ | where, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = open_built(free).manifest
    for config, splits in manifest["configs"].items():
        rows = {split: sum(f["rows"] for f in entries) for split, entries in splits.items()}
        line = next(line for line in done.stdout.splitlines() if line.startswith(config))
        assert eval(line.partition(" ")[2]) == rows
