"""Run a build that kills itself: at its Nth write, rename or removal, or after some seconds.

    python tests/killed_build.py RECIPE OUT --at 12 [--workers 1] [--overwrite]
    python tests/killed_build.py RECIPE OUT --after 0.8 --workers 2
    python tests/killed_build.py RECIPE OUT --count      # how many such moments a build has

Python reports every file that it opens, renames or removes to an audit hook (PEP 578); so does
each worker, so that only builds in one process are killed at a numbered moment.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time

MOMENTS = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "shutil.rmtree"}


def is_moment(event: str, args: tuple) -> bool:
    """Whether an audit event changes the disk: a file opened to be written, or a name changed."""
    if event == "open":
        mode, flags = args[1], args[2]
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        return bool(writes or (isinstance(mode, str) and set(mode) & set("wax+")))
    return event in MOMENTS


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("out")
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--after", type=float, default=0)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--overwrite", action="store_true")
    args = parser.parse_args()

    from chimed_datasets import build, load_recipe

    recipe = load_recipe(args.recipe)
    if args.after:
        threading.Thread(
            target=lambda: (time.sleep(args.after), os.kill(os.getpid(), signal.SIGKILL)),
            daemon=True,
        ).start()
    seen = 0

    def hook(event: str, given: tuple) -> None:
        nonlocal seen
        if is_moment(event, given):
            seen += 1
            if seen == args.at:
                os.kill(os.getpid(), signal.SIGKILL)

    if args.at or args.count:
        sys.addaudithook(hook)
    build(recipe, args.out, workers=args.workers, overwrite=args.overwrite, tell=print)
    if args.count:
        print(seen)


if __name__ == "__main__":
    main()
