"""The rates that docs/why/scale.md reckons with: CPU seconds and bytes of every step of a build.

    python tests/benchmarks/scale.py DATA/recipe.yaml WORK [--workers 1]

With one worker every task runs in this process, so that its CPU time is known by function. With
more, the peak memory of this process is that of the driver alone. WORK must not exist.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from chimed_datasets import load_recipe
from chimed_datasets.building import run as building
from chimed_datasets.building.decide import deduplicate
from chimed_datasets.building.features import feature_rows, feature_type
from chimed_datasets.building.prepared import prepare
from chimed_datasets.building.progress import silent
from chimed_datasets.building.workers import WARM
from chimed_datasets.executors.local import LocalExecutor
from chimed_datasets.stages.deduplicate import Deduplicate


class Timed(LocalExecutor):
    """Adds up the CPU seconds of each function's tasks, where they run in this process."""

    seconds: ClassVar[Counter[str]] = Counter()
    tasks: ClassVar[Counter[str]] = Counter()

    def run(self, function: Callable, shared: Any, tasks: Sequence[Any]) -> Iterator[Any]:
        """Yield the results of the tasks."""
        found = super().run(function, shared, tasks)
        while True:
            start = time.process_time()
            try:
                result = next(found)
            except StopIteration:
                return
            self.seconds[function.__name__] += time.process_time() - start
            self.tasks[function.__name__] += 1
            yield result


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    told: dict[str, Any] = {}

    part = deduplicate.write_part

    def parted(shared: Any, task: Any) -> Path:
        path = part(shared, task)
        told["bytes of band files"] = told.get("bytes of band files", 0) + path.stat().st_size
        return path

    parted.__name__ = "write_part"
    if args.workers == 1:
        deduplicate.write_part = parted
    executor = Timed(args.workers, WARM)
    recipe = load_recipe(args.recipe)
    args.work.mkdir(parents=True)
    wall, cpu = time.perf_counter(), time.process_time()
    prepared = prepare(recipe, args.work, executor=executor)
    written = building.write_shards(prepared, executor, silent, silent)
    before_close = time.process_time()
    building.close(prepared, written, args.work / "dataset")
    closing = time.process_time() - before_close
    cpu = time.process_time() - cpu
    files = [file for found in prepared.plan.files.values() for file in found]
    told |= {
        "records": len(prepared.store),
        "characters": int(prepared.features["chars"].sum()),
        "bytes in": sum(file.size for file in files),
        "bytes of units": size(args.work / "units"),
        "bytes out": size(args.work / "dataset"),
        "bytes of a feature row without bands": feature_rows(
            feature_type(Deduplicate().bands), ()
        ).itemsize,
        "tasks": dict(executor.tasks),
        "CPU s of tasks": {name: round(s, 2) for name, s in executor.seconds.items()},
        "CPU s of closing": round(closing, 2),
        "CPU s of this process": round(cpu, 2),
        "wall s": round(time.perf_counter() - wall, 1),
        "peak bytes of this process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(told, indent=1))
    shutil.rmtree(args.work)


if __name__ == "__main__":
    main()
