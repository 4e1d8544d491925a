"""Every trainer for two steps in two processes on a CPU, as torchrun starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.common.files import SCRIPTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def started(tiny, dataset, tmp_path_factory):
    """Run a script under torchrun; return the folder it wrote."""
    home = tmp_path_factory.mktemp("two")

    def start(name: str, **flags: object) -> Path:
        recipe = SCRIPTS / "recipes" / "tiny" / f"{name}.yaml"
        given = {"dataset_name": dataset, "output_dir": home / name, "model_name_or_path": tiny}
        pairs = [
            str(part) for flag in (given | flags).items() for part in (f"--{flag[0]}", flag[1])
        ]
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
        command = [*launcher, "--standalone", str(SCRIPTS / f"{name}.py"), "--config", str(recipe)]
        done = subprocess.run(
            [*command, *pairs, "--use_cpu", "true"], capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return home / name

    return start


@pytest.mark.parametrize("name", ["pretrain", "sft", "dpo", "reward", "grpo"])
def test_two_processes_train_one_model(started, name):
    flags = {"reward_model": started("reward")} if name == "grpo" else {}
    folder = started(name, **flags)
    told = json.loads((folder / "training.json").read_text("utf-8"))
    assert told["steps"] == 2
    assert told["tokens"] > 0
    assert (folder / "model.safetensors").exists()
