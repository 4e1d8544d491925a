"""docs/how-to/selftest.md: its commands run, and what it says of the sets is so."""

from __future__ import annotations

import re
import shlex
from collections import Counter

from typer.testing import CliRunner

from chimed_datasets.cli import app
from chimed_datasets.selftest.judge import SETS, load
from tests.common import pages

PAGE = (pages.ROOT / "docs" / "how-to" / "selftest.md").read_text("utf-8")


def test_the_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name, text in re.findall(r'^```json title="(.*?)"\n(.*?)^```', PAGE, re.M | re.S):
        (tmp_path / name).write_text(text, "utf-8")
    lines = "".join(re.findall(r"^```bash\n(.*?)^```", PAGE, re.M | re.S)).splitlines()
    commands = [shlex.split(line) for line in lines]
    assert [words for words in commands if words[:2] != ["chimed", "selftest"]] == [
        ["python", "-m", "chimed_datasets.selftest"]  # it writes into the package
    ]
    for _, *words in (words for words in commands if words[0] == "chimed"):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{words}\n{done.output}\n{done.exception!r}"
    (line,) = (line for line in done.output.splitlines() if "phone" in line)
    assert line.split()[-7:] == ["2", "2", "100.0%", "34.2", "to", "100.0%", "·"]


def test_every_set_is_listed_with_its_rows():
    told = {name: int(n) for name, n in re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.M)}
    assert told == Counter(row.set for row in load(SETS))
