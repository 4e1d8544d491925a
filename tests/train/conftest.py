"""The bundled samples, built once; a random model of 0.1 M parameters; the scripts as modules.

Nothing here imports torch before a test asks for it: that alone takes ten seconds.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from chimed_datasets.building.run import build
from chimed_datasets.recipe import load
from chimed_datasets.samples import RECIPE
from tests.common.files import SCRIPTS


@pytest.fixture(scope="session")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Import a script by name, as Python does that finds it in its own folder."""
    torch = importlib.import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # for a model this small, more only wait for one another
    sys.path.insert(0, str(SCRIPTS))
    yield importlib.import_module
    sys.path.remove(str(SCRIPTS))
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def run(script) -> Callable[..., None]:
    """Run a script's main on a command line."""

    def run(name: str, *arguments: object) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
            script(name).main()

    return run


@pytest.fixture(scope="session")
def train(run, dataset) -> Callable[..., Path]:
    """Run a stage from its tiny recipe; return the folder it wrote."""

    def train(name: str, out: Path, **flags: object) -> Path:
        recipe = SCRIPTS / "recipes" / "tiny" / f"{name}.yaml"
        given = {"dataset_name": dataset, "output_dir": out, **flags}
        pairs = [part for flag, value in given.items() for part in (f"--{flag}", value)]
        run(name, "--config", recipe, *pairs)
        return out

    return train


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dataset") / "chimed2"
    build(load(RECIPE), folder)
    return folder


@pytest.fixture(scope="session")
def tiny(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    run("make_model", "tiny", "--out", folder)
    return folder
