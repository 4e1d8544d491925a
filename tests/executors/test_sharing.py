"""What the machines of a build must share is checked before any work, each lack told in a line."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from chimed_datasets import build, cli, load_recipe
from chimed_datasets.building import checkpoint, machines
from chimed_datasets.errors import BuildError
from chimed_datasets.executors.local import LocalExecutor


class Elsewhere(LocalExecutor):
    """Two machines besides this one; on the second one of the things that are looked for is
    changed."""

    change = staticmethod(lambda sought: sought)

    def everywhere(self, function, shared):
        if not isinstance(shared, machines.Sought):
            return [("node-1", function(shared, "node-1"))]
        return [
            ("node-1", function(shared, "node-1")),
            ("node-2", function(type(self).change(shared), "node-2")),
        ]


def another_folder(sought):
    other = sought.folder.with_name("other")
    other.mkdir(exist_ok=True)
    (other / sought.token).write_text("another token")
    return sought._replace(folder=other)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s._replace(folder=s.folder / "nowhere"), "nowhere is not there: put --out on"),
        (another_folder, "other is another folder there: put --out on"),
        (lambda s: s._replace(code="older"), "of another version there: install the same"),
        (
            lambda s: s._replace(files=((s.files[0][0] + "x", 1),)),
            "jsonlx is not there: put sources",
        ),
        (lambda s: s._replace(files=((s.files[0][0], 1),)), "bytes there, not 1: put sources"),
    ],
)
def test_a_machine_that_lacks_something(workshop, monkeypatch, change, told):
    monkeypatch.setattr(Elsewhere, "change", staticmethod(change))
    with pytest.raises(BuildError, match=f"^node-2: .*{told}"):
        build(load_recipe(workshop / "recipe.yaml"), workshop / "out", executor=Elsewhere())
    assert not (workshop / "out").exists()


def test_nothing_of_the_check_stays(workshop):
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out", executor=Elsewhere())
    assert [p.name for p in workshop.iterdir() if p.name.startswith(".out")] == []


def run(*options: object) -> str:
    result = CliRunner().invoke(cli.app, ["build", *map(str, options)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    return " ".join(result.output.split())


def test_a_target_that_is_no_disk(workshop):
    told = run("--recipe", workshop / "recipe.yaml", "--out", "s3://bucket/chimed2")
    assert "a dataset is built on a disk" in told


def test_an_address_without_ray(workshop):
    told = run("--recipe", workshop / "recipe.yaml", "--address", "10.0.0.1:6379")
    assert "add --executor ray" in told


def test_ray_is_an_extra(workshop, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    told = run("--recipe", workshop / "recipe.yaml", "--executor", "ray")
    assert "pip install 'chimed-datasets[ray]'" in told


# --- a part that two make at once ------------------------------------------------------------


def test_two_that_make_one_part(tmp_path):
    """As on a cluster, where a node that is taken for lost may still be at work."""
    place = tmp_path / "units" / "00000"
    with checkpoint.making(place) as one, checkpoint.making(place) as other:
        for part in (one, other):
            (part / "data").write_text("the same")
            checkpoint.seal(part, "key", {"rows": 1})
    assert checkpoint.finished(place, "key") == ({"rows": 1}, "")
    assert os.listdir(place.parent) == ["00000"]


def test_a_part_that_fails_leaves_nothing(tmp_path):
    with suppress(MemoryError), checkpoint.making(tmp_path / "units" / "00000") as part:
        (part / "data").write_text("half")
        raise MemoryError
    assert list((tmp_path / "units").iterdir()) == []
