"""Pushing over HTTP: what goes out, in one commit or not at all, and what the errors say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built import card
from chimed_datasets.errors import PublishError
from chimed_datasets.publish.hub import Pushed, outgoing, push
from tests.common.sources import recipe
from tests.publish.hub import TOKEN, Hub, serve

SETTINGS = r"/settings"


def send(folder: Path, **options) -> Pushed:
    with outgoing(folder) as what:
        return push(what, "org/small", **options)


def files(hub: Hub, branch: str = "main") -> dict[str, bytes]:
    repo = hub.repos["org/small"]
    return {name: file.data for name, file in repo.commits[repo.branches[branch]].items()}


def test_one_commit_private_and_nothing_but_the_build(hub, free):
    (free / ".DS_Store").write_bytes(b"of a file manager")
    done = send(free)
    repo = hub.repos["org/small"]
    assert repo.private
    assert len(repo.messages) == 2  # the Hub's own first one, and ours
    assert open_built(free).manifest["fingerprint"] in repo.messages[1]
    there = files(hub)
    assert there.keys() - {".gitattributes"} == set(done.changed)
    assert ".DS_Store" not in there
    for name in done.changed:
        assert there[name] == (free / name).read_bytes()
    assert done.commit == repo.branches["main"]


def test_dark_forms_of_pictures_are_named_by_their_address(hub, free):
    """Whether the Hub finds a relative address in `srcset` is not known; a plain one it finds."""
    (free / "pictures").mkdir()
    for name in ("waterfall", "waterfall-dark"):
        (free / "pictures" / f"{name}.png").write_bytes(b"a picture")
    try:
        send_with_card(free)
        told = files(hub)["README.md"].decode()
        place = f"{hub.endpoint}/datasets/org/small/resolve/main/pictures/waterfall-dark.png"
        assert f'srcset="{place}"' in told
        assert 'src="pictures/waterfall.png"' in told
        assert 'srcset="pictures/waterfall-dark.png"' in (free / "README.md").read_text("utf-8")
        (free / "README.md").write_text(told, "utf-8")  # as somebody has it who loaded it down
        assert validate(free) == []
        (free / "README.md").write_text(told.replace("waterfall.png", "other.png"), "utf-8")
        assert validate(free) == [
            "README.md: not the card of this build: `chimed card DIR` writes it again"
        ]
        assert "srcset" not in card.published(told)
    finally:
        shutil.rmtree(free / "pictures")
        card.write(open_built(free))


def test_the_same_again_is_no_commit(hub, free):
    send(free)
    sent = len(hub.uploads)
    again = send(free)
    assert (again.commit, again.changed) == ("", [])
    assert len(hub.repos["org/small"].messages) == 2
    assert len(hub.uploads) == sent


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted(hub, free, tmp_path):
    send(free)
    sent = len(hub.uploads)
    hub.repos["org/small"].commits[hub.repos["org/small"].branches["main"]]["LICENSE"] = next(
        iter(hub.repos["org/small"].commits.values())
    )[".gitattributes"]
    path = recipe(tmp_path)
    content = path.read_text("utf-8").replace("license: apache-2.0", "license: cc-by-4.0")
    path.write_text(content, "utf-8")
    build(load_recipe(path), tmp_path / "small")
    (tmp_path / "small" / "CHANGES.md").write_text("Another licence.", "utf-8")
    send_other = send_with_card(tmp_path / "small")
    # pretrain does not hold the source whose licence changed
    changed = {name for name in send_other.changed if name.endswith(".parquet")}
    assert changed
    assert not any(name.startswith("pretrain/") for name in changed)
    assert len(hub.uploads) - sent == len(changed)
    assert "LICENSE" in files(hub), "not ours: it stays"
    (tmp_path / "small" / "CHANGES.md").unlink()
    done = send_with_card(tmp_path / "small")
    assert done.deleted == ["CHANGES.md"]


def send_with_card(folder: Path) -> Pushed:
    card.write(open_built(folder))
    return send(folder)


def test_public_gated_tag_and_branch(hub, free):
    send(free, public=True, gated="manual", tag="v1")
    repo = hub.repos["org/small"]
    assert (repo.private, repo.gated) == (False, "manual")
    assert repo.tags == {"v1": repo.branches["main"]}
    asked = [line for line in hub.requests if line.startswith(("POST", "PUT"))]
    gate = asked.index("PUT /api/datasets/org/small/settings")
    commit = asked.index("POST /api/datasets/org/small/commit/main")
    assert gate < commit < len(asked) - 1, "gated before, public after the data is there"
    with pytest.raises(PublishError, match="org/small is public: pass --public"):
        send(free)
    with pytest.raises(PublishError, match="has a tag 'v1' already"):
        send(free, public=True, tag="v1")


def test_a_branch_gets_the_commit_and_main_stays(hub, free, later):
    send(free)
    before = files(hub)
    done = send(later, revision="next", tag="v2")
    repo = hub.repos["org/small"]
    assert files(hub) == before
    assert repo.branches["next"] == repo.tags["v2"] == done.commit
    assert files(hub, "next")["manifest.json"] == (later / "manifest.json").read_bytes()


@pytest.mark.parametrize("gated", ["auto", "manual"])
def test_gated_stays_private_unless_told(hub, free, gated):
    send(free, gated=gated)
    repo = hub.repos["org/small"]
    assert (repo.private, repo.gated) == (True, gated)


def test_shards_of_an_older_cut_go_in_the_same_commit(hub, free):
    """Else `load_dataset` would read rows of two builds: the card's pattern takes any shard."""
    send(free)
    repo = hub.repos["org/small"]
    there = dict(repo.commits[repo.branches["main"]])
    stale = ["sft/train-00001-of-00002.parquet", "pictures/old.png", "withheld/rows.parquet"]
    mine = ["notes.md", "sft/readme.txt"]
    for name in [*stale, *mine]:
        there[name] = there["statistics.json"]
    repo.commit("main", there, "of before")
    commits = len(repo.messages)
    done = send(free)
    assert sorted(done.deleted) == sorted(stale)
    assert set(mine) <= files(hub).keys()
    assert len(repo.messages) == commits + 1


FAULTS = [
    ("POST", r"/preupload/", 503, "cannot take it now (503)"),
    ("PUT", r"/lfs/", 500, "cannot take it now (500)"),
    ("POST", r"/commit/", 503, "cannot take it now (503)"),
    ("POST", r"/commit/", 409, "somebody else changed it meanwhile (409)"),
    ("POST", r"/commit/", 412, "somebody else changed it meanwhile (412)"),
    ("POST", r"/commit/", 401, "does not know you there (401)"),
    ("POST", r"/commit/", 403, "you may not write there (403)"),
    ("PUT", r"/lfs/", "cut", "the connection to the Hub broke"),
    ("POST", r"/commit/", "cut", "the connection to the Hub broke"),
    ("POST", r"/validate-yaml", "cut", "the connection to the Hub broke"),
]


@pytest.mark.parametrize(("method", "path", "what", "message"), FAULTS)
def test_a_push_that_fails_leaves_the_old_version(
    hub, free, later, capfd, method, path, what, message
):
    send(free)
    before = files(hub)
    hub.fail(method, path, what, times=100)
    with pytest.raises(PublishError) as caught:
        send(later)
    told = str(caught.value)
    assert message in told
    assert "\n" not in told
    assert files(hub) == before
    seen = capfd.readouterr()
    for text in (told, seen.out, seen.err):
        assert TOKEN not in text
        assert "signature=" not in text
    hub.faults.clear()
    assert send(later).commit
    assert files(hub)["manifest.json"] == (later / "manifest.json").read_bytes()


def test_what_was_uploaded_before_a_cut_is_not_sent_again(hub, free):
    hub.fail("POST", r"/commit/", "cut")
    with pytest.raises(PublishError):
        send(free)
    sent = len(hub.uploads)
    send(free)
    assert len(hub.uploads) == sent > 0


def test_a_hub_that_recovers_is_asked_again(hub, free):
    hub.fail("POST", r"/preupload/", 503, times=2)
    hub.fail("PUT", r"/lfs/", "cut", times=1)
    assert send(free).commit


def test_another_version_came_between(hub, free, monkeypatch):
    send(free)
    repo = hub.repos["org/small"]
    from huggingface_hub import HfApi

    real = HfApi.list_repo_tree

    def meanwhile(self, *args, **named):
        found = real(self, *args, **named)
        repo.commit("main", dict(repo.commits[repo.branches["main"]]), "of somebody else")
        return found

    monkeypatch.setattr(HfApi, "list_repo_tree", meanwhile)
    (free / "CHANGES.md").write_text("New.", "utf-8")
    try:
        with pytest.raises(PublishError, match="changed it meanwhile"):
            send_with_card(free)
    finally:
        (free / "CHANGES.md").unlink()
        monkeypatch.undo()
        from chimed_datasets.built import card

        card.write(open_built(free))
    assert repo.messages[-1] == "of somebody else"


def test_not_logged_in(hub, free, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere")
    with pytest.raises(PublishError, match=r"401.*hf auth login"):
        send(free)


def test_another_organisation(hub, free):
    with outgoing(free) as what, pytest.raises(PublishError, match="you may not write there"):
        push(what, "others/small")
    with outgoing(free) as what, pytest.raises(PublishError, match="is no name of a repository"):
        push(what, "small")


def test_a_card_that_the_hub_refuses(hub, free, tmp_path):
    """The Hub checks the YAML before anything is uploaded."""
    copy = tmp_path / "small"
    shutil.copytree(free, copy)
    with outgoing(copy) as what:
        text = (copy / "README.md").read_text("utf-8")
        (copy / "README.md").write_text(
            text.replace("license:\n- ", "license:\n- home-made-"), "utf-8"
        )
        with pytest.raises(PublishError, match=r"the Hub refused it: .*license.*home-made"):
            push(what, "org/small")
    assert hub.uploads == []


# --- the gate --------------------------------------------------------------------------------


def test_an_unsound_build_stays(free, tmp_path):
    copy = tmp_path / "small"
    shutil.copytree(free, copy)
    next(copy.glob("sft/*.parquet")).write_bytes(b"")
    with pytest.raises(PublishError, match="is not sound: sft/"), outgoing(copy):
        pass


@pytest.mark.parametrize("mask", [False, {"types": []}])
def test_masking_was_off(tmp_path, mask):
    build(load_recipe(recipe(tmp_path, stages={"mask": mask})), tmp_path / "small")
    with pytest.raises(PublishError, match="masking off"), outgoing(tmp_path / "small"):
        pass


def test_a_licence_that_forbids(contract):
    with (
        pytest.raises(PublishError, match=r"source 'pages' has licence contract: it forbids"),
        outgoing(contract),
    ):
        pass
    with outgoing(contract, vouched=["contract"]) as what:
        assert what.withheld == []


def test_a_password_in_a_path(tmp_path):
    path = recipe(tmp_path)
    (tmp_path / "user:secret@host").mkdir()
    shutil.move(tmp_path / "docs.jsonl", tmp_path / "user:secret@host" / "docs.jsonl")
    where = f"file://user:secret@host/../{tmp_path}/user:secret@host/docs.jsonl"
    path.write_text(
        path.read_text("utf-8").replace("path: docs.jsonl", "path: user:secret@host/docs.jsonl"),
        "utf-8",
    )
    build(load_recipe(path), tmp_path / "small")
    manifest = json.loads((tmp_path / "small" / "manifest.json").read_text("utf-8"))
    manifest["sources"][0]["path"] = where
    from chimed_datasets.publish import gate

    gate_check = gate.check
    with pytest.raises(PublishError, match="holds a user name or password"):
        _check_with(gate_check, tmp_path / "small", manifest)


def _check_with(check, folder, manifest):
    from chimed_datasets.built import card
    from chimed_datasets.built.manifest import signed, unsigned

    content = signed(unsigned(manifest))
    (folder / "manifest.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    card.write(open_built(folder))
    check(folder)


# --- the command, and load_dataset from the Hub ----------------------------------------------

LOAD = """
import sys
from datasets import load_dataset
for config in ("pretrain", "sft", "preference"):
    whole = load_dataset(sys.argv[1], config)
    stream = load_dataset(sys.argv[1], config, streaming=True)
    first = next(iter(stream["train"]))
    assert first["id"] == whole["train"][0]["id"], config
    assert sum(1 for _ in stream["train"]) == whole["train"].num_rows
    print(config, {split: rows.num_rows for split, rows in whole.items()})
tagged = load_dataset(sys.argv[1], "sft", revision="v1", split="train")
print("v1", tagged.num_rows)
"""


def test_push_and_load_from_the_command_line(free, tmp_path):
    with serve({TOKEN: "org"}) as server:
        environment = {
            **os.environ,
            "HF_ENDPOINT": server.endpoint,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_TOKEN": TOKEN,
        }

        def run(*command: object) -> str:
            done = subprocess.run(
                [sys.executable, *map(str, command)], cwd=tmp_path, env=environment,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            assert TOKEN not in done.stdout + done.stderr
            return done.stdout

        chimed = ("-c", "from chimed_datasets.cli import app; app()")
        dry = run(*chimed, "push", free, "org/small", "--dry-run")
        for name in ("sft/train-00000-of-00001.parquet", "README.md", "ledger/dropped.parquet"):
            size = (free / name).stat().st_size
            assert f"{size:,}  {name}\n" in dry
        assert server.requests == []
        told = run(*chimed, "push", free, "org/small", "--tag", "v1")
        assert f"{server.endpoint}/datasets/org/small" in told
        loaded = run("-c", LOAD, "org/small")
    manifest = open_built(free).manifest
    for config, splits in manifest["configs"].items():
        rows = {split: sum(f["rows"] for f in entries) for split, entries in splits.items()}
        line = next(line for line in loaded.splitlines() if line.startswith(config))
        assert eval(line.partition(" ")[2]) == rows
