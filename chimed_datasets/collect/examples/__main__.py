"""Write the two site files and serve the two sites until interrupted; see the package."""

import contextlib
import signal
import sys
import threading
from pathlib import Path

from . import ENCYCLOPEDIA, PLATFORM
from .site import Site, encyclopedia, platform

PORTS = {PLATFORM: 8901, ENCYCLOPEDIA: 8902}


def _site_file(example: Path, folder: Path, port: int) -> Path:
    """Write an example's site file for a port; it appears whole."""
    text = example.read_text("utf-8").replace(f":{PORTS[example]}", f":{port}")
    partial = folder / f".{example.name}"
    partial.write_text(text, "utf-8")
    return partial.replace(folder / example.name)


def main(folder: Path, port: int) -> None:
    """Serve until interrupted; with port 0 at free ones."""
    with Site(platform, port) as questions, Site(encyclopedia, port and port + 1) as entries:
        for example, site in ((PLATFORM, questions), (ENCYCLOPEDIA, entries)):
            print(f"{site.url} is for {_site_file(example, folder, site.server_port)}", flush=True)
        print("Ctrl-C ends them.", flush=True)
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with contextlib.suppress(KeyboardInterrupt):
            stop.wait()


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    folder, port = Path(given.get(0, ".")), int(given.get(1, PORTS[PLATFORM]))
    try:
        main(folder, port)
    except OSError as error:
        module = "python -m chimed_datasets.collect.examples"
        sys.exit(
            f"{folder}, ports {port} and {port + 1}: {error}. {module} {folder} 0 takes free ports."
        )
