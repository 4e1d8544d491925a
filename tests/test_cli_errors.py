"""Whatever a user gives a command: one line and exit status 1, never a traceback."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimed_datasets.cli import app
from tests.common.shop import shop_in

ID = "docs-" + "0" * 20


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    return shop_in(tmp_path_factory.mktemp("shop"))


BUILD = "build --recipe r.yaml --out"
NO_BUILD = ("dir", "file", "bytes", "none", "file/x", ".")
COMMANDS = [
    *(f"{BUILD} {out}" for out in (".", "..", "/", "dir/..", "file", "file/x", "dir", "b --limit 1",
                                   "/proc/x", "x" * 300)),
    f"{BUILD} . --overwrite",
    f"{BUILD} file --overwrite",
    f"{BUILD} dir --overwrite",
    *(f"{command} {recipe}" for recipe in ("dir", "bytes", "file", "none", "file/x")
      for command in ("build --out o --recipe", "build --dry-run --recipe", f"takedown {ID} --recipe",
                      "generate --out o --recipe", "collect --out o")),
    *(f"{command} {folder}" for folder in NO_BUILD
      for command in ("stats", "stats --bias", "validate", "card", "report", "diff b",
                      f"explain {folder}", "push --dry-run org/x", "export --to jsonl",
                      "rehydrate --source docs=docs.jsonl --out o", "card b --since")),
    f"explain b {ID}",
    *(f"report b --out {out}" for out in ("dir", "file/x", "none/x", ".")),
    *(f"export b --to jsonl --out {out}" for out in (".", "/", "dir", "file/x", "/proc/x", "x" * 300)),
    *(f"export b --to jsonl --takedowns {path}" for path in ("dir", "bytes", "none", "file/x")),
    "export b --to nothing",
    "rehydrate b --out o --source docs",
    "rehydrate b --out o --source docs=docs.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_one_line_and_no_traceback(shop, monkeypatch, command):
    monkeypatch.chdir(shop)
    before = sorted(path.name for path in shop.iterdir())
    words = command.split()
    if words[0] == "push":  # the folder stands first
        words = ["push", words[3], words[2], words[1]]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "1000"})
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit), done.exception
    (line,) = done.stderr.splitlines()
    assert line.startswith("chimed: ")
    assert "Traceback" not in done.output
    assert sorted(path.name for path in shop.iterdir()) == before


FULL = OSError(errno.ENOSPC, "No space left on device")
DENIED = PermissionError(errno.EACCES, "Permission denied", "b/README.md")
REFUSED = {
    "stats": ("stats b", "chimed_datasets.built.dataset.open_built"),
    "explain": ("explain b x", "chimed_datasets.built.dataset.open_built"),
    "validate": ("validate b", "chimed_datasets.built.checks.validate"),
    "diff": ("diff b b", "chimed_datasets.report.diff.compare"),
    "report": ("report b", "chimed_datasets.report.page.page"),
    "card": ("card b", "chimed_datasets.publish.extras.write_extras"),
    "push": ("push b org/x --dry-run", "chimed_datasets.publish.hub.outgoing"),
    "export": ("export b --to jsonl", "chimed_datasets.export.write_export"),
    "rehydrate": ("rehydrate b --out o --source docs=x",
                  "chimed_datasets.publish.rehydrate.rehydrate"),
    "takedown": (f"takedown {ID} --recipe r.yaml", "chimed_datasets.recipe.takedowns.add"),
    "sources": ("sources", "chimed_datasets.sources.layouts"),
    "build": ("build --recipe r.yaml --out o", "chimed_datasets.building.run.workplace"),
    "dry run": ("build --recipe r.yaml --dry-run", "chimed_datasets.building.prepared.plan"),
}  # fmt: skip


@pytest.mark.parametrize("error", [FULL, DENIED], ids=["full", "denied"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_the_system_refuses_is_one_line(shop, monkeypatch, case, error):
    command, place = REFUSED[case]
    monkeypatch.chdir(shop)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(place, refuse)
    done = CliRunner().invoke(app, command.split(), env={"COLUMNS": "1000"})
    assert done.exit_code == 1, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("chimed: ")
    assert ("space" in line) if error is FULL else ("Permission denied" in line)


def test_a_pipe_that_is_closed_is_no_error(shop):
    """`chimed sources | head -1`."""
    command = [sys.executable, "-c", "from chimed_datasets.cli import app; app()", "sources"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.close()
        assert b"Traceback" not in run.stderr.read()
