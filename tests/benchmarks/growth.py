"""Builds of several sizes in one run: does time grow as the data do, and memory not at all?

    python tests/benchmarks/growth.py OUT [--scales 1 4 10] [--data ../shared/data]

    OUT/SCALE    what make_data.py makes; made where it is not there, and not timed

Each is built once with two workers. Printed: wall and CPU seconds, the largest memory of all
processes together (proportional set sizes, and of these what is not of mapped files), and the slope:
d log(seconds) / d log(size) between the least and the largest size; 1 is proportional.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from pathlib import Path

import make_data
from measured import run


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("out", type=Path)
    given.add_argument("--scales", type=float, nargs="+", default=[1, 4, 10])
    given.add_argument("--data", type=Path, default=make_data.SHARED)
    asked = given.parse_args()
    scales = sorted(asked.scales)
    places = {scale: asked.out / f"{scale:g}x" for scale in scales}
    for scale, data in places.items():
        if not (data / "told.json").exists():
            shutil.rmtree(data, ignore_errors=True)
            make_data.make(data, scale, asked.data)
    chimed = Path(sys.executable).with_name("chimed")
    seconds, cpu = [], []
    print("| size | records | M Chinese characters | wall s | CPU s | peak GB | of its own |")
    print("|---|---|---|---|---|---|---|")
    for scale, data in places.items():
        told = json.loads((data / "told.json").read_text())
        out = asked.out / "dataset"
        shutil.rmtree(out, ignore_errors=True)
        command = [chimed, "build", data / "recipe.yaml", "--out", out, "--workers", "2", "-q"]
        measured = run(command, asked.out / f"{scale:g}x.log")
        if measured.code:
            sys.exit(f"{scale:g}: failed, see {asked.out / f'{scale:g}x.log'}")
        seconds.append(measured.seconds)
        cpu.append(measured.cpu)
        records = sum(told[name] for name in ("documents", "qa", "preference"))
        print(
            f"| {scale:g} | {records:,} | {told['han'] / 1e6:,.1f} | {measured.seconds:.1f} | "
            f"{measured.cpu:.1f} | {measured.peak / 1e9:.2f} | {measured.own / 1e9:.2f} |",
            flush=True,
        )
    if len(scales) > 1:
        size = math.log(scales[-1] / scales[0])
        wall, all_cpu = (math.log(took[-1] / took[0]) / size for took in (seconds, cpu))
        print(f"\nslope: {wall:.3f} by wall, {all_cpu:.3f} by CPU seconds")


if __name__ == "__main__":
    main()
